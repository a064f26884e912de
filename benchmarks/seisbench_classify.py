"""Picks of a waveform file by SeisBench, as a script of a user would make them.

`python benchmarks/seisbench_classify.py PhaseNet WEIGHTS FILE PICKS.csv [--batch N] [--threads N]`:
WEIGHTS.json and WEIGHTS.pt are what `save` of a SeisBench network wrote. Needs SeisBench, not
quakeline. Without --batch the batch is SeisBench's own, 256.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import obspy
import seisbench.models
import torch


def main() -> None:
    """Read, classify, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("network")
    parser.add_argument("weights")
    parser.add_argument("file", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--threshold", type=float, default=0.3)
    words = parser.parse_args()
    torch.set_num_threads(words.threads)
    model = getattr(seisbench.models, words.network).load(words.weights)
    options = {"P_threshold": words.threshold, "S_threshold": words.threshold}
    if words.batch:
        options["batch_size"] = words.batch
    found = model.classify(obspy.read(str(words.file)), **options)
    with words.output.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["trace", "phase", "time", "probability"])
        for pick in found.picks:
            table.writerow([pick.trace_id, pick.phase, pick.peak_time, pick.peak_value])


if __name__ == "__main__":
    main()

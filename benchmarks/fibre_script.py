"""Picks of the files of a fibre, as a script of a user would make them with either library.

`python benchmarks/fibre_script.py quakeline|seisbench WEIGHTS PATTERN PICKS.csv [--threads N]
[--ready FILE]`:
WEIGHTS are those of PhaseNet, the name of a weight set for quakeline, the path of what `save` of a
SeisBench network wrote for SeisBench. Files are opened by xdas, every channel is picked by itself.
FILE is told how many CPU seconds had gone when the files were open and the network was ready.
"""

from __future__ import annotations

import argparse
import csv
import time
from pathlib import Path
from typing import Any

_THRESHOLD = 0.3


def quakeline_model(weights: str, threads: int) -> tuple[Any, Any, dict[str, Any]]:
    """Network, callback and options of quakeline."""
    from quakeline import DASPicker, DASPickingCallback

    model = DASPicker(weights, threads=threads, device="cpu")
    return model, DASPickingCallback(thresholds={"P": _THRESHOLD, "S": _THRESHOLD}), {}


def seisbench_model(weights: str, threads: int) -> tuple[Any, Any, dict[str, Any]]:
    """The same of SeisBench."""
    import seisbench.models
    import torch
    from seisbench.models.das_base import DASPickingCallback

    torch.set_num_threads(threads)
    network = seisbench.models.PhaseNet.load(weights)
    model = seisbench.models.DASWaveformModelWrapper(network)
    callback = DASPickingCallback(thresholds={"P": _THRESHOLD, "S": _THRESHOLD})
    return model, callback, {"pbar": False}


def main() -> None:
    """Open, annotate, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("library", choices=("quakeline", "seisbench"))
    parser.add_argument("weights")
    parser.add_argument("pattern")
    parser.add_argument("output", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--ready", type=Path)
    words = parser.parse_args()
    import xdas

    data = xdas.open_mfdataarray(words.pattern)
    make = quakeline_model if words.library == "quakeline" else seisbench_model
    model, callback, options = make(words.weights, words.threads)
    if words.ready:
        words.ready.write_text(str(time.process_time()))
    model.annotate(data, callback, **options)
    with words.output.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["phase", "channel", "time", "confidence"])
        for phase, picks in callback.get_results_dict().items():
            for pick in picks:
                table.writerow([phase, pick.channel, pick.time, pick.confidence])


if __name__ == "__main__":
    main()

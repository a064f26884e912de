"""Files of a fibre to a table of picks as whole processes: scripts with either library.

`python -m benchmarks.whole_process_fibre [--channels 200] [--rounds 3] [--quick]`: both run
benchmarks/fibre_script.py on the same files, 120 s at 100 Hz in files of 20 s, noise with onsets
that move along the fibre (those of `benchmarks.das_engine`). Both have the authors' original
weights of PhaseNet and thresholds of 0.3, and take every channel by itself; SeisBench at its
default batch. Figures are those of processes from start to end, medians of rounds in turn. `ready`
is the CPU time until the files are open and the network is ready. `equal` is the share of all picks
that both have, of the same phase and channel within 0.1 s.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import das_engine, measure, peer_networks

MODULE = "benchmarks.whole_process_fibre"
_SCRIPT = Path(__file__).with_name("fibre_script.py")
_RATE = 100
_FILE_S = 20
_NEAR_S = 0.1
_UNITS = (
    ("cpu_s", "CPU s"),
    ("ready", "CPU s until ready"),
    ("wall_s", "wall s"),
    ("peak_mb", "MB"),
)


def furnish(channels: int, folder: str, threads: int) -> dict[str, Any]:
    """Write the files of the fibre and SeisBench's weights."""
    from quakeline.models.graphs import graph_of
    from quakeline.models.named import weights_file

    data = das_engine.record(_RATE, channels)
    for first in range(0, len(data), _FILE_S * _RATE):
        part = data[first : first + _FILE_S * _RATE]
        part.to_netcdf(f"{folder}/fibre_{first:06d}.nc")
    peer_networks.save("PhaseNet", f"{folder}/PhaseNet")
    graph_of(weights_file("phasenet"))
    return {}


def run(library: str, folder: Path, threads: int) -> dict[str, float]:
    """One process of a side."""
    weights = "phasenet" if library == "quakeline" else f"{folder}/PhaseNet"
    ready = folder / "ready"
    words: list[str | Path] = [sys.executable, _SCRIPT, library, weights]
    words += [f"{folder}/fibre_*.nc", folder / f"{library}.csv", "--threads", str(threads)]
    _, spent = measure.spent([*words, "--ready", ready], measure.environment_of(threads))
    return {**spent, "ready": float(ready.read_text())}


def shared(ours: Path, theirs: Path) -> tuple[int, int, float | None]:
    """Picks of both sides, and the share of all of them that both have."""
    import pandas as pd

    tables = [pd.read_csv(path, dtype={"phase": "str"}) for path in (ours, theirs)]
    own, other = (
        table.assign(at=pd.to_datetime(table["time"]).dt.as_unit("ns")).sort_values("at")
        for table in tables
    )
    both = pd.merge_asof(
        other.assign(channel=other["channel"].round(3)),
        own.assign(channel=own["channel"].round(3), held=True)[["at", "phase", "channel", "held"]],
        on="at",
        by=["phase", "channel"],
        direction="nearest",
        tolerance=pd.Timedelta(seconds=_NEAR_S),
    )["held"].sum()
    either = len(own) + len(other) - both
    return len(own), len(other), round(float(both / either), 4) if either else None


def main() -> None:
    """Both sides in turn, on one and two threads; --quick one round of twenty channels."""
    parser = measure.parser_of(__doc__)
    parser.add_argument("--channels", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a short run, which keeps no figures")
    words = parser.parse_args()
    if measure.answered(words, furnish=furnish):
        return
    channels, rounds = (20, 1) if words.quick else (words.channels, words.rounds)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measure.child(MODULE, 1, channels=channels, folder=name)
        run("quakeline", folder, 1)
        for threads in (1, 2):
            mine, theirs = [], []
            for _ in range(rounds):
                mine.append(run("quakeline", folder, threads))
                theirs.append(run("seisbench", folder, threads))
            me, they = measure.medians(mine), measure.medians(theirs)
            picks, others, equal = shared(folder / "quakeline.csv", folder / "seisbench.csv")
            word = "s" * (threads > 1)
            title = f"{channels} channels x 120 s, {threads} thread{word}"
            rows += [measure.case(title, unit, me[key], they[key], equal) for key, unit in _UNITS]
            rows.append(measure.case(f"{title}, picks", "number", picks, others, equal))
            measure.finish("whole_process_fibre", rows, words.quick)


if __name__ == "__main__":
    main()

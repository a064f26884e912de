"""quakeline, PyOcto and GaMMA on the same real picks, scored alike.

`python -m benchmarks.rivals FOLDER --python PYTHON [--only NAME] [--parts] [--limit 600]
[--associators quakeline,pyocto] [--quick]`: FOLDER as for `benchmarks.real_catalogs`; PYTHON is
that of an environment with `pyocto`, `GMMA`, `pandas` and `pyproj`. All three get the same picks
and stations; quakeline also the velocity table, with default settings, and does the location too.
An associator that has not ended after so many seconds of CPU is stopped and said to be. Instruments
of a station count as one station for the others; of their picks of one phase within 0.3 s the first
is kept, without which PyOcto takes minutes. `close` are pairs of events within 1.5 s and 10 km.
`--parts` takes, of each set, the first of the parts of `benchmarks.stated_errors`, and repeats
everything without the picks of every third station: `held_out` has the shares of events that the
picks of these stations confirm (`benchmarks.held_out`). `--associators` says which are measured.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import held_out
from benchmarks.measure import finish
from benchmarks.real_catalogs import beside, made_of, parser_of_sets, sets
from benchmarks.stated_errors import PARTS
from quakeline.core.geometry import distance_azimuth

_RIVALS = ("pyocto", "gamma")
_ALL = ("quakeline", *_RIVALS)
_SCRIPT = Path(__file__).with_name("rival_associators.py")
_SAME_S = 0.3
_CLOSE_S, _CLOSE_KM = 1.5, 10.0
#: Picks after the last origin of a part.
_AFTER = pd.Timedelta("60s")


def main() -> None:
    """Measure each set with each associator and keep the figures."""
    parser = parser_of_sets(__doc__)
    parser.add_argument("--python", type=Path, required=True)
    parser.add_argument(
        "--parts", action="store_true", help="parts of sets, with stations left out"
    )
    parser.add_argument("--limit", type=int, default=600, metavar="CPU_S")
    parser.add_argument("--associators", default=",".join(_ALL), metavar="NAMES")
    words = parser.parse_args()
    require(words.python)
    rows = []
    for folder in sets(words.folder, words.only):
        with tempfile.TemporaryDirectory() as place:
            part = part_of(
                folder, span_of(folder.name) if words.parts else None, Path(place) / "all"
            )
            less = held_out.without(part, Path(place) / "less") if words.parts else None
            for name in [name for name in _ALL if name in words.associators.split(",")]:
                figures = told(name, part, less, words.python, words.limit)
                rows.append({"case": folder.name, "associator": name, **figures})
                finish("rivals", rows, words.quick, kept=words.only)


def span_of(name: str) -> tuple[str, str] | None:
    """Begin and end of the first part of a set; None: the whole set."""
    spans = ((begin, end) for case, begin, end in PARTS if case == name and begin and end)
    return next(spans, None)


def told(name: str, part: Path, less: Path | None, python: Path, limit_s: int) -> dict[str, Any]:
    """Figures of an associator on a part, and what stations that were left out say of it."""
    events, spent = made_by(name, part, python, limit_s)
    if events is None:
        return spent
    figures = {**beside(part, events)[2], "close": close(events), **spent}
    if less is None:
        return figures
    fewer, _ = made_by(name, less, python, limit_s)
    told = None if fewer is None else held_out.confirmed(part, less, fewer, name != "quakeline")
    return {**figures, "held_out": told}


def close(events: pd.DataFrame) -> int:
    """Events that follow another within 1.5 s and 10 km."""
    ordered = events.sort_values("time")
    seconds = ordered["time"].diff().dt.total_seconds().to_numpy()[1:]
    places = ordered[["latitude", "longitude"]].to_numpy()
    km = np.array(
        [
            distance_azimuth(latitude, longitude, following[:1], following[1:])[0][0]
            for (latitude, longitude), following in pairwise(places)
        ]
    )
    return int(((seconds < _CLOSE_S) & (km < _CLOSE_KM)).sum())


def made_by(
    name: str, part: Path, python: Path, limit_s: int
) -> tuple[pd.DataFrame | None, dict[str, Any]]:
    """Events of an associator, None where it did not end, and what it took."""
    if name != "quakeline":
        return rival(name, part, python, limit_s)
    made = made_of(part, part / "picks.csv", part / "catalog")
    events = made["events"].reset_index(drop=True)
    return events, {"cpu_s": made["cpu_s"], "peak_mb": made["peak_mb"]}


def require(python: Path) -> None:
    """End the program with a line unless a Python has what the other associators need."""
    code = "import sys; from importlib.util import find_spec as f; "
    code += "print(*[name for name in sys.argv[1:] if f(name) is None])"
    command: list[str | Path] = [python, "-c", code, *_RIVALS, "pandas", "pyproj"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"--python {python}: does not run: {error}")
    if lacking := done.stdout.split():
        sys.exit(f"--python {python}: has no {', '.join(lacking)}; `pip install pyocto GMMA`")


def part_of(folder: Path, span: tuple[str, str] | None, place: Path) -> Path:
    """A set's tables between two times, in a folder of their own."""
    place.mkdir(parents=True)
    for name in ("stations.csv", "velocity.csv"):
        shutil.copy(folder / name, place / name)
    for name, after in (("picks.csv", _AFTER), ("reference_events.csv", pd.Timedelta(0))):
        table = pd.read_csv(folder / name)
        if span is not None:
            begin, end = (pd.to_datetime(text, utc=True) for text in span)
            times = pd.to_datetime(table["time"], utc=True, format="ISO8601")
            table = table[(times >= begin) & (times < end + after)]
        table.to_csv(place / name, index=False)
    return place


def rival(
    name: str, part: Path, python: Path, limit_s: int
) -> tuple[pd.DataFrame | None, dict[str, Any]]:
    """Events of another associator, None where it was stopped, and what it took."""
    inputs, output = part / name, part / f"{name}.csv"
    inputs.mkdir()
    shutil.copy(part / "stations.csv", inputs)
    once(pd.read_csv(part / "picks.csv")).to_csv(inputs / "picks.csv", index=False)
    process = subprocess.Popen(
        [python, _SCRIPT, name, inputs, output],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": "", "OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s)),
    )
    _, status, used = os.wait4(process.pid, 0)
    spent = {
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "peak_mb": round(used.ru_maxrss / 1024),
    }
    if status:
        ended = os.waitstatus_to_exitcode(status)
        return None, {"ended": f"stopped or failed ({ended})", **spent}
    events = pd.read_csv(output)
    events["time"] = pd.to_datetime(events["time"], utc=True, format="ISO8601")
    return events, spent


def once(picks: pd.DataFrame) -> pd.DataFrame:
    """The first of the picks of a phase and station that follow each other within 0.3 s."""
    times = pd.to_datetime(picks["time"], utc=True, format="ISO8601")
    keys = [name for name in ("network", "station", "phase") if name in picks]
    order = picks.assign(at=times).sort_values([*keys, "at"])
    late = order.groupby(keys, dropna=False)["at"].diff().dt.total_seconds()
    kept: pd.DataFrame = order[~(late <= _SAME_S)].drop(columns="at").sort_index()
    return kept


if __name__ == "__main__":
    main()

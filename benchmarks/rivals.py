"""quakeline, PyOcto and GaMMA on the same real picks, scored alike.

`python -m benchmarks.rivals FOLDER --python PYTHON [--only NAME] [--held-out] [--seeds 1]
[--limit 600] [--associators quakeline,pyocto] [--parts] [--quick]`: FOLDER as for
`benchmarks.real_catalogs`; PYTHON is that of an environment with `pyocto`, `GMMA`, `pandas` and
`pyproj`. All three get the same picks and stations; quakeline also the velocity table, with default
settings, and does the location too. An associator that has not ended after so many seconds of CPU
is stopped and said to be. Instruments of a station count as one station for the others; of their
picks of one phase within 0.3 s the first is kept, without which PyOcto takes minutes. `twins` are
pairs of events within 2 s and 5 km that share a station, `false_events` those of the same picks
with the times of each station shifted at random, for so many seeds. `--held-out` repeats everything
without the picks of every third station: `held_out` has the shares of events that the picks of
these stations confirm (`benchmarks.held_out`). `--parts` takes, of each set, the first of the parts
of `benchmarks.stated_errors`. `--associators` says which are measured; what is known of the others
stays.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks import held_out
from benchmarks.measure import finish
from benchmarks.real_catalogs import beside, made_of, parser_of_sets, sets, shifted
from benchmarks.stated_errors import PARTS
from quakeline.events.comparison.twins import twins

_RIVALS = ("pyocto", "gamma")
_ALL = ("quakeline", *_RIVALS)
_SCRIPT = Path(__file__).with_name("rival_associators.py")
_SAME_S = 0.3
_TWINS_S = 2.0
#: Events, arrivals and picks (None: did not end), and what they took.
Made = tuple[tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame] | None, dict[str, Any]]
#: Picks after the last origin of a part.
_AFTER = pd.Timedelta("60s")


def main() -> None:
    """Measure each set with each associator and keep the figures."""
    parser = parser_of_sets(__doc__)
    parser.add_argument("--python", type=Path, required=True)
    parser.add_argument("--parts", action="store_true", help="a part of each set")
    parser.add_argument("--held-out", action="store_true", help="also with stations left out")
    parser.add_argument("--seeds", type=int, default=0, help="shifted runs of each set")
    parser.add_argument("--limit", type=int, default=600, metavar="CPU_S")
    parser.add_argument("--associators", default=",".join(_ALL), metavar="NAMES")
    words = parser.parse_args()
    require(words.python)
    rows: list[dict[str, Any]] = []
    for folder in sets(words.folder, words.only):
        with tempfile.TemporaryDirectory() as place:
            part = part_of(
                folder, span_of(folder.name) if words.parts else None, Path(place) / "all"
            )
            less = held_out.without(part, Path(place) / "less") if words.held_out else None
            for name in [name for name in _ALL if name in words.associators.split(",")]:
                made_by = partial(made, name, python=words.python, limit_s=words.limit)
                figures = told(made_by, part, less, words.seeds, straight=name != "quakeline")
                rows.append({"case": folder.name, "associator": name, **figures})
                finish("rivals", rows, words.quick, keys=("case", "associator"))


def span_of(name: str) -> tuple[str, str] | None:
    """Begin and end of the first part of a set; None: the whole set."""
    spans = ((begin, end) for case, begin, end in PARTS if case == name and begin and end)
    return next(spans, None)


def told(
    made_by: Callable[[Path], Made], part: Path, less: Path | None, seeds: int, straight: bool
) -> dict[str, Any]:
    """Figures of an associator on a set, what stations left out say of it, and its false events.

    What takes longer than its limit on all picks is not tried on others.
    """
    tables, spent = made_by(part)
    if tables is None:
        return spent
    events, arrivals, picks = tables
    pairs = twins(events, arrivals, picks, _TWINS_S)
    figures = {**beside(part, events)[2], "twins": len(pairs), **spent}
    if less is not None:
        fewer, _ = made_by(less)
        said = None if fewer is None else held_out.confirmed(part, less, fewer[0], straight)
        figures["held_out"] = said
    if seeds:
        figures["false_events"] = [false_of(made_by, part, seed) for seed in range(seeds)]
    return figures


def false_of(made_by: Callable[[Path], Made], part: Path, seed: int) -> int | None:
    """How many events a set has whose stations are shifted in time; None: it did not end."""
    with tempfile.TemporaryDirectory() as name:
        place = part_of(part, None, Path(name) / "shifted")
        shifted(part / "picks.csv", seed).to_csv(place / "picks.csv", index=False)
        tables, _ = made_by(place)
    return None if tables is None else len(tables[0])


def made(name: str, part: Path, python: Path, limit_s: int) -> Made:
    """Events, arrivals and picks of an associator, None where it did not end, and what it took."""
    if name != "quakeline":
        return rival(name, part, python, limit_s)
    tables = made_of(part, part / "picks.csv", part / "catalog")
    events = tables["events"].reset_index(drop=True)
    spent = {"cpu_s": tables["cpu_s"], "peak_mb": tables["peak_mb"]}
    return (events, tables["arrivals"], tables["picks"]), spent


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


def rival(name: str, part: Path, python: Path, limit_s: int) -> Made:
    """Tables of another associator, None where it was stopped, and what it took."""
    arrivals = part / f"{name}_arrivals.csv"
    inputs, output = part / name, part / f"{name}.csv"
    inputs.mkdir()
    shutil.copy(part / "stations.csv", inputs)
    once(pd.read_csv(part / "picks.csv")).to_csv(inputs / "picks.csv", index=False)
    process = subprocess.Popen(
        [python, _SCRIPT, name, inputs, output, arrivals],
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
    events = pd.read_csv(output).astype({"event_id": str})
    times = pd.to_datetime(events["time"], utc=True, format="ISO8601")
    events["time"] = times.astype("datetime64[ns, UTC]")
    owned = pd.read_csv(arrivals, keep_default_na=False).astype(str)
    return (events, owned, owned.drop_duplicates("pick_id")), spent


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

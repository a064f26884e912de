"""quakeline, PyOcto and GaMMA on the same real picks, scored alike.

`python -m benchmarks.rivals FOLDER --python PYTHON [--only NAME] [--span FROM TO] [--limit 600]
[--quick]`: FOLDER as for `benchmarks.real_catalogs`; PYTHON is that of an environment with
`pyocto`, `GMMA`, `pandas` and `pyproj`. All three get the same picks and stations; quakeline also
the velocity table, with default settings, and does the location too. An associator that has not
ended after so many seconds of CPU is stopped and said to be. Instruments of a station count as one
station for the others; of their picks of one phase within 0.3 s the first is kept, without which
PyOcto takes minutes.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.measure import finish, parser_of
from benchmarks.real_catalogs import beside, made_of, sets

_RIVALS = ("pyocto", "gamma")
_SCRIPT = Path(__file__).with_name("rival_associators.py")
_SAME_S = 0.3
#: Picks after the last origin of a part.
_AFTER = pd.Timedelta("60s")


def main() -> None:
    """Measure each set with each associator and keep the figures."""
    parser = parser_of(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--python", type=Path, required=True)
    parser.add_argument("--only", default="", metavar="NAME")
    parser.add_argument("--span", nargs=2, metavar=("FROM", "TO"))
    parser.add_argument("--limit", type=int, default=600, metavar="CPU_S")
    parser.add_argument("--quick", action="store_true", help="keep no figures")
    words = parser.parse_args()
    require(words.python)
    rows = []
    for folder in sets(words.folder, words.only):
        with tempfile.TemporaryDirectory() as place:
            part = part_of(folder, words.span, Path(place) / folder.name)
            rows.append({"case": folder.name, "associator": "quakeline", **ours(part)})
            for name in _RIVALS:
                figures = rival(name, part, words.python, words.limit)
                rows.append({"case": folder.name, "associator": name, **figures})
        finish("rivals", rows, words.quick, kept=words.only)


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


def ours(part: Path) -> dict[str, Any]:
    """Figures of `quakeline catalog`, which locates too."""
    made = made_of(part, part / "picks.csv", part / "catalog")
    figures = beside(part, made["events"].reset_index(drop=True))[2]
    return {**figures, "cpu_s": made["cpu_s"], "peak_mb": made["peak_mb"]}


def rival(name: str, part: Path, python: Path, limit_s: int) -> dict[str, Any]:
    """Figures of another associator."""
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
        return {"ended": f"stopped or failed ({ended})", **spent}
    events = pd.read_csv(output)
    events["time"] = pd.to_datetime(events["time"], utc=True, format="ISO8601")
    return {**beside(part, events)[2], **spent}


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

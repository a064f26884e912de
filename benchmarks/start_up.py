"""What a person waits for before the work begins: commands and jobs that have hardly any data.

`python -m benchmarks.start_up [--rounds 3] [--quick]`: the embedded demo (four minutes of four
stations) is run from its raw data to the report, and half a minute of ten channels of a fibre to
its picks; then commands work on the demo. CPU seconds are those of whole processes, of a command
or of one job of the workflow, medians of rounds. `libraries` are those whose import takes most.
What is made once and kept in the cache is there, as from the second run on; so is not what a
first round makes, which does not count.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

from benchmarks import das_engine, measure
from benchmarks.processes import Listener

_RUN = "results/unterhaching"
_CATALOG = f"{_RUN}/catalog"
#: Commands that a user waits for, in this order; what they write goes to a new place each time.
_COMMANDS = (
    "--help",
    "catalog --help",
    "models list",
    "config check unterhaching",
    "plan unterhaching",
    "summary unterhaching",
    "pick {files}/BW.UH1._.SHZ.D.2010.147.cut.slist.gz --output {new}.csv",
    f"catalog {_CATALOG}/picks.parquet {_RUN}/stations.parquet --output {{new}}",
    "relocate unterhaching --output {new}",
    "export unterhaching --format nordic --output {new}.out",
    f"evaluate catalog unterhaching --reference {_CATALOG}/events.parquet",
)
_RATE_HZ, _CHANNELS, _SECONDS = 100, 10, 30
_FIBRE = """\
run: fibre
time: {{start: {start}, end: {end}}}
fibres:
  - name: FIB
    source: {{kind: files, paths: [fibre.nc]}}
    units: strain_rate
    gauge_length_m: 10
    channels: {{}}
"""


def furnish(folder: Path) -> None:
    """The demo, and a run of a fibre."""
    import numpy as np

    program = Path(sys.executable).with_name("quakeline")
    measure.spent([program, "init", "demo"], folder=folder)
    data = das_engine.record(_RATE_HZ, _CHANNELS)[: _SECONDS * _RATE_HZ]
    data.to_netcdf(str(folder / "fibre.nc"))
    start = np.datetime64(data["time"][0].values, "s")
    end = start + np.timedelta64(_SECONDS, "s")
    (folder / "fibre.yaml").write_text(_FIBRE.format(start=start, end=end), encoding="utf-8")


def once(folder: Path, number: int) -> dict[str, tuple[float, tuple[str, ...]]]:
    """CPU seconds and libraries of each job and command, by its name."""
    program = Path(sys.executable).with_name("quakeline")
    listener = Listener(folder / "listener")
    found: dict[str, tuple[float, tuple[str, ...]]] = {}
    for run in ("unterhaching", "fibre.yaml"):
        words: list[str | Path] = [program, "run", run, "--cores", "1", "--", "--forceall"]
        measure.spent(words, {**measure.environment_of(1), **listener.environment}, folder)
        for job in listener.ended:
            if job.rule:
                found.setdefault(f"job {job.rule}", (job.cpu_s, job.libraries))
    place = files("obspy") / "signal/tests/data"
    for command in _COMMANDS:
        new = f"new/{number}_{_COMMANDS.index(command)}"
        words = [program, *command.format(files=place, new=new).split()]
        (folder / "new").mkdir(exist_ok=True)
        _, spent = measure.spent(
            words, {**measure.environment_of(1), **listener.environment}, folder
        )
        name = " ".join(command.split()[: 2 if "{" not in command else 1])
        found[f"quakeline {name}"] = (spent["cpu_s"], listener.ended[-1].libraries)
    return found


def main() -> None:
    """Medians of some rounds."""
    parser = measure.parser_of(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a short run, which keeps no figures")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        furnish(folder)
        once(folder, 0)
        rounds = [once(folder, n + 1) for n in range(1 if words.quick else words.rounds)]
    rows: list[dict[str, Any]] = []
    for case, (_, libraries) in rounds[0].items():
        cpu_s = statistics.median(one[case][0] for one in rounds)
        row = {"case": case, "unit": "CPU s", "ours": round(cpu_s, 2)}
        rows.append({**row, "libraries": list(libraries)})
    measure.finish("start_up", rows, words.quick)


if __name__ == "__main__":
    main()

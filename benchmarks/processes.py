"""What the Python processes of a command say at their end: rule, CPU seconds, libraries loaded."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

#: Libraries whose import takes a twentieth of a CPU second or more.
HEAVY = (
    *("torch", "xdas", "openvino", "numba", "matplotlib", "zarr", "scipy.signal", "scipy.stats"),
    *("scipy.sparse", "pandas", "obspy", "pyarrow", "pyproj", "xarray", "dask", "jinja2"),
)
#: What each Python loads at its start.
_TELLER = f"""\
import atexit, json, os, resource, sys

def tell():
    job = getattr(sys.modules["__main__"], "snakemake", None)
    used = resource.getrusage(resource.RUSAGE_SELF)
    told = {{
        "rule": "" if job is None else job.rule,
        "cpu_s": used.ru_utime + used.ru_stime,
        "libraries": [name for name in {HEAVY!r} if name in sys.modules],
    }}
    with open(os.environ["PROCESSES_TOLD"], "a") as file:
        print(json.dumps(told), file=file)

atexit.register(tell)
"""


@dataclass(frozen=True)
class Process:
    """A process that has ended; `rule` is empty where it was no job of the workflow."""

    rule: str
    cpu_s: float
    libraries: tuple[str, ...]


@dataclass(frozen=True)
class Listener:
    """Hears of the processes that are started with its environment, in a folder of its own."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Variables by which every Python tells what it took; what was told before is forgotten."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / "sitecustomize.py").write_text(_TELLER, encoding="utf-8")
        self._told.write_text("", encoding="utf-8")
        places = filter(None, [str(self.folder), os.environ.get("PYTHONPATH")])
        return {"PYTHONPATH": os.pathsep.join(places), "PROCESSES_TOLD": str(self._told)}

    @property
    def ended(self) -> list[Process]:
        """The processes that have ended, in this order."""
        lines = self._told.read_text(encoding="utf-8").splitlines()
        told = [json.loads(line) for line in lines]
        return [Process(one["rule"], one["cpu_s"], tuple(one["libraries"])) for one in told]

    @property
    def _told(self) -> Path:
        return self.folder / "told.txt"

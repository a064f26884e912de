"""What Snakemake says while it works, in a file; of it the person sees how far the run is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import typer

#: Hears how many steps are done, and of how many.
Progress = Callable[[float, float], None]

_STEPS = re.compile(r"(\d+) of (\d+) steps \(\d+%\) done")
_WARNING = re.compile(r"(WARNING|ERROR) \w+: ")
#: Lines of Snakemake that are for the person.
_SAID = ("Nothing to be done",)
#: Warnings that are shown; the rest is counted.
_MOST = 10


class Follower:
    """Reads a file that grows: tells the progress, and shows warnings of jobs, each once."""

    def __init__(self, path: Path, progress: Progress) -> None:
        self._file = path.open(encoding="utf-8", errors="replace")
        self._progress = progress
        self._begun = ""
        self._shown: set[str] = set()

    def look(self) -> None:
        """Read what was written since the last look."""
        *lines, self._begun = (self._begun + self._file.read()).split("\n")
        for line in lines:
            self._read_line(line.strip())

    def close(self) -> None:
        """Read the rest, and say how many warnings were not shown."""
        self.look()
        self._read_line(self._begun.strip())
        self._file.close()
        rest = len(self._shown) - _MOST
        if rest > 0:
            more = "one more warning" if rest == 1 else f"{rest} more warnings"
            typer.echo(f"WARNING {more}: {self._file.name}", err=True)

    def _read_line(self, line: str) -> None:
        steps = _STEPS.search(line)
        if steps:
            self._progress(float(steps[1]), float(steps[2]))
        elif line.startswith(_SAID):
            typer.echo(line, err=True)
        elif _WARNING.match(line) and line not in self._shown:
            self._shown.add(line)
            if len(self._shown) <= _MOST:
                typer.echo(line, err=True)

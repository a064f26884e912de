"""What Snakemake says while it works, in a file; of it the person sees how far the run is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import typer

from quakeline.workflow.stages.stage import PHASES
from quakeline.workflow.stages.table import STAGES


@dataclass
class Steps:
    """How far a run is: jobs done and all jobs, in total and of each stage, and what has begun."""

    done: int = 0
    total: int = 0
    jobs: dict[str, int] = field(default_factory=dict)
    finished: dict[str, int] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)

    def phases(self) -> Iterator[tuple[str, list[str]]]:
        """The phases that the run has, each with its stages."""
        for phase in PHASES:
            own = [job for job in self.jobs if job in STAGES and STAGES[job].phase == phase]
            if own:
                yield phase, own


#: Is told how far a run is.
Progress = Callable[[Steps], None]

_JOBS = re.compile(r"(\w+) +(\d+)")
_BEGUN = re.compile(r"Job \d+: (\w+)")
_FINISHED = re.compile(r"Finished jobid: \d+ \(Rule: (\w+)\)")
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
        self._steps = Steps()
        self._counting = False

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
        if self._count(line):
            self._progress(self._steps)
        elif line.startswith(_SAID):
            typer.echo(line, err=True)
        elif _WARNING.match(line) and line not in self._shown:
            self._shown.add(line)
            if len(self._shown) <= _MOST:
                typer.echo(line, err=True)

    def _count(self, line: str) -> bool:
        """Whether a line tells of jobs, of which Snakemake first lists how many each rule has."""
        steps = self._steps
        if line == "Job stats:":
            self._counting = True
            steps.jobs, steps.finished, steps.begun = {}, {}, set()
        elif self._counting and (jobs := _JOBS.fullmatch(line)):
            self._counting = jobs[1] != "total"
            if jobs[1] not in ("total", "all"):
                steps.jobs[jobs[1]] = int(jobs[2])
        elif begun := _BEGUN.match(line):
            steps.begun.add(begun[1])
            return True
        elif finished := _FINISHED.match(line):
            steps.finished[finished[1]] = steps.finished.get(finished[1], 0) + 1
        elif share := _STEPS.search(line):
            steps.done, steps.total = int(share[1]), int(share[2])
            return True
        return False

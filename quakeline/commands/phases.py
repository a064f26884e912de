"""How far a run is: a line for each phase on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from quakeline.commands.progress import shown

if TYPE_CHECKING:
    from quakeline.workflow.following import Progress as Told
    from quakeline.workflow.following import Steps
    from quakeline.workflow.outcome import Outcome


@contextmanager
def phases_shown(console: Console) -> Iterator[Told]:
    """Give a function that takes how far the run is.

    A phase (data, train, picks, catalog; the field `phase` of a stage) has a bar, the time that
    passed and that is left by its rate so far, and counts of its stages that are at work.
    """
    if not console.is_terminal:
        with shown("running", console, lambda n: f"{n:.0f} steps") as notify:
            yield lambda steps: notify(steps.done, steps.total)
        return
    columns = (
        TextColumn("{task.description:<7}"),
        BarColumn(bar_width=16),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[counts]}"),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        yield _Phases(bars).tell


def carried_out(start: Callable[..., Outcome], place: Path, run: str, *, quiet: bool) -> int:
    """Start the workflow of a run, say how it ended, and give the exit code.

    Quiet, how far it is stands in the place of what Snakemake says.
    """
    from quakeline.workflow import launch

    if quiet:
        with phases_shown(Console(stderr=True)) as progress:
            outcome = start(progress=progress)
    else:
        outcome = start()
    if outcome.code and quiet:
        kept = os.path.relpath(launch.output_of(place / "results" / run))
        typer.echo(f"all that Snakemake said is in {kept}", err=True)
    for line in outcome.lines:
        typer.echo(f"quakeline: {line}", err=True)
    return outcome.code


class _Phases:
    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def tell(self, steps: Steps) -> None:
        """Draw the phases that the run has; the clock of one starts with its first job."""
        for phase, stages in steps.phases():
            if phase not in self._tasks:
                task = self._bars.add_task(phase, start=False, total=None, counts="")
                self._tasks[phase] = task
            task = self._tasks[phase]
            if steps.begun.intersection(stages):
                self._bars.start_task(task)
            total = sum(steps.jobs[stage] for stage in stages)
            done = sum(steps.finished.get(stage, 0) for stage in stages)
            self._bars.update(task, total=total, completed=done, counts=_counts(steps, stages))


def _counts(steps: Steps, stages: list[str]) -> str:
    """The stages that have begun and not ended: prepare 3/24."""
    open_ = [
        f"{stage} {steps.finished.get(stage, 0)}/{steps.jobs[stage]}"
        for stage in stages
        if stage in steps.begun and steps.finished.get(stage, 0) < steps.jobs[stage]
    ]
    return ", ".join(open_)

"""What `quakeline tune picker`, `tune classifier` and `train` share: options, jobs, words."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from quakeline.core.errors import ConfigError

if TYPE_CHECKING:
    from quakeline.training.datasets.records import Dataset
    from quakeline.training.event_tuning import EventResult
    from quakeline.training.jobs import Job
    from quakeline.training.settings import Settings
    from quakeline.training.tuning import Result

Data = Annotated[Path, typer.Option("--dataset", help="Data set, see `quakeline dataset`.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="The .safetensors file to write.")]
Name = Annotated[str | None, typer.Option(help="Name of the new weights; default: the file's.")]
Epochs = Annotated[
    int, typer.Option(min=0, help="Epochs at most; 0: thresholds or temperature alone.")
]
Patience = Annotated[int, typer.Option(min=1, help="Epochs without progress until it ends.")]
Batch = Annotated[int, typer.Option("--batch-size", min=1, help="Windows in one step.")]
Rate = Annotated[float, typer.Option("--learning-rate", help="Learning rate of Adam.")]
Seed = Annotated[int, typer.Option(min=0, help="Makes order, windows and augmentation.")]
Norms = Annotated[
    Literal["keep", "train"], typer.Option(help="Whether batch normalisation learns too.")
]
Resample = Annotated[
    bool, typer.Option("--resample", help="Bring records of another rate to that of the network.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="Another setting, e.g. augmentation.drop=0.2; repeatable."),
]


def job_of(
    parent: Path,
    dataset: Dataset,
    output: Path,
    *,
    name: str | None,
    given: Mapping[str, object],
    more: list[str] | None,
    resample: bool,
    threads: int | None,
    device: str,
) -> Job:
    """The job of a command, whose settings are those `given` and `more`, the words of `--set`."""
    import os

    from quakeline.training.jobs import Job

    return Job(
        parent=parent,
        dataset=dataset,
        settings=settings_from(given, more or []),
        target=output,
        name=name or output.stem,
        resample=resample,
        device=device,
        threads=threads or len(os.sched_getaffinity(0)),
        command=given_command(),
    )


def given_command() -> str:
    """The command that is running, as one would type it."""
    return shlex.join(["quakeline", *sys.argv[1:]])


def carried_out(job: Job, option: str, *inputs: Path | None) -> None:
    """Train as a job says, and tell of it."""
    from rich.console import Console

    from quakeline.commands.progress import told
    from quakeline.io.products import targets
    from quakeline.io.products.atomic import writing
    from quakeline.training import event_tuning
    from quakeline.training.jobs import REPORT, begin
    from quakeline.training.report import page
    from quakeline.training.tuning import tune

    if job.target.suffix != ".safetensors":
        raise ConfigError(f"{option}: {str(job.target)!r} given; allowed: *.safetensors")
    for path in (job.target, job.log, job.checkpoint):
        targets.require_file(option, path, [*job.dataset.files, job.parent, *inputs])
    targets.require_folder("the report's folder", job.report, REPORT, page.NAMES, [])
    with writing(job.target):
        job.target.parent.mkdir(parents=True, exist_ok=True)
    typer.echo(f"records  {job.dataset.path}, {len(job.dataset)} of them")
    begun = begin(job)
    result: Result | EventResult
    with told(Console(stderr=True)) as tell:
        followed = replace(job, steps=_Steps(job.settings.epochs, tell))
        if begun.card.output == "event":
            result = event_tuning.tune(followed, begun, lambda row: typer.echo(line_of(row)))
            lines = _of_events(result)
        else:
            tuned = tune(followed, lambda row: typer.echo(line_of(row)), begun)
            if tuned is None:  # another process tells
                return
            result, lines = tuned, _summary(tuned, job.name)
    for line in lines:
        typer.echo(line)
    if not result.doubts:
        typer.echo(f"verdict  {result.verdict}")
    for doubt in result.doubts:
        typer.secho(f"WARNING  {doubt}", err=True, fg="yellow")
    typer.echo(
        f"written  {job.target} (weights {result.weights_id}), {job.log}, {job.report}/{page.PAGE}"
    )


class _Steps:
    """Tells how far an epoch is, and how long it still takes."""

    def __init__(self, epochs: int, tell: Callable[[str], None]) -> None:
        self._epochs, self._tell = epochs, tell
        self._epoch, self._since = 0, 0.0

    def __call__(self, epoch: int, done: int, windows: int) -> None:
        now = time.monotonic()
        if epoch != self._epoch:
            self._epoch, self._since, self._first = epoch, now, done
        line = f"epoch {epoch} of {self._epochs} at most: {done} of {windows} windows"
        if done > self._first and now > self._since:
            rate = (done - self._first) / (now - self._since)
            line += f", {rate:.3g} a second, {(windows - done) / rate:.0f} s left of the epoch"
        self._tell(line)


def settings_from(given: Mapping[str, object], words: list[str]) -> Settings:
    """The settings that options and `--set KEY=VALUE` say. Raises ConfigError."""
    from pydantic import ValidationError

    from quakeline.commands.options import value_of
    from quakeline.core.mistakes import mistakes
    from quakeline.training.settings import Settings
    from quakeline.workflow.config import merged

    plain: dict[str, object] = dict(given)
    for word in words:
        key, equals, _ = word.partition("=")
        if not equals:
            raise ConfigError(f"--set: {word!r} given; allowed: KEY=VALUE")
        value = value_of(word)
        for part in reversed(key.split(".")):
            value = {part: value}
        plain = merged(plain, value if isinstance(value, dict) else {})
    try:
        return Settings.model_validate(plain)
    except ValidationError as error:
        raise ConfigError(mistakes(error, Settings)[0]) from error


def line_of(row: dict[str, float]) -> str:
    """An epoch in words."""
    numbers = {
        "train": row.get("train_loss"),
        "dev": row.get("dev_loss"),
        "dev accuracy": row.get("dev_accuracy"),
    }
    said = ", ".join(f"{name} {value:.4g}" for name, value in numbers.items() if value is not None)
    return f"epoch    {row['epoch']:3g}: {said}"


def _of_events(result: EventResult) -> list[str]:
    """Best epoch, temperature, what was left out, and the part test."""
    lines = [f"best     epoch {result.best_epoch}, temperature {result.temperature:g}"]
    for reason, n in sorted(result.left_out.items()):
        lines.append(f"left out {n} records {reason}")
    if result.accuracy is None or result.reliability is None:
        return [*lines, "test     no windows"]
    error = result.reliability.error
    lines.append(
        f"test     {result.accuracy:.3f} of {result.windows} windows right, what is said and what"
        f" is right differ by {error:.3f}"
    )
    return lines


def _summary(result: Result, name: str) -> list[str]:
    """Best epoch, thresholds, and scores of the part test beside those of the parent."""
    levels = ", ".join(f"{phase} {level:g}" for phase, level in result.thresholds.items())
    lines = [f"best     epoch {result.best_epoch}, thresholds {levels}"]
    for weights, scores in result.scores.items():
        for phase, one in scores.items():
            mae = "" if one.mae_ms is None else f", MAE {one.mae_ms:.0f} ms"
            lines.append(
                f"test     {weights}: {phase} recall {one.recall:.3f}, precision"
                f" {one.precision:.3f}, F1 {one.f1:.3f}{mae} ({one.labels} labels)"
            )
    if not result.scores:
        lines.append(f"test     {name}: no records to be scored on")
    return lines

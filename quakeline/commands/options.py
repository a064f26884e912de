"""Words of the command line that several commands take."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from quakeline.core.errors import ConfigError

if TYPE_CHECKING:
    from quakeline.events.chain.material import Material

Interpolation = Literal["auto", "layers", "linear"]
Joined = Annotated[
    Interpolation,
    typer.Option("--interpolation", help="What lies between the depths of the velocity table."),
]


def value_of(word: str) -> object:
    """The value of a word KEY=VALUE of `--set`, as YAML has it. Raises ConfigError for no YAML."""
    import yaml

    try:
        value: object = yaml.safe_load(word.partition("=")[2])
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that is none
        why = " ".join(str(getattr(error, "problem", None) or error).split())
        raise ConfigError(
            f"--set: {word!r} given, whose value cannot be read ({why}); allowed: a value as in a"
            " file of settings"
        ) from None
    return value


#: What a command that computes takes, and one that runs networks.
Threads = Annotated[int | None, typer.Option(min=1, help="Cores to compute on; default: all.")]
Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="auto, cpu or cuda.")]

#: What a command that picks takes.
Files = Annotated[list[Path], typer.Argument(help="Waveform files, or folders of them.")]
Model = Annotated[
    str | None,
    typer.Option(
        help="Weight set, or seisbench:NAME/WEIGHTS; by default that of --weights, or phasenet."
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(help="A .safetensors file, or the model's original files, file or wheel."),
]
Threshold = Annotated[
    list[str] | None,
    typer.Option(help="Smallest probability by phase: P=0.3,S=0.2; default: the weight set's own."),
]
StationXml = Annotated[
    list[Path] | None, typer.Option(help="StationXML whose responses are removed; repeatable.")
]

_THRESHOLD = re.compile(r"\s*(\w+)\s*=\s*([^=\s]+)\s*")


def thresholds(words: Iterable[str]) -> dict[str, float]:
    """Read smallest probabilities by phase, as in `P=0.3,S=0.2`; each word may hold several.

    Raises ConfigError for anything else, a phase that is named twice, or a value that is not above
    0 and at most 1.
    """
    found: dict[str, float] = {}
    for word in words:
        for part in word.split(","):
            match = _THRESHOLD.fullmatch(part)
            value = _number(match[2]) if match else None
            if match is None or value is None or not 0 < value <= 1:
                raise ConfigError(
                    f"--threshold: {part.strip()!r} given; allowed: PHASE=PROBABILITY, above 0 and"
                    " at most 1, several with commas: P=0.3,S=0.2"
                )
            if match[1] in found:
                raise ConfigError(f"--threshold: {match[1]} is given twice")
            found[match[1]] = value
    return found


class _Once(logging.Filter):
    """Drops warnings that the command itself says, before or after the steps of the chain."""

    def __init__(self, said: Iterable[str]) -> None:
        super().__init__()
        self._said = list(said)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether nobody else says it."""
        message = record.getMessage()
        of_diagnosis = getattr(record, "diagnosis", False)
        told = of_diagnosis or any(message.endswith(one) for one in self._said)
        return record.levelno < logging.WARNING or not told


@contextmanager
def warned_once(said: Iterable[str]) -> Iterator[None]:
    """Keep the log from what stands in `said`, and from the diagnosis, which is told at the end."""
    once, logger = _Once(said), logging.getLogger("quakeline")
    logger.addFilter(once)
    try:
        yield
    finally:
        logger.removeFilter(once)


def say_given(material: Material) -> list[str]:
    """Tell where the stations are, how velocities were read, and what looks wrong in both.

    Gives the latter.
    """
    from quakeline.io.formats.station_list import elevation_doubts
    from quakeline.workflow.inspection.places import swapped, where

    if len(material.stations):
        typer.echo(f"stations {where(material.stations)}", err=True)
    typer.echo(f"velocity {material.model.reading}", err=True)
    found = material.model.doubts_for(material.sites.table)
    found = [*found, *elevation_doubts(material.stations), *swapped(material.stations)]
    for doubt in found:
        typer.secho(f"WARNING  {doubt}", err=True, fg="yellow")
    return found


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None

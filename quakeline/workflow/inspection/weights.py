"""Whether files of weights that a run names hold what the run takes them for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from quakeline.core.errors import QuakelineError
from quakeline.models.sections import Kind

if TYPE_CHECKING:
    from quakeline.workflow.config import Run


def unusable(run: Run) -> Iterator[str]:
    """A line for each file of weights, seen from the folder of the run, that it would refuse.

    Nothing is fetched and no loader is called. The network that classifies was looked at when the
    configuration was read.
    """
    for name in run.weights_stages:
        section = getattr(run, name)
        if isinstance(section, Kind) and section.on_disk:
            try:
                section.obtain()
            except QuakelineError as error:
                line = str(error)
                inside = line.startswith("weights.")  # it names a key of the section
                yield f"{name}.{line.removeprefix('weights.')}" if inside else f"{name}: {line}"
    if run.mechanism.networks:
        from quakeline.models import polarity

        for path in run.mechanism.networks:
            try:
                polarity.opened(Path(path))
            except QuakelineError as error:
                yield f"mechanism.networks: {error}"

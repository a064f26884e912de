"""Runs that stand on others: a picker trained on the catalog of an earlier run, round by round."""

from __future__ import annotations

from pathlib import Path

from quakeline.core.errors import ConfigError
from quakeline.workflow import config
from quakeline.workflow.launch import OVERLAYS, checked

_CATALOG = "results/{}/catalog/events.parquet"


def wanted(place: Path, overlay: Path | None) -> list[Path | None]:
    """Overlays in the order in which they are to run, the given one last.

    Before a run whose records come from another one (`dataset.from_run`) stands that one, where it
    has no catalog yet and an overlay of its name is in config/runs; it may have an earlier one
    itself.

    Raises
    ------
    ConfigError
        A configuration cannot be read, or runs stand on each other in a circle.
    """
    found = [overlay]
    names: list[str] = []
    while True:
        given = config.read_yaml(found[0]) if found[0] else {}
        run = config.merged(config.defaults(place / config.DEFAULT), given)
        section = run.get("dataset")
        earlier = section.get("from_run") if isinstance(section, dict) else None
        if not isinstance(earlier, str) or earlier == run.get("run"):
            return found
        if earlier in names:
            raise ConfigError(f"dataset.from_run: {' and '.join(names)} stand on each other")
        names.append(earlier)
        before = place / OVERLAYS / f"{earlier}.yaml"
        if (place / _CATALOG.format(earlier)).is_file() or not before.is_file():
            return found
        found.insert(0, before)


def planned(place: Path, overlay: Path | None) -> list[config.Run]:
    """Configurations of `wanted`, each checked as far as it can be before the ones before it ran.

    Raises ConfigError that lists every mistake of the first one that cannot run.
    """
    found: list[config.Run] = []
    for one in wanted(place, overlay):
        try:
            found.append(checked(place, one, [run.run for run in found]))
        except ConfigError as error:
            if one == overlay:
                raise
            raise ConfigError(f"{one}, which comes first: {error}") from error
    return found

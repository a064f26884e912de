"""The catalog beside a reference: what is in both, what is missed and new, and how they differ.

Runs only where `evaluate.reference` names a catalog. A web service is asked for it here, so the
rule then runs on the machine that started the run.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

from pydantic import Field

from quakeline.section import Section

VERSION = 1

logger = logging.getLogger("quakeline")

_SERVICE = "fdsn:"


class Config(Section):
    """The reference, and what counts as the same event."""

    reference: str | None = Field(
        None,
        min_length=1,
        description="reference catalog: a file (QuakeML, FDSN text, CSV, EVENTS as Parquet), or"
        " `fdsn:` and the name or address of an event service, e.g. fdsn:USGS; null: none",
    )
    tolerance_s: float = Field(
        2.0, gt=0, description="largest difference of the origin times of one event"
    )
    tolerance_km: float = Field(
        20.0, gt=0, description="largest distance of the epicentres of one event"
    )
    max_distance_km: float = Field(
        100.0,
        gt=0,
        description="events farther than this from every station are left out of both catalogs",
    )
    min_magnitude: float | None = Field(
        None, description="smallest magnitude of the reference that is looked for; null: all"
    )

    @property
    def remote(self) -> bool:
        """Whether a web service is asked for the reference."""
        return self.reference is not None and self.reference.startswith(_SERVICE)

    def files(self) -> list[str]:
        """The file of the reference, where it is one."""
        return [self.reference] if self.reference and not self.remote else []


def run(
    config: Config,
    *,
    events: Path,
    stations: Path,
    reference: list[Path],
    span: str,
    evaluation: Path,
    matches: Path,
) -> None:
    """Write the summary (JSON) and the table MATCHES.

    Parameters
    ----------
    events, stations
        Tables EVENTS and STATIONS of the run.
    reference
        The file of the reference; empty where the configuration names a service.
    span
        The run's span; see `quakeline.timeline.Span`.

    Raises
    ------
    DataError
        The reference cannot be read or had.
    """
    from quakeline import comparison
    from quakeline.comparison.evaluation import box_around
    from quakeline.errors import ConfigError
    from quakeline.io import tables
    from quakeline.io.atomic import write_text
    from quakeline.schemas import EVENTS, MATCHES, STATIONS
    from quakeline.timeline import Span

    if config.reference is None:
        raise ConfigError("evaluate.reference: none given; allowed: a file, or fdsn:SERVICE")
    known = tables.read(stations, STATIONS)
    asked = Span.parse(span)
    if config.remote:
        box = box_around(known, config.max_distance_km)
        service = config.reference.removeprefix(_SERVICE)
        theirs = comparison.fetch(service, asked, box)
    else:
        theirs = comparison.read(reference[0])
    rules = comparison.Rules(
        config.tolerance_s, config.tolerance_km, config.max_distance_km, config.min_magnitude
    )
    found = comparison.evaluate(tables.read(events, EVENTS), theirs, known, asked, rules)
    summary = {"reference": config.reference, **found.summary}
    tables.write(found.matches, MATCHES, matches)
    write_text(evaluation, json.dumps(summary, indent=1) + "\n")
    for doubt in summary["doubts"]:
        logger.warning("evaluate: %s", doubt)
    logger.info(
        "evaluate: %d matched, %d missed, %d new",
        *(summary[k] for k in ("matched", "missed", "new")),
    )

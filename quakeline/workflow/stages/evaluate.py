"""The catalog beside a reference: what is in both, what is missed and new, and how they differ.

Runs only where `evaluate.reference` names a catalog. A web service is asked for it here, so the
rule then runs on the machine that started the run.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

from quakeline.events.comparison.settings import Settings

VERSION = 2

logger = logging.getLogger("quakeline")

Config = Settings


def run(
    config: Config,
    *,
    events: Path,
    stations: Path,
    reference: list[Path],
    mechanisms: list[Path],
    their_mechanisms: list[Path],
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
    mechanisms, their_mechanisms
        MECHANISMS, and a file of mechanisms of others; empty where a run has none.
    span
        The run's span; see `quakeline.core.timeline.Span`.

    Raises
    ------
    DataError
        The reference cannot be read or had.
    """
    from quakeline.core.errors import ConfigError
    from quakeline.core.schemas import EVENTS, MATCHES, MECHANISMS, STATIONS
    from quakeline.core.timeline import Span
    from quakeline.events.comparison.evaluation import evaluate, reference_of
    from quakeline.events.mechanisms import reference as references
    from quakeline.io.products import tables
    from quakeline.io.products.atomic import write_text

    if config.reference is None:
        raise ConfigError("evaluate.reference: none given; allowed: a file, or fdsn:SERVICE")
    known = tables.read(stations, STATIONS)
    asked = Span.parse(span)
    theirs = reference_of(config, known, asked, *reference)
    found = evaluate(tables.read(events, EVENTS), theirs, known, asked, config)
    summary = {"reference": config.reference, **found.summary}
    if mechanisms and their_mechanisms:
        known_planes = references.read(their_mechanisms[0])
        own = tables.read(mechanisms[0], MECHANISMS)
        turned = references.compared(own, known_planes, config.tolerance_s).summary()
        summary["mechanisms"] = {"reference": config.mechanisms, **turned}
        logger.info("evaluate: %d mechanisms compared", turned["matched"])
    tables.write(found.matches, MATCHES, matches)
    write_text(evaluation, json.dumps(summary, indent=1) + "\n")
    for doubt in summary["doubts"]:
        logger.warning("evaluate: %s", doubt)
    logger.info(
        "evaluate: %d matched, %d missed, %d new",
        *(summary[k] for k in ("matched", "missed", "new")),
    )

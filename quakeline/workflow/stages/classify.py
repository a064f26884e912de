"""Classes of events, earthquake, blast or noise, with probabilities."""

from __future__ import annotations

from pathlib import Path

from quakeline.events.chain.classify import Settings

VERSION = 1

Config = Settings


def run(
    config: Config,
    *,
    sized: Path,
    arrivals: Path,
    picks: list[Path],
    measurements: list[Path],
    events: Path,
    classes: Path,
) -> None:
    """Write events with their most probable class (EVENTS) and all probabilities (CLASSES)."""
    from quakeline.core.schemas import ARRIVALS, CLASSES, EVENTS, MEASUREMENTS, PICKS
    from quakeline.events.chain.classify import classified
    from quakeline.io.products import tables

    found, judgement = classified(
        config,
        tables.read(sized, EVENTS),
        tables.read(arrivals, ARRIVALS),
        tables.read_many(picks, PICKS),
        tables.read_many(measurements, MEASUREMENTS),
    )
    tables.write(found, EVENTS, events)
    tables.write(judgement, CLASSES, classes)

"""Classes of events with probabilities: earthquake, blast or noise, or those of a network."""

from __future__ import annotations

from pathlib import Path

from quakeline.events.classification.settings import AnyClassifier, Classifier, Network, Rules

VERSION = 4

Config = Classifier
#: All kinds, told apart by `kind`.
AnyConfig = AnyClassifier


def run(
    config: Config,
    *,
    sized: Path,
    arrivals: Path,
    picks: list[Path],
    measurements: list[Path],
    windows: list[Path],
    events: Path,
    classes: Path,
) -> None:
    """Write events with their most probable class (EVENTS) and all probabilities (CLASSES).

    `windows` are those of `classify_windows`, in a run whose events are classified by a network.
    """
    from quakeline.core.schemas import (
        ARRIVALS,
        CLASSES,
        EVENTS,
        MEASUREMENTS,
        PICKS,
        WINDOW_CLASSES,
    )
    from quakeline.events.chain.classify import by_network, classified
    from quakeline.io.products import tables

    used = tables.read(arrivals, ARRIVALS)
    own = used["pick_id"]
    events_arrivals_picks = tables.read(sized, EVENTS), used, tables.read_many(picks, PICKS, of=own)
    if isinstance(config, Network):
        seen = tables.read_many(windows, WINDOW_CLASSES, of=own)
        found, judgement = by_network(config, *events_arrivals_picks, seen)
    elif isinstance(config, Rules):
        sketches = tables.read_many(measurements, MEASUREMENTS, of=own)
        found, judgement = classified(config, *events_arrivals_picks, sketches)
    else:
        raise TypeError(f"classify: no work is known for the kind {config.kind}")
    tables.write(found, EVENTS, events)
    tables.write(judgement, CLASSES, classes)

"""Classes of events, earthquake, blast or noise, with probabilities."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal

from pydantic import Field

from quakeline.section import Section

VERSION = 1

logger = logging.getLogger("quakeline")


class Priors(Section):
    """Shares of the classes among the events of a region before anything is known of one."""

    earthquake: float = Field(0.8, gt=0, description="share of earthquakes")
    blast: float = Field(0.1, gt=0, description="share of blasts and other active sources")
    noise: float = Field(0.1, gt=0, description="share of picks that are no event")


class Config(Section):
    """A rule with hand-set weights on features of the picks (docs/catalog.md); not trained.

    No event is removed: the class and its probability stand beside it.
    """

    kind: Literal["rules"] = Field("rules", description="the classifier")
    priors: Priors = Priors()


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
    from quakeline.classification.features import features_of
    from quakeline.classification.rules import judged
    from quakeline.io import tables
    from quakeline.schemas import ARRIVALS, CLASSES, EVENTS, MEASUREMENTS, PICKS

    found = tables.read(sized, EVENTS)
    features = features_of(
        found,
        tables.read(arrivals, ARRIVALS),
        tables.read_many(picks, PICKS).drop_duplicates("pick_id"),
        tables.read_many(measurements, MEASUREMENTS),
    )
    judgement = judged(features, config.priors.model_dump())
    best = judgement.sort_values("probability", ascending=False, kind="stable")
    best = best.drop_duplicates("event_id").set_index("event_id").reindex(found["event_id"])
    found = found.assign(
        event_class=best["event_class"].to_numpy(),
        event_class_probability=best["probability"].to_numpy(),
    )
    counts = found["event_class"].value_counts().sort_index()
    told = ", ".join(f"{n} {name}" for name, n in counts.items())
    logger.info("classify: %s (by hand-set rules)", told or "no events")
    tables.write(found, EVENTS, events)
    tables.write(judgement, CLASSES, classes)

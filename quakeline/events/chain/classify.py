"""Classes of events, earthquake, blast or noise, with probabilities."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from quakeline.core.section import Section

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger("quakeline")


class Priors(Section):
    """Shares of the classes among the events of a region before anything is known of one."""

    earthquake: float = Field(0.8, gt=0, description="share of earthquakes")
    blast: float = Field(0.1, gt=0, description="share of blasts and other active sources")
    noise: float = Field(0.1, gt=0, description="share of picks that are no event")


class Settings(Section):
    """A rule with hand-set weights on features of the picks (docs/catalog.md); not trained.

    No event is removed: the class and its probability stand beside it.
    """

    kind: Literal["rules"] = Field("rules", description="the classifier")
    priors: Priors = Priors()


def classified(
    settings: Settings,
    events: pd.DataFrame,
    arrivals: pd.DataFrame,
    picks: pd.DataFrame,
    measurements: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events with their most probable class (EVENTS) and all probabilities (CLASSES)."""
    from quakeline.core.schemas import CLASSES, EVENTS
    from quakeline.events.classification.features import features_of
    from quakeline.events.classification.rules import judged
    from quakeline.io.products import tables

    features = features_of(events, arrivals, picks.drop_duplicates("pick_id"), measurements)
    judgement = judged(features, settings.priors.model_dump())
    best = judgement.sort_values("probability", ascending=False, kind="stable")
    best = best.drop_duplicates("event_id").set_index("event_id").reindex(events["event_id"])
    found = events.assign(
        event_class=best["event_class"].to_numpy(),
        event_class_probability=best["probability"].to_numpy(),
    )
    counts = found["event_class"].value_counts().sort_index()
    told = ", ".join(f"{n} {name}" for name, n in counts.items())
    logger.info("classify: %s (by hand-set rules)", told or "no events")
    return tables.typed(found, EVENTS), tables.typed(judgement, CLASSES)

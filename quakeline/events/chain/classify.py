"""Classes of events with probabilities, by hand-set rules or by a network."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from quakeline.events.classification.settings import Network
from quakeline.events.classification.settings import Rules as Settings

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Settings", "by_network", "classified"]

logger = logging.getLogger("quakeline")


def classified(
    settings: Settings,
    events: pd.DataFrame,
    arrivals: pd.DataFrame,
    picks: pd.DataFrame,
    measurements: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events with their most probable class (EVENTS) and all probabilities (CLASSES), by rules."""
    from quakeline.events.classification.features import features_of
    from quakeline.events.classification.rules import judged

    features = features_of(events, arrivals, picks.drop_duplicates("pick_id"), measurements)
    judgement = judged(features, settings.priors.model_dump())
    best = judgement.sort_values("probability", ascending=False, kind="stable")
    best = best.drop_duplicates("event_id").set_index("event_id").reindex(events["event_id"])
    best = best.rename(columns={"probability": "event_class_probability"})
    return _told(events, best, judgement, "hand-set rules")


def by_network(
    settings: Network,
    events: pd.DataFrame,
    arrivals: pd.DataFrame,
    picks: pd.DataFrame,
    windows: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same by a network, from what it said of windows around P (WINDOW_CLASSES)."""
    from quakeline.events.classification.stations import judged

    best, judgement = judged(settings, events, arrivals, picks, windows)
    return _told(events, best, judgement, settings.weights.card.name)


def _told(
    events: pd.DataFrame, best: pd.DataFrame, judgement: pd.DataFrame, classifier: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    from quakeline.core.schemas import CLASSES, EVENTS
    from quakeline.io.products import tables

    names = ["event_class", "event_class_probability"]
    found = events.assign(**{name: best[name].to_numpy() for name in names})
    counts = found["event_class"].value_counts().sort_index()
    told = ", ".join(f"{n} {name}" for name, n in counts.items())
    logger.info("classify: %s (by %s)", told or "no events", classifier)
    return tables.typed(found, EVENTS), tables.typed(judgement, CLASSES)

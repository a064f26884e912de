"""What stations say of an event, together: mean probabilities, number, agreement, or unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from quakeline.core.schemas import CLASSES
from quakeline.events.classification.settings import Network
from quakeline.io.products import provenance

#: The class of an event that the network does not tell.
UNKNOWN = "unknown"
_SITE = ["network", "station"]


@dataclass(frozen=True)
class Opinion:
    """What the stations of an event say; `why` not is empty where a class is told.

    `probabilities` are means over the stations by class, empty where there are none.
    """

    probabilities: dict[str, float]
    stations: int
    agreeing: int
    why: str

    @property
    def best(self) -> str:
        """The class that is told: the most probable one, or unknown."""
        return UNKNOWN if self.why else max(self.probabilities, key=self.probabilities.__getitem__)

    @property
    def evidence(self) -> str:
        """Number of stations and their agreement, and why the class is unknown."""
        if not self.probabilities:
            return self.why
        told = f"{self.stations} stations, most probable at {self.agreeing} of them"
        return f"{told}; {self.why}" if self.why else told


def judged(
    settings: Network,
    events: pd.DataFrame,
    arrivals: pd.DataFrame,
    picks: pd.DataFrame,
    windows: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Class and probability of each event, and rows of CLASSES.

    Parameters
    ----------
    settings
        The section.
    events, arrivals, picks
        EVENTS with their ARRIVALS and PICKS.
    windows
        WINDOW_CLASSES of all chunks.

    Returns
    -------
    The first table has event_class and event_class_probability, in the order of the events; an
    unknown one has no probability.
    """
    limit = settings.max_distance_km or settings.weights.card.max_distance_km
    unlimited = float("inf") if limit is None else limit
    provenance.chose("classify", settings.plain(), {"max_distance_km": unlimited})
    voices = _voices(arrivals, picks, windows)
    by_event = dict(list(voices.groupby("event_id")))
    nothing = voices.iloc[:0]
    best, rows = [], []
    for event_id in events["event_id"]:
        opinion = opinion_of(by_event.get(event_id, nothing), settings, limit)
        told = opinion.best
        best.append(
            {
                "event_class": told,
                "event_class_probability": opinion.probabilities.get(told, float("nan")),
            }
        )
        rows += _rows(str(event_id), opinion, settings)
    columns = ["event_class", "event_class_probability"]
    return pd.DataFrame(best, columns=columns), pd.DataFrame(rows, columns=CLASSES.names)


def _voices(arrivals: pd.DataFrame, picks: pd.DataFrame, windows: pd.DataFrame) -> pd.DataFrame:
    """A row for each P of an event and class: event_id, site, distance_km, class, note."""
    first = arrivals[arrivals["phase"] == "P"][["event_id", "pick_id", "distance_km"]]
    sites = picks[["pick_id", *_SITE]].drop_duplicates("pick_id")
    joined = first.merge(sites, on="pick_id")
    columns = ["pick_id", "event_class", "probability", "note"]
    return joined.merge(windows[columns], on="pick_id", how="left")


def opinion_of(voices: pd.DataFrame, settings: Network, limit_km: float | None) -> Opinion:
    """What the rows of an event amount to; instruments of one station are one voice."""
    if voices.empty:
        return Opinion({}, 0, 0, "no P of the event")
    near = voices if limit_km is None else voices[voices["distance_km"] <= limit_km]
    if near.empty:
        return Opinion({}, 0, 0, f"no station with a P within {limit_km:g} km")
    told = near[near["event_class"].notna()]
    if told.empty:
        notes = near["note"].dropna().value_counts()
        return Opinion({}, 0, 0, f"no window: {notes.index[0]}" if len(notes) else "no window")
    keys = [*_SITE, "event_class"]
    by_station = told.groupby(keys, sort=True)["probability"].mean().unstack("event_class")
    mean = by_station.mean().astype(float)
    best = str(mean.idxmax())
    stations, agreeing = len(by_station), int((by_station.idxmax(axis=1) == best).sum())
    return Opinion(
        {str(name): float(value) for name, value in mean.items()},
        stations,
        agreeing,
        _doubt(settings, stations, agreeing, float(mean[best])),
    )


def _doubt(settings: Network, stations: int, agreeing: int, probability: float) -> str:
    if stations < settings.min_stations:
        return f"{stations} of {settings.min_stations} stations needed"
    if agreeing < settings.min_agreement * stations:
        return f"{agreeing} of {stations} stations agree, {settings.min_agreement:.0%} needed"
    if probability < settings.min_probability:
        return f"probability {probability:.2f}, {settings.min_probability:g} needed"
    return ""


def _rows(event_id: str, opinion: Opinion, settings: Network) -> list[dict[str, Any]]:
    name = settings.weights.card.name
    common = {"event_id": event_id, "evidence": opinion.evidence, "classifier": name}
    rows: list[dict[str, Any]] = [
        common | {"event_class": kind, "probability": value}
        for kind, value in opinion.probabilities.items()
    ]
    if opinion.why:
        rows.append(common | {"event_class": UNKNOWN, "probability": None})
    return rows

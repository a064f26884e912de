"""Focal mechanisms as QuakeML, with the ids of events and origins that a catalog's QuakeML has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import obspy.core.event as qml
import pandas as pd
from obspy import UTCDateTime

from quakeline.events.mechanisms.polarities import PolarityEvent
from quakeline.io.formats.focal_mechanisms import Focal
from quakeline.io.formats.quakeml import Labels


def write(
    mechanisms: pd.DataFrame,
    polarities: pd.DataFrame,
    groups: Sequence[Sequence[PolarityEvent]],
    path: Path,
) -> int:
    """Write the events that have a mechanism and an origin time; gives how many there are.

    Parameters
    ----------
    mechanisms, polarities
        Tables MECHANISMS and POLARITIES.
    groups
        The events that they were made of; the first of each tells where it was.
    path
        The file.
    """
    labels = Labels()
    places = {group[0].event_id: group[0] for group in groups}
    focal = dict(Focal(mechanisms, polarities).each(labels.uri, labels.creation_info))
    known = mechanisms.dropna(subset=["strike_1_deg", "time"])
    events = [
        _event(row, places[str(row.event_id)], focal[str(row.event_id)], labels)
        for row in known.itertuples()
    ]
    uri = labels.uri("catalog", "mechanisms")
    made = qml.Catalog(events, resource_id=uri, creation_info=labels.creation_info)
    made.write(str(path), format="QUAKEML", validate=True)
    return len(events)


def _event(row: Any, place: PolarityEvent, focal: qml.FocalMechanism, labels: Labels) -> qml.Event:
    name = str(row.event_id)
    origin = qml.Origin(
        resource_id=labels.uri("origin", name),
        time=UTCDateTime(ns=int(row.time.value)),
        latitude=place.latitude,
        longitude=place.longitude,
        depth=1000 * place.depth_km,
    )
    return qml.Event(
        resource_id=labels.uri("event", name),
        origins=[origin],
        focal_mechanisms=[focal],
        preferred_origin_id=origin.resource_id,
        preferred_focal_mechanism_id=focal.resource_id,
    )

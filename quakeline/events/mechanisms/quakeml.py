"""Focal mechanisms as QuakeML, with the ids of events and origins that a catalog's QuakeML has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import obspy.core.event as qml
import pandas as pd
from obspy import UTCDateTime

from quakeline.events.mechanisms.polarities import PolarityEvent
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
    told = polarities[polarities["agrees"].notna()]
    used = {str(name): rows for name, rows in told.groupby("event_id")}
    known = mechanisms.dropna(subset=["strike_1_deg", "time"])
    events = [
        _event(row, places[str(row.event_id)], used[str(row.event_id)], labels)
        for row in known.itertuples()
    ]
    uri = labels.uri("catalog", "mechanisms")
    made = qml.Catalog(events, resource_id=uri, creation_info=labels.creation_info)
    made.write(str(path), format="QUAKEML", validate=True)
    return len(events)


def _event(row: Any, place: PolarityEvent, used: pd.DataFrame, labels: Labels) -> qml.Event:
    name = str(row.event_id)
    origin = qml.Origin(
        resource_id=labels.uri("origin", name),
        time=UTCDateTime(ns=int(row.time.value)),
        latitude=place.latitude,
        longitude=place.longitude,
        depth=1000 * place.depth_km,
    )
    mechanism = _mechanism(row, used, origin, labels)
    return qml.Event(
        resource_id=labels.uri("event", name),
        origins=[origin],
        focal_mechanisms=[mechanism],
        preferred_origin_id=origin.resource_id,
        preferred_focal_mechanism_id=mechanism.resource_id,
    )


def _mechanism(
    row: Any, used: pd.DataFrame, origin: qml.Origin, labels: Labels
) -> qml.FocalMechanism:
    planes = [_plane(row, number) for number in (1, 2)]
    return qml.FocalMechanism(
        resource_id=labels.uri("focalmechanism", str(row.event_id)),
        triggering_origin_id=origin.resource_id,
        waveform_id=[
            qml.WaveformStreamID(one.network or "--", one.station, one.location or None)
            for one in used.itertuples()
        ],
        nodal_planes=qml.NodalPlanes(planes[0], planes[1]),
        azimuthal_gap=float(row.azimuth_gap_deg),
        station_polarity_count=int(row.polarities),
        misfit=float(row.misfit),
        station_distribution_ratio=float(row.station_ratio),
        method_id="smi:local/hash",
        evaluation_mode="automatic",
        creation_info=labels.creation_info,
        comments=[qml.Comment(text=f"quality {row.quality_class}")],
    )


def _plane(row: Any, number: int) -> qml.NodalPlane:
    """A nodal plane; its error, of the plane as a whole, stands as that of its dip."""
    strike, dip, rake = (
        float(getattr(row, f"{angle}_{number}_deg")) for angle in ("strike", "dip", "rake")
    )
    sigma = qml.QuantityError(uncertainty=float(getattr(row, f"plane_{number}_sigma_deg")))
    return qml.NodalPlane(strike=strike, dip=dip, rake=rake, dip_errors=sigma)

"""Focal mechanisms and polarities of a catalog, as QuakeML has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import obspy.core.event as qml
import pandas as pd

#: Names of polarities in QuakeML.
_SIGNS = {1: "positive", -1: "negative"}
_METHOD = "smi:local/hash"
_CODE_LENGTH = 8


@dataclass(frozen=True)
class Focal:
    """Tables MECHANISMS and POLARITIES of a catalog."""

    mechanisms: pd.DataFrame
    polarities: pd.DataFrame

    @property
    def given(self) -> pd.DataFrame:
        """Rows of events that have a mechanism."""
        return self.mechanisms[self.mechanisms["strike_1_deg"].notna()]

    def each(
        self, uri: Callable[..., str], info: qml.CreationInfo
    ) -> Iterator[tuple[str, qml.FocalMechanism]]:
        """Ids of events with their mechanisms; `uri` names them, `info` says who made them."""
        told = self.polarities[self.polarities["agrees"].notna()]
        used = {str(name): rows for name, rows in told.groupby("event_id")}
        for row in self.given.itertuples():
            yield str(row.event_id), _mechanism(row, used[str(row.event_id)], uri, info)

    @property
    def signs(self) -> dict[str, str]:
        """QuakeML's word for the polarity of each pick that has one, by pick_id."""
        known = self.polarities[self.polarities["pick_id"].notna()]
        known = known[known["polarity"] != 0]
        words = known["polarity"].map(_SIGNS)
        return dict(zip(known["pick_id"].astype(str), words, strict=True))


def _mechanism(
    row: Any, used: pd.DataFrame, uri: Callable[..., str], info: qml.CreationInfo
) -> qml.FocalMechanism:
    name = str(row.event_id)
    streams = [
        [_code(code) for code in (one.network, one.station, one.location)]
        for one in used.itertuples()
    ]
    return qml.FocalMechanism(
        resource_id=uri("focalmechanism", name),
        triggering_origin_id=uri("origin", name),
        waveform_id=[
            qml.WaveformStreamID(network or "--", station, location or None)
            for network, station, location in streams
        ],
        nodal_planes=qml.NodalPlanes(*(_plane(row, number) for number in (1, 2))),
        azimuthal_gap=float(row.azimuth_gap_deg),
        station_polarity_count=int(row.polarities),
        misfit=float(row.misfit),
        station_distribution_ratio=float(row.station_ratio),
        method_id=_METHOD,
        evaluation_mode="automatic",
        creation_info=info,
        comments=[qml.Comment(text=text, force_resource_id=False) for text in _comments(row)],
    )


def _comments(row: Any) -> list[str]:
    """The quality, and the events whose polarities a composite has."""
    together = [] if pd.isna(row.composite_of) else [f"composite of {row.composite_of}"]
    return [f"quality {row.quality_class}", *together]


def _code(given: Any) -> str:
    """A code as QuakeML takes it; empty for none."""
    return "" if pd.isna(given) else str(given)[:_CODE_LENGTH]


def _plane(row: Any, number: int) -> qml.NodalPlane:
    """A nodal plane; its error, of the plane as a whole, stands as that of its dip."""
    strike, dip, rake = (
        float(getattr(row, f"{angle}_{number}_deg")) for angle in ("strike", "dip", "rake")
    )
    sigma = qml.QuantityError(uncertainty=float(getattr(row, f"plane_{number}_sigma_deg")))
    return qml.NodalPlane(strike=strike, dip=dip, rake=rake, dip_errors=sigma)

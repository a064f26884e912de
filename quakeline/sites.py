"""The stations of a run as sites: one position per station and location code."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from quakeline.errors import DataError
from quakeline.geometry import LocalFrame

KEYS = ["network", "station", "location"]
#: Places of a channel that differ by less are the same: about a metre.
_SAME_PLACE_DEG = 1e-5


@dataclass(frozen=True)
class Sites:
    """Positions of stations: `table` has network, station, location, degrees and depth in km.

    `depth_km` is the depth of the sensor below sea level, negative for one above it.
    """

    table: pd.DataFrame

    @classmethod
    def of(cls, stations: pd.DataFrame, channels: pd.DataFrame | None = None) -> Sites:
        """Sites of a STATIONS table; a station's first row serves locations it does not list.

        Channels of fibres (FIBRE_CHANNELS) with coordinates are sites too: the fibre is the
        network, the channel's number the station. Raises DataError where a channel is at several
        places.
        """
        rows = stations.drop_duplicates(KEYS).copy()
        if channels is not None and len(channels):
            rows = pd.concat([rows, _of_channels(channels)], ignore_index=True)
        rows["depth_km"] = (rows["depth_m"] - rows["elevation_m"]) / 1000
        columns = [*KEYS, "latitude", "longitude", "depth_km"]
        return cls(rows[columns].reset_index(drop=True))

    @cached_property
    def frame(self) -> LocalFrame:
        """Local coordinates around the middle of the network."""
        return LocalFrame.around(
            self.table["latitude"].to_numpy(), self.table["longitude"].to_numpy()
        )

    @cached_property
    def local(self) -> pd.DataFrame:
        """The table with local x and y in km."""
        x, y = self.frame.to_xy(
            self.table["latitude"].to_numpy(), self.table["longitude"].to_numpy()
        )
        return self.table.assign(x=x, y=y)

    def find(self, picks: pd.DataFrame) -> np.ndarray:
        """Row number of the site of each pick; -1 for a station without coordinates."""
        exact = {key: n for n, key in enumerate(zip(*(self.table[k] for k in KEYS), strict=True))}
        any_location: dict[tuple[str, str], int] = {}
        for (network, station, _), n in exact.items():
            any_location.setdefault((network, station), n)
        codes = zip(*(picks[k] for k in KEYS), strict=True)
        return np.array([exact.get(key, any_location.get(key[:2], -1)) for key in codes], dtype=int)


def _of_channels(channels: pd.DataFrame) -> pd.DataFrame:
    """Channels of fibres with coordinates as rows of STATIONS; chunks repeat them."""
    known = channels[channels["used"]].dropna(subset=["latitude", "longitude", "elevation_m"])
    keys = ["fibre", "channel_index"]
    spread = known.groupby(keys)[["latitude", "longitude"]].agg(np.ptp)
    moved = spread.index[(spread > _SAME_PLACE_DEG).any(axis=1)]
    if len(moved):
        fibre, channel = moved[0]
        raise DataError(
            f"fibre {fibre}, channel {channel}: its place differs between chunks"
            f" ({len(moved)} channels); give the parts of the recording as fibres of their own"
        )
    first = known.drop_duplicates(keys)
    return pd.DataFrame(
        {
            "network": first["fibre"].to_numpy(),
            "station": [f"{n:05d}" for n in first["channel_index"]],
            "location": "",
            "latitude": first["latitude"].to_numpy(),
            "longitude": first["longitude"].to_numpy(),
            "elevation_m": first["elevation_m"].to_numpy(),
            "depth_m": 0.0,
        }
    )

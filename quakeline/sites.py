"""The stations of a run as sites: one position per station and location code."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from quakeline.geometry import LocalFrame

KEYS = ["network", "station", "location"]


@dataclass(frozen=True)
class Sites:
    """Positions of stations: `table` has network, station, location, degrees and depth in km.

    `depth_km` is the depth of the sensor below sea level, negative for one above it.
    """

    table: pd.DataFrame

    @classmethod
    def of(cls, stations: pd.DataFrame) -> Sites:
        """Sites of a STATIONS table; a station's first row serves locations it does not list."""
        rows = stations.drop_duplicates(KEYS).copy()
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

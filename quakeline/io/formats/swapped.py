"""Latitudes and longitudes in each other's place: where that is plain, messages say so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from quakeline.core.errors import DataError

_POLE_DEG = 90.0
#: A place is elsewhere from this on, and the same up to that, in degrees.
_ELSEWHERE_DEG, _SAME_DEG = 1.0, 0.1
_PLACE = ["latitude", "longitude"]


def off_the_globe(latitudes: pd.Series[Any], longitudes: pd.Series[Any]) -> str:
    """What to add to a message about a latitude beyond the poles; empty if nothing is plain.

    Swapped are columns of which the first has values beyond 90 degrees and the second has none.
    """
    north, east = (
        pd.to_numeric(values, errors="coerce").abs().to_numpy(dtype=float)
        for values in (latitudes, longitudes)
    )
    if (north > _POLE_DEG).any() and len(east) and (east <= _POLE_DEG).all():
        return "; latitude and longitude are swapped?"
    return ""


def refuse_swapped(known: pd.DataFrame, given: pd.DataFrame) -> None:
    """Raise DataError where a table has a station of an inventory at its swapped coordinates.

    Both have network, station, latitude and longitude, as STATIONS.
    """
    keys = ["network", "station"]
    pairs = given[[*keys, *_PLACE]].merge(known[[*keys, *_PLACE]], on=keys, suffixes=("", "_known"))
    place = pairs[_PLACE].to_numpy(dtype=float)
    true = pairs[[f"{name}_known" for name in _PLACE]].to_numpy(dtype=float)
    apart = np.abs(place - true).max(axis=1, initial=0)
    swapped = np.abs(place[:, ::-1] - true).max(axis=1, initial=0)
    found = np.flatnonzero((apart > _ELSEWHERE_DEG) & (swapped < _SAME_DEG))
    if len(found):
        row = pairs.iloc[int(found[0])]
        raise DataError(
            f"station table: {row['network']}.{row['station']} at latitude {row['latitude']:g},"
            f" longitude {row['longitude']:g}, its metadata have them the other way round:"
            " latitude and longitude of the table are swapped"
        )

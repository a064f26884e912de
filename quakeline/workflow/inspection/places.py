"""Where the stations of a run are, and what looks wrong about their places."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from obspy.geodetics import FlinnEngdahl

from quakeline.io.formats.station_list import absurd, elevation_doubts, epoch_doubts

#: Words in names of regions (Flinn & Engdahl) that are sea for the most part, but for islands.
_AT_SEA = ("OCEAN", "PACIFIC", "SEA", "RIDGE", "GULF", "BASIN", "RISE", "BAY OF", "REGION")


def where(known: pd.DataFrame) -> str:
    """Number of stations, and where on the globe they are."""
    places = known.drop_duplicates(["network", "station"])
    north, east = degrees(places)
    return (
        f"{len(places)}, latitude {_range(north)}, longitude {_range(east)}: {region(north, east)}"
    )


def degrees(known: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Latitudes and longitudes of STATIONS, (n,) each."""
    return known["latitude"].to_numpy(dtype=float), known["longitude"].to_numpy(dtype=float)


def _range(values: np.ndarray) -> str:
    low, high = values.min(), values.max()
    return f"{low:.2f}" if high - low < 0.005 else f"{low:.2f} to {high:.2f}"


def region(north: np.ndarray, east: np.ndarray) -> str:
    """The geographical region of the middle of some places (Flinn & Engdahl 1965)."""
    return str(FlinnEngdahl().get_region(float(np.median(east)), float(np.median(north))))


def doubts(known: pd.DataFrame) -> Iterator[str]:
    """What looks wrong in the places of stations."""
    yield from absurd(known).values()
    yield from epoch_doubts(known)
    yield from elevation_doubts(known)
    yield from swapped(known)


def swapped(known: pd.DataFrame) -> Iterator[str]:
    """Stations above the sea in the middle of one, which would be on land the other way round."""
    north, east = degrees(known)
    dry = (known["elevation_m"] > 0).all()
    if dry and _at_sea(region(north, east)) and np.abs(east).max() <= 90:
        other = region(east, north)
        if not _at_sea(other):
            yield (
                f"stations above the sea in {region(north, east)}: with latitude and longitude the"
                f" other way round they are in {other}; are they swapped?"
            )


def _at_sea(name: str) -> bool:
    name = name.upper()
    return "ISLAND" not in name and any(word in name for word in _AT_SEA)

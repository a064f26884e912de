"""Stations of formats: short names where they know no networks, and positions."""

from __future__ import annotations

import pandas as pd

Site = tuple[str, str]


def short_names(sites: list[Site], width: int) -> dict[Site, str]:
    """A name of at most `width` characters for each network and station, no two the same.

    It is the station's code where that is short enough and in one network only, else network and
    station, else a letter and a number.
    """
    unique = sorted(set(sites))
    stations = [station for _, station in unique]
    names: dict[Site, str] = {}
    taken = {s for s in stations if stations.count(s) == 1 and _fits(s, width)}
    for number, (network, station) in enumerate(unique, 1):
        candidates = [station] if station in taken else []
        candidates += [network + station, f"X{number:0{width - 1}d}"]
        used = set(names.values()) | (taken - {station})
        names[network, station] = next(c for c in candidates if _fits(c, width) and c not in used)
    return names


def _fits(name: str, width: int) -> bool:
    return 0 < len(name) <= width and not any(letter.isspace() for letter in name)


def positions(stations: pd.DataFrame) -> pd.DataFrame:
    """Network, station, latitude, longitude and height of the sensor in m, the latest of each."""
    last = latest(stations, ["network", "station"])
    height = last["elevation_m"] - last["depth_m"]
    return last[["network", "station", "latitude", "longitude"]].assign(height_m=height)


def latest(stations: pd.DataFrame, codes: list[str]) -> pd.DataFrame:
    """The rows of STATIONS that begin last of those with the same codes, in order of these."""
    ordered = stations.sort_values("start", na_position="first", kind="stable")
    return ordered.drop_duplicates(codes, keep="last").sort_values(codes, ignore_index=True)


def sites_of(frame: pd.DataFrame) -> list[Site]:
    """Network and station of each row."""
    return list(zip(frame["network"], frame["station"], strict=True))

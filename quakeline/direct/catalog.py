"""From picks to a catalog by the stages of the workflow, without a workflow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from quakeline import association
from quakeline.association import Search
from quakeline.errors import ConfigError
from quakeline.io import inventory
from quakeline.location import Locator
from quakeline.sites import Sites
from quakeline.velocity import VelocityModel, load

#: Where no model is given: velocities of a continental crust, IASP91 (Kennett & Engdahl 1991).
IASP91 = VelocityModel(
    (-5.0, 20.0, 35.0), (5.8, 6.5, 8.04), (3.36, 3.75, 4.47), reading="none given: IASP91"
)


@dataclass(frozen=True)
class Material:
    """PICKS, STATIONS and a model, as read from a user's files."""

    picks: pd.DataFrame
    stations: pd.DataFrame
    model: VelocityModel

    @property
    def sites(self) -> Sites:
        """The stations as sites."""
        return Sites.of(self.stations)


def read(
    picks: Path,
    stations: Path,
    velocity: Path | None,
    vp_vs: float = 0.0,
    interpolation: str = "auto",
) -> Material:
    """Read a table of picks, stations (CSV or StationXML) and a velocity model (or IASP91).

    Raises
    ------
    DataError
        A file cannot be used, or no pick belongs to any of the stations.
    """
    frame = inventory.read_any(stations)
    table = association.given_picks(picks, frame, str(stations))
    model = load(velocity, vp_vs, interpolation) if velocity else IASP91
    return Material(table, frame, model)


def inside(events: pd.DataFrame, region: tuple[float, float, float, float]) -> pd.DataFrame:
    """Events within west, east, south, north in degrees; west above east crosses the date line."""
    west, east, south, north = region
    longitude = events["longitude"]
    across = longitude.between(west, east) if west <= east else ~longitude.between(east, west)
    return events[across & events["latitude"].between(south, north)]


def region_of(text: str) -> tuple[float, float, float, float]:
    """Read `west,east,south,north` in degrees. Raises ConfigError for anything else."""
    try:
        west, east, south, north = (float(part) for part in text.split(","))
    except ValueError:
        west = east = south = north = float("nan")
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south < north <= 90):
        raise ConfigError(
            f"--region: {text!r} given; allowed: WEST,EAST,SOUTH,NORTH in degrees, from -180 to 180"
            " and -90 to 90; a west above east crosses the date line"
        )
    return west, east, south, north


def located(
    material: Material,
    search: Search,
    locator: Locator,
    threads: int,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """EVENTS and ARRIVALS of picks, as the stages associate and locate make them."""
    found, grouped = association.associate(
        material.picks,
        material.sites,
        material.model,
        search,
        threads,
        finder=locator,
        progress=progress,
    )
    return locator.locate(found, grouped, material.picks)

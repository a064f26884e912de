"""What a catalog is made of: picks, stations, channels of fibres, velocities, measurements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd
from obspy import Inventory

from quakeline.core.schemas import FIBRE_CHANNELS, MEASUREMENTS, STATIONS
from quakeline.earth.sections import Grid, Layers, named
from quakeline.earth.sites import Sites
from quakeline.earth.velocity import Model
from quakeline.events.association import given_picks
from quakeline.io.formats import inventory
from quakeline.io.formats.parquet_cells import as_text
from quakeline.io.formats.station_list import checked
from quakeline.io.formats.station_tables import of_frame
from quakeline.io.products import provenance, tables

#: A table, or the path of one.
Table: TypeAlias = pd.DataFrame | Path | str


@dataclass(frozen=True)
class Material:
    """PICKS, STATIONS, a model, and where there are any FIBRE_CHANNELS and MEASUREMENTS.

    `inputs` are the digests of the files that they are from, by name; `velocity` is that of the
    model. `section` says of the model what the section `velocity` of a run would; empty where it
    has no file.
    """

    picks: pd.DataFrame
    stations: pd.DataFrame
    model: Model
    channels: pd.DataFrame = field(default_factory=lambda: tables.empty(FIBRE_CHANNELS))
    measurements: pd.DataFrame = field(default_factory=lambda: tables.empty(MEASUREMENTS))
    inputs: Mapping[str, str] = field(default_factory=dict)
    section: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def sites(self) -> Sites:
        """Stations and channels as sites."""
        return Sites.of(self.stations, self.channels)


def described(
    name: Path | str | None, vp_vs: float | None = None, interpolation: str = "auto"
) -> tuple[Model, Layers | Grid]:
    """A velocity model of a file or of the program, and the section `velocity` that says so."""
    section = named(name, vp_vs, interpolation)
    return section.model(), section


def digests(section: Layers | Grid) -> dict[str, str]:
    """Those of the files of a velocity model by name, and of the first one as `velocity`."""
    files = section.files()
    name = section.table if isinstance(section, Layers) else files[0]
    first = provenance.digest_file(Path(files[0]))
    rest = {path: provenance.digest_file(Path(path)) for path in files[1:]}
    return {name: first, **rest, "velocity": first}


def read(
    picks: Table,
    stations: Table | Inventory,
    velocity: Path | str | Model | None = None,
    vp_vs: float | None = None,
    *,
    interpolation: str = "auto",
    channels: pd.DataFrame | None = None,
    measurements: pd.DataFrame | None = None,
) -> Material:
    """Picks, stations and velocities from files or memory, whoever made them.

    Parameters
    ----------
    picks
        A table with the columns of any program that `io.pick_tables` knows, or its file.
    stations
        STATIONS, a table with the columns of a station table, an obspy Inventory, or a file.
    velocity, vp_vs
        A model, its file (of layers, of a grid, or a YAML file with a section `velocity`), or the
        name of a model of the program (None: iasp91); a ratio that makes the S velocities of all
        but a model that is in memory.
    interpolation
        What lies between the depths of the model's file: auto, layers or linear.
    channels, measurements
        FIBRE_CHANNELS and MEASUREMENTS.

    Raises
    ------
    DataError
        A file or table cannot be used, or no pick belongs to any of the stations.
    """
    rows, name = stations_of(stations)
    if channels is not None and len(channels):
        channels = tables.typed(channels, FIBRE_CHANNELS)
    else:
        channels = tables.empty(FIBRE_CHANNELS)
    source = Path(picks) if isinstance(picks, str) else picks
    table = given_picks(source, rows, name, Sites.of(rows, channels))
    files = [Path(one) for one in (picks, stations) if isinstance(one, Path | str)]
    inputs = {str(path): provenance.digest_file(path) for path in files}
    section: dict[str, Any] = {}
    if velocity is None or isinstance(velocity, Path | str):
        model, chosen = described(velocity, vp_vs, interpolation)
        section = chosen.plain()
        inputs |= digests(chosen)
    else:
        model = velocity
    return Material(
        table,
        rows,
        model,
        channels,
        tables.empty(MEASUREMENTS) if measurements is None else measurements,
        inputs,
        section,
    )


def stations_of(given: Table | Inventory) -> tuple[pd.DataFrame, str]:
    """STATIONS of a table, an inventory or a file, and what messages call them.

    Raises DataError where they cannot be used.
    """
    if isinstance(given, Path | str):
        return inventory.read_any(Path(given)), str(given)
    if isinstance(given, Inventory):
        return checked(inventory.table_of(given)), "the inventory"
    if set(STATIONS.names) <= set(given.columns):
        found = tables.typed(given[STATIONS.names], STATIONS)
    else:
        found = of_frame(as_text(given.rename(columns=lambda name: str(name).lower())), "given")
    return checked(found), "the stations given"

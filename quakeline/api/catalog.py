"""`quakeline.catalog`: what a script or notebook calls."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from obspy import Inventory

from quakeline.earth.velocity import Model
from quakeline.events.chain import material, whole
from quakeline.events.chain.merge import Catalog
from quakeline.events.chain.sections import sections_of


def catalog(
    picks: pd.DataFrame | Path | str,
    stations: pd.DataFrame | Inventory | Path | str,
    velocity: Model | Path | str | None = None,
    *,
    vp_vs: float | None = None,
    interpolation: str = "auto",
    channels: pd.DataFrame | None = None,
    measurements: pd.DataFrame | None = None,
    region: whole.Region | None = None,
    threads: int | None = None,
    **sections: Mapping[str, Any],
) -> Catalog:
    """Make a catalog of picks, as the workflow does of the same picks.

    Parameters
    ----------
    picks
        What `quakeline.pick` gives, a table of any program that docs/catalog.md names, or its file.
    stations
        A table with network, station, latitude, longitude (degrees) and elevation_m, an obspy
        Inventory, or the file of either.
    velocity, vp_vs
        A velocity model, of layers or a grid, or its file (docs/catalog.md), None: iasp91, a model
        of the program; vp/vs that makes its S velocities, None: those of the file.
    interpolation
        What lies between the depths of the velocity model's file: auto, layers or linear.
    channels
        FIBRE_CHANNELS, where some of the picks are of channels of a fibre.
    measurements
        MEASUREMENTS around the picks; without them there are no magnitudes.
    region
        West, east, south, north in degrees: events outside are left out.
    threads
        Cores to compute on; None: all.
    **sections
        Sections of the configuration, each a mapping: associate, locate, magnitude, classify,
        merge; e.g. `associate={"min_picks": 8}`.

    Returns
    -------
    A catalog whose `events`, `arrivals` and `picks` are tables (see `quakeline.core.schemas`);
    `write(folder)` writes them, QuakeML and CSV.

    Raises
    ------
    DataError
        A table or file cannot be used, or no pick belongs to any of the stations.
    ConfigError
        An unknown section or setting, or a value that is not allowed.

    Examples
    --------
    >>> import quakeline
    >>> run = quakeline.open_run("results/unterhaching")
    >>> layers = "config/unterhaching/velocity.csv"
    >>> made = quakeline.catalog(run.picks, run.stations, layers, associate={"min_picks": 6})
    >>> [round(depth) for depth in made.events["depth_km"]]
    [5, 6]
    """
    chosen = sections_of(sections)
    given = material.read(
        picks,
        stations,
        velocity,
        vp_vs,
        interpolation=interpolation,
        channels=channels,
        measurements=measurements,
    )
    return whole.made(given, chosen, threads or os.cpu_count() or 1, region=region).catalog

"""`quakeline.associate`, `locate`, `magnitudes`: the steps of `quakeline.catalog`, one by one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from obspy import Inventory

from quakeline.core.schemas import ARRIVALS, EVENTS
from quakeline.earth.velocity import Model
from quakeline.events.chain import associate as association
from quakeline.events.chain import locate as location
from quakeline.events.chain import magnitude as sizes
from quakeline.events.chain import material
from quakeline.events.chain.sections import sections_of
from quakeline.io.products import tables


class Events(NamedTuple):
    """Tables with the columns of EVENTS and ARRIVALS (`quakeline.core.schemas`)."""

    events: pd.DataFrame
    arrivals: pd.DataFrame


class Magnitudes(NamedTuple):
    """EVENTS with magnitudes, and the tables STATION_MAGNITUDES and STATION_MOMENTS behind them."""

    events: pd.DataFrame
    stations: pd.DataFrame
    moments: pd.DataFrame


def associate(
    picks: pd.DataFrame | Path | str,
    stations: pd.DataFrame | Inventory | Path | str,
    velocity: Model | Path | str | None = None,
    *,
    vp_vs: float | None = None,
    threads: int | None = None,
    **settings: Any,
) -> Events:
    """Group picks to events, as the stage `associate` does.

    Parameters
    ----------
    picks, stations, velocity, vp_vs, threads
        As of `quakeline.catalog`.
    **settings
        Keys of the section `associate`, e.g. `min_picks=8`; others follow from network and picks.

    Returns
    -------
    Events with preliminary origins (UTC, degrees, km), and which pick (`pick_id`) is whose.

    Raises
    ------
    DataError
        A table or file cannot be used, or no pick belongs to any of the stations.
    ConfigError
        An unknown setting, or a value that is not allowed.

    Examples
    --------
    >>> import quakeline
    >>> run = quakeline.open_run("results/unterhaching")
    >>> layers = "config/unterhaching/velocity.csv"
    >>> found = quakeline.associate(run.picks, run.stations, layers, min_picks=6)
    >>> placed = quakeline.locate(*found, run.picks, run.stations, layers)
    >>> [f"{time:%H:%M:%S}" for time in placed.events["time"]]
    ['16:24:31', '16:27:29']
    """
    section = sections_of({"associate": settings}).associate
    given = material.read(picks, stations, velocity, vp_vs)
    earlier = association.known_catalog([Path(name) for name in section.known_files()])
    made = association.associated(
        section, given.picks, given.sites, given.model, _cores(threads), earlier=earlier
    )
    return Events(*made)


def locate(
    events: pd.DataFrame,
    arrivals: pd.DataFrame,
    picks: pd.DataFrame | Path | str,
    stations: pd.DataFrame | Inventory | Path | str,
    velocity: Model | Path | str | None = None,
    *,
    vp_vs: float | None = None,
    threads: int | None = None,
    **settings: Any,
) -> Events:
    """Locate events, as the stage `locate` does.

    Parameters
    ----------
    events, arrivals
        What `associate` gives: EVENTS, of which only the ids and the columns that the location
        does not make are kept, and ARRIVALS with `event_id`, `pick_id` and `phase`.
    picks
        All picks, as they were associated: those of no event tell how often chance puts one
        anywhere.
    stations, velocity, vp_vs, threads
        As of `quakeline.catalog`.
    **settings
        Keys of the section `locate`, e.g. `station_terms="static"`.

    Returns
    -------
    Events with origins, their errors (one standard deviation, s and km) and quality, and arrivals
    with residuals (s), distances (km) and weights. Two that are one event are joined.

    Raises
    ------
    DataError, ConfigError
        As of `associate`.

    Examples
    --------
    >>> import quakeline
    >>> run = quakeline.open_run("results/unterhaching")
    >>> layers = "config/unterhaching/velocity.csv"
    >>> placed = quakeline.locate(run.events, run.arrivals, run.picks, run.stations, layers)
    >>> placed.events["latitude"].round(2).tolist()
    [48.05, 48.05]
    """
    section = sections_of({"locate": settings}).locate
    given = material.read(picks, stations, velocity, vp_vs)
    made = location.located(
        section,
        tables.typed(events, EVENTS),
        tables.typed(arrivals, ARRIVALS),
        given.picks,
        given.sites,
        given.model,
        _cores(threads),
    )
    return Events(made.events, made.arrivals)


def magnitudes(
    events: pd.DataFrame,
    arrivals: pd.DataFrame,
    picks: pd.DataFrame | Path | str,
    measurements: pd.DataFrame,
    stations: pd.DataFrame | Inventory | Path | str,
    velocity: Model | Path | str | None = None,
    **settings: Any,
) -> Magnitudes:
    """Magnitudes of located events, as the stage `magnitude` makes them.

    Parameters
    ----------
    events, arrivals
        What `locate` gives.
    picks, stations, velocity
        As of `quakeline.catalog`.
    measurements
        MEASUREMENTS around the picks, of `results/<run>/measurements/`.
    **settings
        Keys of the section `magnitude`, e.g. `moment={}` for moment magnitudes as well.

    Returns
    -------
    Events with ML (and Mw), each with the number of stations and, where there is none, why; and
    the values of each station.

    Raises
    ------
    DataError, ConfigError
        As of `associate`.

    Examples
    --------
    The recordings of the demo have no responses, so that no magnitude can be made:

    >>> import pathlib
    >>> import pandas as pd
    >>> import quakeline
    >>> run = quakeline.open_run("results/unterhaching")
    >>> files = pathlib.Path("results/unterhaching/measurements").glob("*.parquet")
    >>> measured = pd.concat(map(pd.read_parquet, files))
    >>> made = quakeline.magnitudes(run.events, run.arrivals, run.picks, measured, run.stations)
    >>> made.events["magnitude_note"].unique().tolist()
    ['no instrument response (4)']
    """
    section = sections_of({"magnitude": settings}).magnitude
    given = material.read(picks, stations, velocity)
    made = sizes.sized(
        section,
        tables.typed(events, EVENTS),
        tables.typed(arrivals, ARRIVALS),
        given.picks,
        measurements,
        given.stations,
        given.model,
        sizes.corrections_of([Path(name) for name in section.files()]),
    )
    return Magnitudes(made.events, made.stations, made.moments)


def _cores(threads: int | None) -> int:
    return threads or os.cpu_count() or 1

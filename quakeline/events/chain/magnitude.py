"""Local and moment magnitudes of located events from what was measured at their stations."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from quakeline.events.magnitudes.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from quakeline.earth.velocity import Model
    from quakeline.events.magnitudes.instruments import Seen
    from quakeline.events.magnitudes.network import Corrections

logger = logging.getLogger("quakeline")


@dataclass(frozen=True)
class Sized:
    """EVENTS with magnitudes, STATION_MAGNITUDES, STATION_MOMENTS, MAGNITUDE_CORRECTIONS."""

    events: pd.DataFrame
    stations: pd.DataFrame
    moments: pd.DataFrame
    corrections: pd.DataFrame


def sized(
    settings: Settings,
    events: pd.DataFrame,
    arrivals: pd.DataFrame,
    picks: pd.DataFrame,
    measurements: pd.DataFrame,
    stations: pd.DataFrame,
    model: Model,
    given: Corrections | None = None,
) -> Sized:
    """Magnitudes of located events from what was measured (MEASUREMENTS) around their picks.

    `given` are corrections of stations, see `corrections_of`. Events of which nothing was measured
    get a note instead.
    """
    from quakeline.core.schemas import (
        EVENTS,
        MAGNITUDE_CORRECTIONS,
        STATION_MAGNITUDES,
        STATION_MOMENTS,
    )
    from quakeline.earth.sites import Sites
    from quakeline.events.magnitudes import network
    from quakeline.events.magnitudes.amplitudes import stations_of
    from quakeline.events.magnitudes.instruments import seen
    from quakeline.io.products import tables

    given = given or network.Corrections.none()
    distinct = picks.drop_duplicates("pick_id")
    # What each instrument saw of each event is held for moments alone: it may be a lot.
    instruments = seen(events, arrivals, distinct, measurements, Sites.of(stations))
    kept = [] if settings.moment is None else list(instruments)
    rows = stations_of(kept or instruments, settings)
    used = given
    if rows.empty:
        rows = tables.empty(STATION_MAGNITUDES)
    else:
        scale = settings.scale()
        rows = network.with_magnitudes(rows, scale, scale.range_km)
        if settings.estimate_corrections:
            used = network.estimated(rows, given, settings.min_events)
        rows = network.corrected(rows, used).drop(columns="epicentral_km")
    made = network.of_events(events, rows, "ML", settings.min_stations)
    _tell("magnitude", made["magnitude"], rows)
    made, spectral = _with_moments(settings, made, kept, model)
    return Sized(
        tables.typed(made, EVENTS),
        tables.typed(rows, STATION_MAGNITUDES),
        tables.typed(spectral, STATION_MOMENTS),
        tables.typed(network.table_of(rows, used), MAGNITUDE_CORRECTIONS),
    )


def corrections_of(files: Sequence[Path]) -> Corrections | None:
    """The corrections of `Settings.files`, for `sized`; None where there are none."""
    from quakeline.events.magnitudes.network import Corrections

    return Corrections.read(files[0]) if files else None


def _with_moments(
    settings: Settings, events: pd.DataFrame, instruments: list[Seen], model: Model
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """EVENTS with moment magnitudes and STATION_MOMENTS, where they are asked for."""
    from quakeline.core.schemas import STATION_MOMENTS
    from quakeline.events.magnitudes import moments
    from quakeline.io.products import tables

    if settings.moment is None:
        return events, tables.empty(STATION_MOMENTS)
    rows = moments.stations_of(instruments, model, settings.moment, settings.vp_vs)
    made = moments.of_events(events, rows, settings.min_stations)
    _tell("moment magnitude", made["mw"], rows)
    return made, rows if len(rows) else tables.empty(STATION_MOMENTS)


def _tell(what: str, values: pd.Series, stations: pd.DataFrame) -> None:
    from quakeline.core.reasons import counts_of, text_of
    from quakeline.events.magnitudes.network import reasons_of

    logger.info("%s: %d of %d events have one", what, int(values.notna().sum()), len(values))
    why = counts_of(reasons_of(stations))
    if why:
        logger.info("%s: stations without one: %s", what, text_of(why))

"""Local and moment magnitudes of located events from what was measured at their stations."""

from __future__ import annotations

from pathlib import Path

from quakeline.events.magnitudes.settings import Settings

VERSION = 6

Config = Settings


def run(
    config: Config,
    *,
    located: Path,
    arrivals: Path,
    picks: list[Path],
    measurements: list[Path],
    stations: Path,
    velocity: Path,
    velocity_parts: list[Path],
    corrections: list[Path],
    model: str,
    events: Path,
    station_magnitudes: Path,
    station_moments: Path,
    station_corrections: Path,
) -> None:
    """Write EVENTS with magnitudes, STATION_MAGNITUDES, STATION_MOMENTS, MAGNITUDE_CORRECTIONS.

    `model` is the section `velocity` as JSON, `velocity` and `velocity_parts` its files.
    """
    from quakeline.core.schemas import (
        ARRIVALS,
        EVENTS,
        MAGNITUDE_CORRECTIONS,
        MEASUREMENTS,
        PICKS,
        STATION_MAGNITUDES,
        STATION_MOMENTS,
        STATIONS,
    )
    from quakeline.earth.sections import model_of
    from quakeline.events.chain.magnitude import corrections_of, sized
    from quakeline.io.products import tables

    used = tables.read(arrivals, ARRIVALS)
    made = sized(
        config,
        tables.read(located, EVENTS),
        used,
        tables.read_many(picks, PICKS, of=used["pick_id"]),
        tables.read_many(measurements, MEASUREMENTS, of=used["pick_id"]),
        tables.read(stations, STATIONS),
        model_of(velocity, model),
        corrections_of(corrections),
    )
    tables.write(made.events, EVENTS, events)
    tables.write(made.stations, STATION_MAGNITUDES, station_magnitudes)
    tables.write(made.moments, STATION_MOMENTS, station_moments)
    tables.write(made.corrections, MAGNITUDE_CORRECTIONS, station_corrections)

"""Local and moment magnitudes of located events from what was measured at their stations."""

from __future__ import annotations

from pathlib import Path

from quakeline.chain.magnitude import Settings

VERSION = 5

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
    corrections: list[Path],
    vp_vs: float,
    events: Path,
    station_magnitudes: Path,
    station_moments: Path,
    station_corrections: Path,
) -> None:
    """Write EVENTS with magnitudes, STATION_MAGNITUDES, STATION_MOMENTS, MAGNITUDE_CORRECTIONS.

    `vp_vs` above 0 makes the S velocities of the model.
    """
    from quakeline.chain.magnitude import corrections_of, sized
    from quakeline.chain.material import velocities
    from quakeline.io import tables
    from quakeline.schemas import (
        ARRIVALS,
        EVENTS,
        MAGNITUDE_CORRECTIONS,
        MEASUREMENTS,
        PICKS,
        STATION_MAGNITUDES,
        STATION_MOMENTS,
        STATIONS,
    )

    made = sized(
        config,
        tables.read(located, EVENTS),
        tables.read(arrivals, ARRIVALS),
        tables.read_many(picks, PICKS),
        tables.read_many(measurements, MEASUREMENTS),
        tables.read(stations, STATIONS),
        velocities(velocity, vp_vs),
        corrections_of(corrections),
    )
    tables.write(made.events, EVENTS, events)
    tables.write(made.stations, STATION_MAGNITUDES, station_magnitudes)
    tables.write(made.moments, STATION_MOMENTS, station_moments)
    tables.write(made.corrections, MAGNITUDE_CORRECTIONS, station_corrections)

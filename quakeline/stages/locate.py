"""Hypocentres of associated events from arrival times in a 1D velocity model."""

from __future__ import annotations

from pathlib import Path

from quakeline.chain.locate import Settings

VERSION = 5

Config = Settings


def run(
    config: Config,
    *,
    candidates: Path,
    assignments: Path,
    picks: list[Path],
    stations: Path,
    channels: list[Path],
    velocity: Path,
    vp_vs: float,
    threads: int,
    events: Path,
    arrivals: Path,
) -> None:
    """Write located events (EVENTS) and their arrivals (ARRIVALS) with residuals and weights.

    `vp_vs` above 0 makes the S velocities.
    """
    from quakeline.chain.locate import located
    from quakeline.chain.material import velocities
    from quakeline.io import tables
    from quakeline.schemas import ARRIVALS, EVENTS, FIBRE_CHANNELS, PICKS, STATIONS
    from quakeline.sites import Sites

    found, residuals = located(
        config,
        tables.read(candidates, EVENTS),
        tables.read(assignments, ARRIVALS),
        tables.read_many(picks, PICKS),
        Sites.of(tables.read(stations, STATIONS), tables.read_many(channels, FIBRE_CHANNELS)),
        velocities(velocity, vp_vs),
        threads,
    )
    tables.write(found, EVENTS, events)
    tables.write(residuals, ARRIVALS, arrivals)

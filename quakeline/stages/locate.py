"""Hypocentres of associated events from arrival times in a 1D velocity model."""

from __future__ import annotations

from pathlib import Path

from quakeline.chain.locate import Settings

VERSION = 6

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
    min_interevent_s: float,
    tolerance_s: float,
    threads: int,
    events: Path,
    arrivals: Path,
) -> None:
    """Write located events (EVENTS) and their arrivals (ARRIVALS) with residuals and weights.

    `vp_vs` above 0 makes the S velocities. `min_interevent_s` and `tolerance_s` are those of the
    section `associate`, below 0: auto; no two events that share stations are closer than the first.
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
        min_interevent_s=min_interevent_s,
        tolerance_s=tolerance_s,
    )
    tables.write(found, EVENTS, events)
    tables.write(residuals, ARRIVALS, arrivals)

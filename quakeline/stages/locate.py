"""Hypocentres of associated events from arrival times in a 1D velocity model."""

from __future__ import annotations

import logging
from pathlib import Path

from pydantic import Field, model_validator

from quakeline.section import Section

VERSION = 2

logger = logging.getLogger("quakeline")


class Config(Section):
    """Robust least squares on arrival times with a full covariance."""

    depth_km: tuple[float, float] = Field(
        (0.0, 30.0), description="shallowest and deepest source, km below sea level"
    )
    model_error_s: float = Field(
        0.05, gt=0, description="error of predicted travel times, 1 sigma, in seconds"
    )
    min_pick_sigma_s: float = Field(
        0.02, gt=0, description="smallest standard deviation that a pick is given, in seconds"
    )

    @model_validator(mode="after")
    def _check(self) -> Config:
        if self.depth_km[0] >= self.depth_km[1]:
            raise ValueError(f"depth_km: {list(self.depth_km)} given; the first must be smaller")
        return self


def run(
    config: Config,
    *,
    candidates: Path,
    assignments: Path,
    picks: list[Path],
    stations: Path,
    velocity: Path,
    events: Path,
    arrivals: Path,
) -> None:
    """Write located events (EVENTS) and their arrivals (ARRIVALS) with residuals and weights."""
    from quakeline.io import tables
    from quakeline.location import Locator
    from quakeline.schemas import ARRIVALS, EVENTS, PICKS, STATIONS
    from quakeline.sites import Sites
    from quakeline.velocity import load

    locator = Locator(
        sites=Sites.of(tables.read(stations, STATIONS)),
        model=load(velocity),
        depth_km=config.depth_km,
        model_error_s=config.model_error_s,
        min_pick_sigma_s=config.min_pick_sigma_s,
    )
    located, residuals = locator.locate(
        tables.read(candidates, EVENTS),
        tables.read(assignments, ARRIVALS),
        tables.read_many(picks, PICKS),
    )
    for row in located.itertuples():
        logger.info(
            "locate: %s depth %.1f km, rms %.3f s, %s",
            row.event_id,
            row.depth_km,
            row.rms_s,
            row.quality,
        )
    tables.write(located, EVENTS, events)
    tables.write(residuals, ARRIVALS, arrivals)

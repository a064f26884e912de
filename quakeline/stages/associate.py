"""Picks of all stations and chunks to events: which picks belong together."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from quakeline.section import Section

VERSION = 2

logger = logging.getLogger("quakeline")


class Config(Section):
    """PyOcto (Muenchmeyer 2024, doi:10.26443/seismica.v3i1.1130) and what makes an event."""

    kind: Literal["pyocto"] = Field("pyocto", description="the associator")
    margin_km: float = Field(
        20.0, ge=0, description="sources are searched this far around the stations, in km"
    )
    depth_km: tuple[float, float] = Field(
        (0.0, 30.0), description="shallowest and deepest source, km below sea level"
    )
    min_picks: int = Field(6, ge=3, description="picks that an event needs")
    min_p_picks: int = Field(3, ge=0, description="P picks that an event needs")
    min_s_picks: int = Field(1, ge=0, description="S picks that an event needs")
    min_p_and_s: int = Field(1, ge=0, description="stations with both P and S that an event needs")
    tolerance_s: float = Field(
        0.8, gt=0, description="largest difference of a pick from its predicted time, in seconds"
    )
    min_interevent_s: float = Field(3.0, ge=0, description="least time between events, in seconds")
    same_onset_s: float = Field(
        0.3,
        ge=0,
        description="picks of one phase by several instruments of a station this close together,"
        " in seconds, are one onset: the most probable counts",
    )
    node_km: float = Field(
        5.0, gt=0, description="size of a cell, in km, at which an event is tried"
    )

    @model_validator(mode="after")
    def _check(self) -> Config:
        if self.depth_km[0] >= self.depth_km[1]:
            raise ValueError(f"depth_km: {list(self.depth_km)} given; the first must be smaller")
        return self


def run(
    config: Config,
    *,
    picks: list[Path],
    coverage: list[Path],
    manifests: list[Path],
    stations: Path,
    velocity: Path,
    threads: int,
    events: Path,
    arrivals: Path,
) -> None:
    """Write events (EVENTS, with preliminary origins) and their picks (ARRIVALS).

    Raises DataError when no station of the run has any usable data.
    """
    from quakeline import association
    from quakeline.io import tables
    from quakeline.schemas import ARRIVALS, EVENTS, PICKS, STATIONS
    from quakeline.sites import Sites, strongest
    from quakeline.velocity import load

    _require_data(coverage, manifests)
    chunk_picks = tables.read_many(picks, PICKS)
    sites = Sites.of(tables.read(stations, STATIONS))
    search = association.Search(**config.model_dump(exclude={"kind", "same_onset_s"}))
    distinct = strongest(chunk_picks, config.same_onset_s)
    found, grouped = association.associate(distinct, sites, load(velocity), search, threads)
    logger.info("associate: %d events, %d of %d picks", len(found), len(grouped), len(chunk_picks))
    tables.write(found, EVENTS, events)
    tables.write(grouped, ARRIVALS, arrivals)


def _require_data(coverage: list[Path], manifests: list[Path]) -> None:
    """Refuse a run without any usable data, naming the reasons; a day without data is no error."""
    from quakeline import remarks
    from quakeline.errors import DataError
    from quakeline.io import tables
    from quakeline.schemas import COVERAGE

    if (tables.read_many(coverage, COVERAGE)["coverage"] > 0).any():
        return
    found = [r for r in remarks.collect(manifests, coverage) if r.status != "used"]
    causes = [r for r in found if r.status != "no data"] or found
    why = "; ".join(f"{r.reason} ({remarks.some(r.where, 2)})" for r in causes[:3])
    raise DataError(f"no data of the whole run can be used: {why}")

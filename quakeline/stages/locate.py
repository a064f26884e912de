"""Hypocentres of associated events from arrival times in a 1D velocity model."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from quakeline.section import Section

VERSION = 6

logger = logging.getLogger("quakeline")
#: Station terms that are made of the residuals, or not at all.
_ESTIMATED = ("none", "static", "ssst")


class Config(Section):
    """Global search by the L1 norm, then the most likely point under errors with heavy tails."""

    depth_km: tuple[float, float] | Literal["auto"] = Field(
        "auto",
        description="shallowest and deepest source, km below sea level; auto: from the highest"
        " station to half the extent of the network, 15 at least",
    )
    model_error_s: Annotated[float, Field(gt=0)] | Literal["auto"] = Field(
        "auto",
        description="error of predicted travel times, 1 sigma, in seconds, of each arrival for"
        " itself; auto: from the residuals of all events, 0.05 where they are few",
    )
    model_error_share: Annotated[float, Field(ge=0, le=0.2)] | Literal["auto"] = Field(
        "auto",
        description="error of the velocities as a whole, 1 sigma, as a share: it moves all"
        " arrivals of a phase together and enlarges the stated errors; auto: from the residuals of"
        " all events, 0.02 where they are few",
    )
    min_pick_sigma_s: float = Field(
        0.02, gt=0, description="smallest standard deviation that a pick is given, in seconds"
    )
    station_terms: Literal["none", "static", "ssst"] | str = Field(
        "none",
        description="delays of stations, the arrivals' correction_s: none, from the residuals of"
        " all events one for each station and phase (static) or of the events nearby (ssst), or"
        " those of a CSV file with columns network, station, phase, delay_s, such as the"
        " station_terms.csv of `quakeline tune velocity`",
    )

    @model_validator(mode="after")
    def _check(self) -> Config:
        if not isinstance(self.depth_km, str) and self.depth_km[0] >= self.depth_km[1]:
            raise ValueError(f"depth_km: {list(self.depth_km)} given; the first must be smaller")
        if self.station_terms not in _ESTIMATED and "." not in self.station_terms:
            raise ValueError(
                f"station_terms: {self.station_terms} given; allowed: {', '.join(_ESTIMATED)}, or"
                " the path of a CSV file"
            )
        return self

    def files(self) -> list[str]:
        """The files that the section names."""
        return [] if self.station_terms in _ESTIMATED else [self.station_terms]

    def options(self, table: Path | None = None) -> dict[str, Any]:
        """The settings of a `Locator`; the station terms that are given are read.

        `table` is where the file of terms lies, if not where the section says. Raises DataError
        where it cannot be used.
        """
        from quakeline.location.terms import Given

        settings = self.model_dump()
        if self.files():
            path = table or Path(self.files()[0])
            settings |= {"station_terms": "none", "given_terms": Given.read(path)}
        return settings


def run(
    config: Config,
    *,
    candidates: Path,
    assignments: Path,
    picks: list[Path],
    stations: Path,
    channels: list[Path],
    velocity: Path,
    terms: list[Path],
    vp_vs: float,
    interpolation: str,
    threads: int,
    events: Path,
    arrivals: Path,
    diagnosis: Path,
) -> None:
    """Write located events (EVENTS) and their arrivals (ARRIVALS) with residuals and weights.

    `terms` are the table of station terms, or none; `diagnosis` (JSON) is what the residuals say
    about the velocity model.

    `vp_vs` above 0 makes the S velocities; `interpolation` is `velocity.interpolation`.
    """
    from quakeline.association import depth_range
    from quakeline.io import tables
    from quakeline.io.atomic import write_text
    from quakeline.location import Locator, diagnosed
    from quakeline.schemas import ARRIVALS, EVENTS, FIBRE_CHANNELS, PICKS, STATIONS
    from quakeline.sites import Sites
    from quakeline.velocity import load

    sites = Sites.of(tables.read(stations, STATIONS), tables.read_many(channels, FIBRE_CHANNELS))
    if sites.table.empty:
        tables.write(tables.empty(EVENTS), EVENTS, events)
        tables.write(tables.empty(ARRIVALS), ARRIVALS, arrivals)
        write_text(diagnosis, "{}\n")
        return
    settings = config.options(terms[0] if terms else None)
    if config.depth_km == "auto":
        settings["depth_km"] = depth_range(sites)
        logger.info("locate: chosen for this network: depth %g to %g km", *settings["depth_km"])
    model = load(velocity, vp_vs, interpolation)
    locator = Locator(sites=sites, model=model, threads=threads, **settings)
    all_picks = tables.read_many(picks, PICKS)
    located, residuals = locator.locate(
        tables.read(candidates, EVENTS), tables.read(assignments, ARRIVALS), all_picks
    )
    judged = diagnosed(locator, located, residuals, all_picks)
    for sentence in judged.sentences:
        logger.warning("locate: %s", sentence)
    write_text(diagnosis, judged.text())
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

"""Hypocentres of associated events from arrival times in a 1D velocity model."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from quakeline.section import Section

if TYPE_CHECKING:
    import pandas as pd

    from quakeline.location import Locator
    from quakeline.sites import Sites
    from quakeline.velocity import VelocityModel

logger = logging.getLogger("quakeline")


class Settings(Section):
    """Global search by the L1 norm, then the most likely point under errors with heavy tails."""

    depth_km: tuple[float, float] | Literal["auto"] = Field(
        "auto",
        description="shallowest and deepest source, km below sea level; auto: from the highest"
        " station to half the extent of the network, 15 to 250",
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
    station_terms: Literal["none", "static", "ssst"] = Field(
        "none",
        description="delays of stations from the residuals of all events: none, one for each"
        " station and phase (static), or of the events nearby (ssst); they are the arrivals'"
        " correction_s",
    )

    @model_validator(mode="after")
    def _check(self) -> Settings:
        if not isinstance(self.depth_km, str) and self.depth_km[0] >= self.depth_km[1]:
            raise ValueError(f"depth_km: {list(self.depth_km)} given; the first must be smaller")
        return self


def locator_of(settings: Settings, sites: Sites, model: VelocityModel, threads: int = 1) -> Locator:
    """What locates events of a network as the section says."""
    from quakeline.association import depth_range
    from quakeline.io import provenance
    from quakeline.location import Locator

    options = settings.model_dump()
    if settings.depth_km == "auto":
        options["depth_km"] = depth_range(sites)
        logger.info("locate: chosen for this network: depth %g to %g km", *options["depth_km"])
    provenance.chose("locate", settings.plain(), {"depth_km": options["depth_km"]})
    return Locator(sites=sites, model=model, threads=threads, **options)


def located(
    settings: Settings,
    events: pd.DataFrame,
    arrivals: pd.DataFrame,
    picks: pd.DataFrame,
    sites: Sites,
    model: VelocityModel,
    threads: int = 1,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Locate events (EVENTS, ARRIVALS) whose times are in PICKS; same tables out.

    `picks` are all picks, also those of no event: they tell how often chance puts one anywhere.
    """
    from quakeline.io import tables
    from quakeline.schemas import ARRIVALS, EVENTS

    if sites.table.empty:
        return tables.empty(EVENTS), tables.empty(ARRIVALS)
    locator = locator_of(settings, sites, model, threads)
    found, residuals = locator.locate(events, arrivals, picks.drop_duplicates("pick_id"))
    for row in found.itertuples():
        logger.info(
            "locate: %s depth %.1f km, rms %.3f s, %s",
            row.event_id,
            row.depth_km,
            row.rms_s,
            row.quality,
        )
    return tables.typed(found, EVENTS), tables.typed(residuals, ARRIVALS)

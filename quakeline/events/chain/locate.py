"""Hypocentres of associated events from arrival times in a velocity model."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from quakeline.core.section import Section

if TYPE_CHECKING:
    import pandas as pd

    from quakeline.earth.sites import Sites
    from quakeline.earth.velocity import Model
    from quakeline.events.location import Locator
    from quakeline.events.location.diagnosis import Diagnosis
    from quakeline.events.location.locator import Past

logger = logging.getLogger("quakeline")

#: What location asks of picks (PICKS).
USED = ["pick_id", "network", "station", "location", "phase", "time", "time_sigma_s"]
#: Station terms that are made of the residuals, or not at all.
_ESTIMATED = ("none", "static", "ssst")
#: How far interfaces of layers may be off.
_INTERFACE_KM = 1.0


class Settings(Section):
    """The most likely point under errors with heavy tails, looked for at several depths."""

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
        " arrivals together and enlarges the stated errors; auto: from what station terms take off"
        " the residuals of all events, more for events without S, 0.02 at least",
    )
    min_pick_sigma_s: float = Field(
        0.02, gt=0, description="smallest standard deviation that a pick is given, in seconds"
    )
    station_terms: Literal["none", "static", "ssst"] | str = Field(
        "static",
        description="what is taken off arrivals, their correction_s: none; from the residuals of"
        " all events a delay of each station and phase and what velocities that are wrong as a"
        " whole do to the arrival (static), and what nearby events add (ssst); or the delays alone"
        " of a CSV file with columns network, station, phase, delay_s, such as the"
        " station_terms.csv of `quakeline tune velocity`",
    )

    @model_validator(mode="after")
    def _check(self) -> Settings:
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
        from quakeline.events.location.terms import GivenTerms

        settings = self.model_dump()
        if self.files():
            path = table or Path(self.files()[0])
            settings |= {"station_terms": "none", "given_terms": GivenTerms.read(path)}
        return settings


@dataclass(frozen=True)
class Located:
    """EVENTS, ARRIVALS, and what the residuals say about the velocities, if there was a look."""

    events: pd.DataFrame
    arrivals: pd.DataFrame
    diagnosis: Diagnosis | None


def locator_of(
    settings: Settings,
    sites: Sites,
    model: Model,
    threads: int = 1,
    terms: Path | None = None,
) -> Locator:
    """What locates events of a network as the section says; `terms` as in `Settings.options`."""
    from quakeline.events.association import depth_range
    from quakeline.events.location import Locator
    from quakeline.io.products import provenance

    options = settings.options(terms)
    if settings.depth_km == "auto":
        options["depth_km"] = depth_range(sites)
        logger.info("locate: chosen for this network: depth %g to %g km", *options["depth_km"])
    provenance.chose("locate", settings.plain(), {"depth_km": options["depth_km"]})
    return Locator(sites=sites, model=model, threads=threads, interface_km=_INTERFACE_KM, **options)


def located(
    settings: Settings,
    events: pd.DataFrame,
    arrivals: pd.DataFrame,
    picks: pd.DataFrame,
    sites: Sites,
    model: Model,
    threads: int = 1,
    *,
    min_interevent_s: float = -1.0,
    tolerance_s: float = -1.0,
    terms: Path | None = None,
    locator: Locator | None = None,
    past: Past | None = None,
    diagnose: bool = True,
) -> Located:
    """Locate events (EVENTS, ARRIVALS) whose times are in PICKS.

    `picks` are all picks, also those of no event: they tell how often chance puts one anywhere.
    `min_interevent_s` and `tolerance_s` are those of the section `associate`, below 0: auto; no two
    events that share stations are closer than the first. `terms` is as in `Settings.options`;
    `locator` is what `locator_of` gave, None: that of the stations with picks; `past` as in
    `Locator.locate`. `diagnose` looks at what the residuals say about the velocities.
    """
    from quakeline.core.schemas import ARRIVALS, EVENTS
    from quakeline.events.association import interevent_s
    from quakeline.events.comparison.twins import without_twins
    from quakeline.events.location import diagnosed
    from quakeline.io.products import tables

    if sites.table.empty:
        return Located(tables.empty(EVENTS), tables.empty(ARRIVALS), None)
    if locator is None:
        locator = locator_of(settings, sites.with_picks(picks), model, threads, terms)
    said = {"min_interevent_s": min_interevent_s, "tolerance_s": tolerance_s}
    apart = {name: value for name, value in said.items() if value >= 0}
    known = picks[USED].drop_duplicates("pick_id")
    apart_s = interevent_s(apart, locator.sites, model, known["phase"])
    found, residuals = without_twins(*locator.locate(events, arrivals, known, past), known, apart_s)
    judged = diagnosed(locator, found, residuals, known) if diagnose else None
    for sentence in judged.sentences if judged else []:
        logger.warning("locate: %s", sentence, extra={"diagnosis": True})
    for row in found.itertuples():
        logger.info(
            "locate: %s depth %.1f km, rms %.3f s, %s",
            row.event_id,
            row.depth_km,
            row.rms_s,
            row.quality,
        )
    return Located(tables.typed(found, EVENTS), tables.typed(residuals, ARRIVALS), judged)

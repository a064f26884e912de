"""Local and moment magnitudes of located events from what was measured at their stations."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from quakeline.section import Section

if TYPE_CHECKING:
    import pandas as pd

    from quakeline.magnitudes.amplitudes import Windows
    from quakeline.magnitudes.formulas import Formula
    from quakeline.magnitudes.instruments import Seen
    from quakeline.magnitudes.network import Corrections
    from quakeline.velocity import Model

logger = logging.getLogger("quakeline")


class Coefficients(Section):
    """ML = log10(A) + log_distance * log10(R) + distance * R + constant, A in mm, R in km."""

    log_distance: float = Field(description="factor of log10 of the hypocentral distance in km")
    distance: float = Field(0.0, description="factor of the hypocentral distance in km")
    constant: float = Field(
        description="constant, for zero-to-peak mm on a Wood-Anderson of magnification 2080"
    )


class Moment(Section):
    """Mw from Brune spectra of S and P; see docs/catalog.md."""

    phases: list[Literal["P", "S"]] = Field(
        default=["P", "S"], min_length=1, description="phases whose spectra count"
    )
    band_hz: tuple[float, float] = Field(
        (0.5, 20.0),
        description="frequencies that count, in Hz: those that recorders and prepare.response keep",
    )
    distance_km: tuple[float, float] = Field(
        (0.0, 150.0), description="hypocentral distances in km at which stations count"
    )
    min_snr: float = Field(
        3.0, ge=1, description="least ratio of the spectrum to that of the noise before P"
    )

    @model_validator(mode="after")
    def _check(self) -> Moment:
        _check_rising(self, "band_hz", "distance_km")
        return self


def _check_rising(section: Section, *names: str) -> None:
    for name in names:
        given = getattr(section, name)
        if given is not None and not 0 <= given[0] < given[1]:
            raise ValueError(f"{name}: {list(given)} given; two rising numbers are allowed")


class Settings(Section):
    """ML: the median over stations of log10 of the Wood-Anderson amplitude and a distance term.

    Amplitudes are zero-to-peak, the mean of the horizontals' logarithms. Events of stations
    without a response get no magnitude, with the reason in `magnitude_note`.
    """

    kind: Literal["local"] = Field("local", description="the kind of magnitude")
    formula: Literal[
        "hutton_boore_1987",
        "bakun_joyner_1984",
        "iaspei_2013",
        "luckett_2019",
        "richter_1935",
        "custom",
    ] = Field("hutton_boore_1987", description="the scale; custom: that of `coefficients`")
    coefficients: Coefficients | None = Field(
        None, description="the scale of your own region, with formula: custom"
    )
    distance_km: tuple[float, float] | None = Field(
        None,
        description="distances in km at which stations count; null: those that the scale was made"
        " for (docs/catalog.md), 0 to 1000 for a custom one",
    )
    components: list[Literal["Z", "N", "E"]] = Field(
        default=["N", "E"], min_length=1, description="components on which amplitudes are measured"
    )
    window_s: tuple[float, float] = Field(
        (3.0, 25.0), description="shortest and longest time after S that is searched, in seconds"
    )
    window_factor: float = Field(
        1.5, gt=0, description="the time after S that is searched, as a multiple of S minus P"
    )
    vp_vs: float = Field(
        1.73, gt=1, le=4, description="ratio that tells S from P where S was not picked"
    )
    min_snr: float = Field(
        3.0, ge=1, description="least ratio of the amplitude to the noise before P"
    )
    min_stations: int = Field(2, ge=1, description="stations that a magnitude needs")
    corrections: str | None = Field(
        None,
        description="CSV file with columns network, station, correction, or corrections.parquet of"
        " another run: added to the station's magnitudes",
    )
    estimate_corrections: bool = Field(
        False,
        description="estimate corrections of the other stations over the catalog, of zero mean",
    )
    min_events: int = Field(
        10, ge=3, description="events that the estimate of a station's correction needs"
    )
    moment: Moment | None = Field(
        None, description="moment magnitudes too, e.g. `moment: {}`; null: none"
    )

    @model_validator(mode="after")
    def _check(self) -> Settings:
        if (self.formula == "custom") != (self.coefficients is not None):
            raise ValueError("formula: custom and coefficients belong together")
        _check_rising(self, "distance_km", "window_s")
        return self

    def files(self) -> list[str]:
        """The files that the section names."""
        return [self.corrections] if self.corrections else []

    def windows(self) -> Windows:
        """Where and on what amplitudes are measured."""
        from quakeline.magnitudes.amplitudes import Windows

        return Windows(
            tuple(self.components),
            self.window_s,
            self.window_factor,
            self.vp_vs,
            self.min_snr,
        )

    def scale(self) -> Formula:
        """The formula with its range of distances."""
        from dataclasses import replace

        from quakeline.magnitudes.formulas import FORMULAS, Formula, linear

        own = self.coefficients
        scale = (
            Formula(linear(own.log_distance, own.distance, own.constant), (0.0, 1000.0), "config")
            if own
            else FORMULAS[self.formula]
        )
        return replace(scale, range_km=self.distance_km) if self.distance_km else scale


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
    from quakeline.io import tables
    from quakeline.magnitudes import network
    from quakeline.magnitudes.amplitudes import stations_of
    from quakeline.magnitudes.instruments import seen
    from quakeline.schemas import (
        EVENTS,
        MAGNITUDE_CORRECTIONS,
        STATION_MAGNITUDES,
        STATION_MOMENTS,
    )
    from quakeline.sites import Sites

    given = given or network.Corrections.none()
    distinct = picks.drop_duplicates("pick_id")
    instruments = list(seen(events, arrivals, distinct, measurements, Sites.of(stations)))
    rows = stations_of(instruments, settings.windows())
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
    made, spectral = _with_moments(settings, made, instruments, model)
    return Sized(
        tables.typed(made, EVENTS),
        tables.typed(rows, STATION_MAGNITUDES),
        tables.typed(spectral, STATION_MOMENTS),
        tables.typed(network.table_of(rows, used), MAGNITUDE_CORRECTIONS),
    )


def corrections_of(files: Sequence[Path]) -> Corrections | None:
    """The corrections of `Settings.files`, for `sized`; None where there are none."""
    from quakeline.magnitudes.network import Corrections

    return Corrections.read(files[0]) if files else None


def _with_moments(
    settings: Settings, events: pd.DataFrame, instruments: list[Seen], model: Model
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """EVENTS with moment magnitudes and STATION_MOMENTS, where they are asked for."""
    from quakeline.io import tables
    from quakeline.magnitudes import moments
    from quakeline.schemas import STATION_MOMENTS

    if settings.moment is None:
        return events, tables.empty(STATION_MOMENTS)
    wanted = settings.moment.model_dump()
    rows = moments.stations_of(instruments, model, moments.Rules(**wanted), settings.vp_vs)
    made = moments.of_events(events, rows, settings.min_stations)
    _tell("moment magnitude", made["mw"], rows)
    return made, rows if len(rows) else tables.empty(STATION_MOMENTS)


def _tell(what: str, values: pd.Series, stations: pd.DataFrame) -> None:
    from quakeline.magnitudes.network import reasons_of
    from quakeline.reasons import counts_of, text_of

    logger.info("%s: %d of %d events have one", what, int(values.notna().sum()), len(values))
    why = counts_of(reasons_of(stations))
    if why:
        logger.info("%s: stations without one: %s", what, text_of(why))

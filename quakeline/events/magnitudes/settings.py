"""The section `magnitude`: scales, windows, and which stations count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from quakeline.core.section import Section

if TYPE_CHECKING:
    from quakeline.events.magnitudes.formulas import Formula


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

    def scale(self) -> Formula:
        """The formula with its range of distances."""
        from dataclasses import replace

        from quakeline.events.magnitudes.formulas import FORMULAS, Formula, linear

        own = self.coefficients
        scale = (
            Formula(linear(own.log_distance, own.distance, own.constant), (0.0, 1000.0), "config")
            if own
            else FORMULAS[self.formula]
        )
        return replace(scale, range_km=self.distance_km) if self.distance_km else scale

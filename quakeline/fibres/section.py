"""The fibres of a run: each a section of the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from quakeline.core.section import Section
from quakeline.fibres.recordings.description import AutoFormat, Channels, Format, Preprocess, Units
from quakeline.waveforms.sources import Source

if TYPE_CHECKING:
    from quakeline.fibres.recordings.chunk import Material


class Fibre(Section):
    """One fibre: a name, its files, what they hold, where it lies, how it is made ready."""

    EXTRA = "das"

    name: str = Field(
        pattern=r"^[A-Za-z0-9_]{1,8}$",
        description="short name; its channels are stations NAME.00000, NAME.00001, ...",
    )
    source: Source = Field(description="where the files are; its `kind` decides which keys follow")
    format: Format = Field(AutoFormat(), description="how the files are read")
    units: Units = Field("strain_rate", description="what the files hold")
    gauge_length_m: float | None = Field(
        None, gt=0, description="gauge length of the recording in metres; phase needs it"
    )
    wavelength_nm: float = Field(1550.0, gt=0, description="of the laser; for phase")
    refractive_index: float = Field(1.468, gt=1, description="of the fibre; for phase")
    strain_per_radian: float | None = Field(
        None,
        description="strain of one radian of phase; null: from wavelength, index, gauge length and"
        " a photoelastic factor of 0.78",
    )
    channels: Channels = Channels()
    preprocess: Preprocess = Preprocess()

    @model_validator(mode="after")
    def _check(self) -> Fibre:
        needs = self.units == "phase" and self.strain_per_radian is None
        if needs and self.gauge_length_m is None:
            raise ValueError(
                "gauge_length_m: null given; units: phase needs it, or strain_per_radian"
            )
        if self.preprocess.gauge_length_m is not None and self.gauge_length_m is None:
            raise ValueError(
                "gauge_length_m: null given; preprocess.gauge_length_m needs that of the recording"
            )
        return self

    @property
    def material(self) -> Material:
        """What the samples are and are turned into, for the readers."""
        from quakeline.fibres.recordings.chunk import Material

        names = ("format", "units", "gauge_length_m", "strain_per_radian", "wavelength_nm")
        return Material(
            **{name: getattr(self, name) for name in (*names, "refractive_index", "preprocess")}
        )

"""Settings of the preparation of waveforms."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from quakeline.core.clock import REACH_S
from quakeline.core.section import Section
from quakeline.io.formats.codes import Code

Output = Literal["displacement", "velocity", "acceleration"]

#: Units of each kind of ground motion in stores and tables.
UNITS: dict[Output, str] = {"displacement": "m", "velocity": "m/s", "acceleration": "m/s2"}
#: Resampling reaches less than 5 s, the times of samples depend on what is farther away.
_GRID_S = 5.0 + REACH_S


class Response(Section):
    """Removal of the instrument response, to ground motion."""

    remove: bool = Field(
        True,
        description="remove the response of channels that have one; the others stay in counts",
    )
    output: Output = Field(
        "velocity",
        description="ground motion to make: displacement (m), velocity (m/s) or acceleration"
        " (m/s2); amplitudes of picks are given for velocity only",
    )
    water_level_db: float | None = Field(
        60.0, gt=0, description="water level in dB below the largest amplitude; null: none"
    )
    pre_filter_hz: tuple[float, float, float, float] | None = Field(
        None,
        description="corners in Hz of a cosine band, the first at least 1 / reach_s; null: what is"
        " slower than 1 to 2 / reach_s is removed, and what is above 0.88 to 0.98 of the Nyquist"
        " frequency (without a reach: nothing)",
    )
    reach_s: float | None = Field(
        20.0,
        ge=2,
        le=1000,
        description="how far in seconds a sample may depend on others: the removal is a filter of"
        " this length on both sides, so that the cut into chunks and gaps farther away change"
        " nothing; longer for slower motion. null: the spectrum of each stretch without gaps is"
        " divided as a whole, as obspy's remove_response does it, and depends on the cuts",
    )
    taper_s: float = Field(
        60.0,
        ge=0,
        le=3600,
        description="length in seconds of the cosine tapers at both ends of each stretch, where"
        " reach_s is null; data are read that much farther beyond the chunk and its margins",
    )

    @model_validator(mode="after")
    def _check(self) -> Response:
        corners = self.pre_filter_hz
        lowest = 1 / self.reach_s if self.reach_s else 0.0
        if corners and not lowest <= corners[0] < corners[1] <= corners[2] < corners[3]:
            raise ValueError(
                f"pre_filter_hz: {list(corners)} given; four rising frequencies from {lowest:g}"
                " Hz are allowed"
            )
        return self

    @property
    def units(self) -> str:
        """Units of the ground motion."""
        return UNITS[self.output]

    @property
    def read_ahead_s(self) -> float:
        """Raw data are read this far beyond the margins of a chunk, in seconds.

        As far as removing a response, resampling and the times of samples reach, so that every
        stored sample is that of uncut data; without a reach, as far as the tapers.
        """
        return (self.taper_s if self.reach_s is None else self.reach_s) + _GRID_S


#: As far as the default settings read ahead.
READ_AHEAD_S = Response().read_ahead_s


class Prefer(Section):
    """Which instrument of a station is used, where it has several; both empty: all of them."""

    instruments: list[Code] = Field(
        default_factory=list,
        description="band and instrument codes in order, e.g. [HH, EH, BH, HN]; others come last",
    )
    locations: list[Code] = Field(
        default_factory=list,
        description='location codes in order, e.g. ["00", "", "10"], among equal instruments',
    )


class Settings(Section):
    """How raw samples become waveforms."""

    bridge_gap_s: float = Field(
        0.1, ge=0, le=5, description="gaps up to this length in seconds are filled by a line"
    )
    mend_spikes: bool = Field(
        True,
        description="replace spikes of one sample by the mean of their neighbours; false: they are"
        " noted only",
    )
    instruments: list[Code] = Field(
        default_factory=list,
        description="band and instrument codes to use, e.g. [HH, EH]; empty: all",
    )
    prefer: Prefer = Field(
        default=Prefer(),
        description="one instrument for each station and chunk: the first that has at least half as"
        " much usable data as the one that has most",
    )
    response: Response = Response()

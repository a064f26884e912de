"""What a configuration says of the files, the channels and the preparation of a fibre."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator, model_validator

from quakeline.core.section import Section

#: What fibre data may be, and what they are turned into.
Units = Literal["phase", "strain", "strain_rate"]


class AutoFormat(Section):
    """Files that xdas reads, and those it does not but DASCore does."""

    kind: Literal["auto"] = Field("auto", description="the library finds the format")
    engine: str | None = Field(
        None,
        pattern=r"^\w+$",
        description="name of the reader: one of xdas (xdas, asn, febus, prodml, silixa, terra15,"
        " apsensing, aragon, ...) or dascore; null: all of xdas are tried, then dascore",
    )
    order: Literal["channel_time", "time_channel"] | None = Field(
        None,
        description="axes of the array in a file that does not state them: channel_time, the"
        " samples of a channel follow each other, or time_channel; null: as the file says",
    )


class MatrixFormat(Section):
    """A plain matrix of numbers somewhere in a file, read in place without decoding the rest."""

    kind: Literal["matrix"] = Field("matrix", description="a plain matrix inside a file")
    offset_bytes: int = Field(0, ge=0, description="where the matrix begins in the file, in bytes")
    dtype: Literal["<f4", "<f8", "<i2", "<i4"] = Field(
        description="type of a number, as NumPy writes it (< is little-endian)"
    )
    n_channels: int = Field(ge=1, description="channels of the matrix")
    n_samples: int = Field(ge=1, description="samples of each channel")
    order: Literal["channel_time", "time_channel"] = Field(
        description="channel_time: the samples of a channel follow each other"
    )
    start: datetime = Field(description="time of the first sample, UTC")
    rate_hz: float = Field(gt=0, description="sampling rate in Hz")
    spacing_m: float = Field(gt=0, description="distance between channels in metres")
    first_distance_m: float = Field(
        0.0, description="distance of the first channel along the fibre in metres"
    )


if TYPE_CHECKING:
    Format = AutoFormat | MatrixFormat
else:
    Format = Annotated[AutoFormat | MatrixFormat, Field(discriminator="kind")]


class Line(Section):
    """A straight fibre: where it begins and its direction."""

    latitude: float = Field(ge=-90, le=90, description="of distance zero, degrees (WGS84)")
    longitude: float = Field(ge=-180, le=180, description="of distance zero, degrees (WGS84)")
    azimuth_deg: float = Field(description="direction of the fibre, degrees from north")
    elevation_m: float = Field(0.0, description="of the whole fibre above sea level, in metres")
    spacing_m: float | None = Field(
        None, gt=0, description="distance between channels; null: as the files say"
    )


class Channels(Section):
    """Which channels are used, and where they are; without positions no pick can be associated."""

    table: str | None = Field(
        None,
        description="CSV file: channel, latitude and longitude (or easting, northing and epsg),"
        " elevation_m, optional distance_m, start and end of an epoch; channels count from 0 in the"
        " files; channels that it does not list have no position",
    )
    line: Line | None = Field(None, description="a straight fibre instead of a table")
    first: int = Field(0, ge=0, description="first channel that is used, counted from 0")
    last: int | None = Field(None, ge=0, description="last channel that is used; null: the last")
    exclude: list[int] = Field(
        default_factory=list, description="channels that are not used, counted from 0"
    )
    loop: bool = Field(
        False,
        description="the fibre runs out and back in one cable: the second half of the used channels"
        " repeats the first in reverse and is left out",
    )

    @model_validator(mode="after")
    def _check(self) -> Channels:
        if self.table and self.line:
            raise ValueError("give table or line, not both")
        if self.last is not None and self.last < self.first:
            raise ValueError(f"last: {self.last} given; it must not be smaller than first")
        return self


class Preprocess(Section):
    """What is done to the data on the fly, page by page, in this order."""

    units: Units = Field("strain_rate", description="what the data are turned into")
    gauge_length_m: float | None = Field(
        None,
        gt=0,
        description="gauge length that the data are turned into, a multiple of the channel spacing"
        " above that of the fibre; null: as recorded",
    )
    common_mode: Literal["none", "median", "mean"] = Field(
        "none",
        description="subtracted from all channels at each sample: noise of the interrogator, but"
        " also waves that come to all channels at once, as steep P on a short fibre",
    )
    bandpass_hz: tuple[float, float] | None = Field(
        None, description="corners of a zero-phase band-pass in Hz; null: none"
    )
    fk_velocity_m_s: tuple[float, float] | None = Field(
        None,
        description="apparent velocities that an f-k filter passes, in m/s; slower and faster waves"
        " fade over a tenth; null: no f-k filter",
    )
    channel_step: int = Field(
        1, ge=1, description="channels that are averaged into one before the network sees them"
    )

    @field_validator("bandpass_hz", "fk_velocity_m_s")
    @classmethod
    def _ascending(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value and not 0 < value[0] < value[1]:
            raise ValueError("two positive numbers, the first one smaller")
        return value

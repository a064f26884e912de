"""Settings of the preparation that are shared with its computing parts."""

from __future__ import annotations

from pydantic import Field, model_validator

from quakeline.section import Section

#: Raw data are read this far beyond the margins of a chunk, in seconds: as far as removing a
#: response (20 s) and resampling reach, so that every stored sample is that of uncut data.
READ_AHEAD_S = 25.0
_LOWEST_HZ = 0.05


class Response(Section):
    """Removal of the instrument response, to ground velocity in m/s."""

    remove: bool = Field(
        True,
        description="remove the response of channels whose StationXML has one; the others stay in"
        " counts",
    )
    water_level_db: float | None = Field(
        60.0, gt=0, description="water level in dB below the largest amplitude; null: none"
    )
    pre_filter_hz: tuple[float, float, float, float] | None = Field(
        None,
        description="corners in Hz of a cosine band, the first at least 0.05; null: motion slower"
        " than 0.05 to 0.1 Hz is removed and nothing above",
    )

    @model_validator(mode="after")
    def _check(self) -> Response:
        corners = self.pre_filter_hz
        if corners and not _LOWEST_HZ <= corners[0] < corners[1] <= corners[2] < corners[3]:
            raise ValueError(
                f"pre_filter_hz: {list(corners)} given; four rising frequencies from {_LOWEST_HZ:g}"
                " Hz are allowed"
            )
        return self

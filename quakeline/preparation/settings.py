"""Settings of the preparation that are shared with its computing parts."""

from __future__ import annotations

from pydantic import Field

from quakeline.section import Section


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
        None, description="corners in Hz of a cosine filter applied before; null: none"
    )
    taper_s: float = Field(
        5.0, ge=0, le=10, description="cosine taper at both ends of each segment, in seconds"
    )

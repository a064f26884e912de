"""The section `evaluate`: the reference, and what counts as the same event."""

from __future__ import annotations

from pydantic import Field

from quakeline.core.section import Section

#: What a reference begins with that a web service has.
SERVICE = "fdsn:"


class Settings(Section):
    """The reference, what counts as the same event, and which events count at all."""

    reference: str | None = Field(
        None,
        min_length=1,
        description="reference catalog: a file (QuakeML, FDSN text, CSV, EVENTS as Parquet), or"
        " `fdsn:` and the name or address of an event service, e.g. fdsn:USGS; null: none",
    )
    tolerance_s: float = Field(
        2.0, gt=0, description="largest difference of the origin times of one event"
    )
    tolerance_km: float = Field(
        20.0, gt=0, description="largest distance of the epicentres of one event"
    )
    max_distance_km: float = Field(
        100.0,
        gt=0,
        description="events farther than this from every station are left out of both catalogs",
    )
    min_magnitude: float | None = Field(
        None, description="smallest magnitude of the reference that is looked for; null: all"
    )

    mechanisms: str | None = Field(
        None,
        min_length=1,
        description="mechanisms of others beside which those of section mechanism are put, with"
        " `reference`: QuakeML, CSV with strike, dip, rake and event_id or time, an output file of"
        " HASH; null: none",
    )

    @property
    def remote(self) -> bool:
        """Whether a web service is asked for the reference."""
        return self.reference is not None and self.reference.startswith(SERVICE)

    def files(self) -> list[str]:
        """The file of the reference, where it is one."""
        return [self.reference] if self.reference and not self.remote else []

    def mechanism_files(self) -> list[str]:
        """The file of mechanisms of others, where there is one."""
        return [self.mechanisms] if self.mechanisms else []

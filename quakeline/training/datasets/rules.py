"""What makes a record of a run good enough to learn from."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field, model_validator

from quakeline.core.section import Section
from quakeline.core.timeline import to_ns


class Rules(Section):
    """Which windows of a run become records, and in which parts these are."""

    length_s: float = Field(60.0, ge=4, description="length of a record in seconds")
    before_s: float = Field(
        25.0, ge=0, description="seconds from its beginning to the first onset of its event"
    )
    max_residual_s: float = Field(
        0.5,
        ge=0,
        description="largest residual of an arrival; a record of which one arrival fails any of"
        " these rules is left out as a whole, since what is not labelled is learnt as noise",
    )
    min_stations: int = Field(3, ge=1, description="smallest number of stations of an event")
    min_snr_db: float = Field(0.0, description="smallest signal-to-noise ratio of an arrival")
    noise: float = Field(0.5, ge=0, description="windows of noise for each record of an event")
    alone_s: float = Field(
        10.0,
        ge=0,
        description="a pick of no event is a false one where no other pick is this near at any"
        " station",
    )
    start: datetime | None = Field(
        None, description="records begin at this time (UTC) or later; null: all do"
    )
    end: datetime | None = Field(
        None, description="records end before this time (UTC); null: all do"
    )
    split: Literal["event", "time"] = Field(
        "event",
        description="event: parts by the digests of the events' names, events that share a record"
        " together; time: the first 70 % of the events for training, the next 15 % to validate and"
        " the last to test, without records that reach over a border",
    )

    @model_validator(mode="after")
    def _check(self) -> Rules:
        if self.before_s >= self.length_s:
            raise ValueError(
                f"before_s ({self.before_s:g}) must be less than length_s ({self.length_s:g})"
            )
        if self.start and self.end and to_ns(self.end) <= to_ns(self.start):
            raise ValueError(f"end ({self.end}) must be later than start ({self.start})")
        return self

    def allows(self, first_ns: int, last_ns: int) -> bool:
        """Whether a record from and to a time may be made."""
        late = self.start is None or first_ns >= to_ns(self.start)
        return late and (self.end is None or last_ns <= to_ns(self.end))

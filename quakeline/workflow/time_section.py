"""The section `time` of a run: its span and chunks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from quakeline.core.section import MayBeAuto, Section
from quakeline.core.timeline import Span, split, to_ns


class Time(Section):
    """The span of the run and how it is cut into chunks, one job of each stage per chunk."""

    start: datetime = Field(description="first instant of the run, UTC, whole seconds")
    end: datetime = Field(description="last instant of the run (exclusive), UTC, whole seconds")
    chunk_h: float = Field(
        24.0,
        gt=0,
        description="length of a chunk in hours; chunks begin at absolute multiples of it",
    )
    margin_s: Annotated[Annotated[float, Field(ge=0)] | None, MayBeAuto()] = Field(
        None,
        description="data read on both sides of a chunk, in seconds, so that the cuts do not"
        " matter; auto: one window of the network, 20 s more where it has a filter, 15 s beside"
        " that, and what section measure needs",
    )

    @field_validator("start", "end")
    @classmethod
    def _whole_seconds(cls, value: datetime) -> datetime:
        if value.microsecond:
            raise ValueError("must be a whole second")
        return value

    @model_validator(mode="after")
    def _check(self) -> Time:
        if to_ns(self.end) <= to_ns(self.start):
            raise ValueError(f"end ({self.end}) must be later than start ({self.start})")
        seconds = self.chunk_h * 3600
        if abs(seconds - round(seconds)) > 1e-6 or seconds < 1:
            raise ValueError(f"chunk_h ({self.chunk_h}) must be a whole number of seconds")
        return self

    def chunks(self) -> list[Span]:
        """The chunks of the run in order of time."""
        span = Span(to_ns(self.start), to_ns(self.end))
        return split(span, round(self.chunk_h * 3600))

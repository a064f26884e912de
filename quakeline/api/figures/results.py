"""What figures are drawn from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import obspy
    import pandas as pd


class Results(Protocol):
    """A finished run, as `quakeline.api.finished.FinishedRun` is one."""

    folder: Path

    @property
    def events(self) -> pd.DataFrame:
        """EVENTS."""

    @property
    def arrivals(self) -> pd.DataFrame:
        """ARRIVALS."""

    @property
    def picks(self) -> pd.DataFrame:
        """PICKS."""

    @property
    def stations(self) -> pd.DataFrame:
        """STATIONS."""

    def event(self, given: str | int) -> pd.Series[Any]:
        """The row of an event, by its id or number."""

    def arrivals_of(self, given: str | int) -> pd.DataFrame:
        """Arrivals of an event with the columns of their picks."""

    def stream(
        self, event: str | int, before_s: float = 5.0, after_s: float = 20.0
    ) -> obspy.Stream:
        """Kept waveforms of an event."""

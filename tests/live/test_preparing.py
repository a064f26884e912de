"""Which channels of an instrument are used is found once for all stations that have the same."""

from __future__ import annotations

import obspy
import pytest

from quakeline.core.timeline import Span
from quakeline.live.preparing import Choice
from quakeline.waveforms.preparation.components import Preparer
from quakeline.waveforms.preparation.settings import Response


@pytest.fixture
def preparer() -> Preparer:
    return Preparer(Span(0, 0), 2.0, 100.0, 1.0, Response(), obspy.Inventory())


def rates(station: str, letters: str, rate_hz: float = 100.0) -> dict[tuple[str, ...], float]:
    return {("XX", station, "", f"HH{letter}"): rate_hz for letter in letters}


def test_stations_alike_are_chosen_once(preparer, monkeypatch):
    asked, instruments = [], Preparer.instruments

    def counted(self, rows, wanted):
        asked.append(list(rows["channel"]))
        return instruments(self, rows, wanted)

    monkeypatch.setattr(Preparer, "instruments", counted)
    choice = Choice(preparer)
    for number in range(500):
        used, others = choice.of(rates(f"S{number}", "NZE"))
        assert used == ["HHE", "HHN", "HHZ"]
        assert others == []
    assert asked == [["HHN", "HHZ", "HHE"]]


@pytest.mark.parametrize(
    ("letters", "rate_hz", "used", "unused"),
    [("ZNER", 100.0, 3, 1), ("Z12", 100.0, 3, 0), ("ZNE", 1.0, 0, 3), ("Z", 200.0, 1, 0)],
)
def test_channels_are_those_of_archives(preparer, letters, rate_hz, used, unused):
    choice = Choice(preparer)
    choice.of(rates("S1", "ZNE"))
    found, others = choice.of(rates("S2", letters, rate_hz))
    assert len(found) == used
    assert len(others) == unused

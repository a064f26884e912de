"""Which channels are axes of seismometers, by the letters that people have."""

from __future__ import annotations

import pytest

from quakeline.waveforms.preparation.orientation import is_seismic


@pytest.mark.parametrize(
    "channel", ["HHZ", "BHN", "EH1", "HH2", "HLX", "HLY", "HNX", "BHR", "BHT", "HH4", "HH9", "HHU"]
)
def test_axes_of_seismometers(channel: str) -> None:
    assert is_seismic(channel)


@pytest.mark.parametrize("channel", ["LDI", "HDF", "LKO", "VM1X", "HHO", "BDX", ""])
def test_other_channels(channel: str) -> None:
    assert not is_seismic(channel)

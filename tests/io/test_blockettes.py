"""Timing quality of miniSEED records, against obspy's record by record."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from obspy.io.mseed.util import get_flags
from recordings import OBSPY, trace, write

from quakeline.io.blockettes import timing_quality

DATA = OBSPY / "io/mseed/tests/data"


@pytest.mark.parametrize("name", ["timingquality.mseed", "gaps.mseed"])
def test_the_same_as_obspy(name: str) -> None:
    theirs = get_flags([str(DATA / name)])["timing_quality"].get("all_values", np.empty(0))
    values = [np.repeat(np.arange(101), n) for n in timing_quality(DATA / name).values()]
    ours = np.concatenate([*values, np.empty(0)])
    np.testing.assert_array_equal(np.sort(ours), np.sort(np.asarray(theirs)))
    assert len(ours) > 0 or name != "timingquality.mseed"


def test_channels_of_one_file_apart(tmp_path: Path) -> None:
    first = (DATA / "timingquality.mseed").read_bytes()
    other = write([trace("XX.A..HHZ", 0, np.arange(400, dtype="i4"))], tmp_path / "b", reclen=512)
    (tmp_path / "a").write_bytes(first + other.read_bytes())
    assert set(timing_quality(tmp_path / "a")) == set(timing_quality(DATA / "timingquality.mseed"))


def test_every_file_of_obspy_has_an_answer() -> None:
    found = 0
    for path in DATA.rglob("*"):
        if path.is_file():
            found += bool(timing_quality(path))
    assert found >= 5


@pytest.mark.parametrize("content", [b"", b"x", b"000001D " + b"\xff" * 300, bytes(5000)])
def test_other_content_has_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    assert timing_quality(tmp_path / "a") == {}

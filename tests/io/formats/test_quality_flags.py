"""Quality of miniSEED records, against obspy's record by record."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from obspy.io.mseed.util import get_flags
from recordings import OBSPY, trace, write

from quakeline.io.formats.quality_flags import records_of

DATA = OBSPY / "io/mseed/tests/data"


@pytest.mark.parametrize("name", ["timingquality.mseed", "gaps.mseed"])
def test_timing_is_that_of_obspy(name: str) -> None:
    theirs = get_flags([str(DATA / name)])["timing_quality"].get("all_values", np.empty(0))
    values = [np.repeat(np.arange(101), one.timing) for one in records_of(DATA / name).values()]
    ours = np.concatenate([*values, np.empty(0)])
    np.testing.assert_array_equal(np.sort(ours), np.sort(np.asarray(theirs)))
    assert len(ours) > 0 or name != "timingquality.mseed"


@pytest.mark.parametrize("name", ["qualityflags.mseed", "timingquality.mseed"])
def test_flags_are_those_of_obspy(name: str) -> None:
    theirs = get_flags([str(DATA / name)])
    (ours,) = records_of(DATA / name).values()
    assert ours.count == theirs["record_count"]
    assert ours.flags.tolist() == list(theirs["data_quality_flags_counts"].values())
    assert ours.flags.any() == (name == "qualityflags.mseed")


def test_channels_of_one_file_apart(tmp_path: Path) -> None:
    first = (DATA / "timingquality.mseed").read_bytes()
    other = write([trace("XX.A..HHZ", 0, np.arange(400, dtype="i4"))], tmp_path / "b", reclen=512)
    (tmp_path / "a").write_bytes(first + other.read_bytes())
    found = records_of(tmp_path / "a")
    assert set(found) == {*records_of(DATA / "timingquality.mseed"), "XX.A..HHZ"}
    assert found["XX.A..HHZ"].count == len(other.read_bytes()) // 512
    assert not found["XX.A..HHZ"].timing[1:].any()


def test_every_file_of_obspy_has_an_answer() -> None:
    found = 0
    for path in DATA.rglob("*"):
        if path.is_file():
            found += bool(records_of(path))
    assert found >= 5


@pytest.mark.parametrize("content", [b"", b"x", b"000001D " + b"\xff" * 300, bytes(5000)])
def test_other_content_has_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    assert records_of(tmp_path / "a") == {}

"""The recording of a fibre: what joins, what is left out, what is a gap."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from das_files import RATE, SPAN, START, write

from quakeline.core.reasons import Code, Reason, text_of
from quakeline.core.timeline import SECOND
from quakeline.fibres.recordings.description import AutoFormat
from quakeline.fibres.recordings.recording import Recording, SurveyedFile, runs, survey

FIRST = START * RATE // SECOND
DATA = np.random.default_rng(3).normal(size=(3000, 6)).astype(np.float32)


def surveyed(folder: Path) -> dict[str, SurveyedFile]:
    return {i.path.stem: i for i in survey(sorted(folder.glob("*.nc")), AutoFormat(), SPAN)}


def recording(found: dict[str, SurveyedFile], rate: float = RATE, n: int = 6) -> Recording:
    parts = [item.stretch for item in found.values() if item.status == "data" and item.stretch]
    return Recording(runs(parts), np.arange(n), rate)


def test_files_join_to_one_virtual_array(tmp_path: Path) -> None:
    for k in range(3):
        write(tmp_path, f"m{k}", DATA[k * 1000 : (k + 1) * 1000], k * 1000)
    made = recording(surveyed(tmp_path))
    (run,) = made.runs
    assert run.n_samples == 3000
    assert not isinstance(run.array.data, np.ndarray)
    assert np.array_equal(made.read(FIRST, FIRST + 3000), DATA)
    assert made.found == []


def test_an_overlap_keeps_the_earlier_samples_and_a_gap_stays(tmp_path: Path) -> None:
    write(tmp_path, "m0", DATA[:1100], 0)
    write(tmp_path, "m1", -DATA[1000:2000], 1000)
    write(tmp_path, "m3", DATA[2500:], 2500)
    write(tmp_path, "twice", DATA[2600:2700], 2600)
    found = surveyed(tmp_path)
    assert "begins 1 s before the end of the file before" in text_of(found["m1"].reasons)
    assert found["twice"].status == "unused"
    assert found["twice"].reasons == (Reason.of(Code.SAME_TIME),)
    read = recording(found).read(FIRST - 10, FIRST + 3010)
    assert np.array_equal(read[10:1110], DATA[:1100])
    assert np.array_equal(read[1110:2010], -DATA[1100:2000])
    empty = np.isnan(read).all(axis=1)
    assert np.flatnonzero(empty).tolist() == [*range(10), *range(2010, 2510), *range(3010, 3020)]
    assert not np.isnan(read[~empty]).any()


def test_files_with_other_channels_are_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path, "m0", DATA[:1000], 0)
    write(tmp_path, "m1", DATA[1000:2000], 1000)
    write(tmp_path, "wide", np.ones((500, 9), np.float32), 2000)
    (tmp_path / "broken.nc").write_bytes(b"nothing")
    found = surveyed(tmp_path)
    assert found["wide"].status == "unused"
    assert found["wide"].reasons == (Reason.of(Code.OTHER_CHANNELS, own=9, most=6),)
    assert found["broken"].status == "unreadable"


def test_silent_nan_of_a_missing_member_is_a_gap_and_told(tmp_path: Path) -> None:
    import xdas

    parts = tmp_path / "parts"
    parts.mkdir()
    for k in range(3):
        write(parts, f"m{k}", DATA[k * 1000 : (k + 1) * 1000], k * 1000)
    joined = xdas.open_mfdataarray(str(parts / "m*.nc"))
    joined.to_netcdf(str(tmp_path / "all.nc"), virtual=True)
    (parts / "m1.nc").unlink()
    found = surveyed(tmp_path)
    (missing,) = found["all"].reasons
    assert missing.code is Code.MEMBERS_MISSING
    made = recording(found)
    empty = np.isnan(made.read(FIRST, FIRST + 3000)).all(axis=1)
    assert np.flatnonzero(empty).tolist() == list(range(1000, 2000))
    assert made.found == [Reason.of(Code.EMPTY_SAMPLES, 1000)]


def test_a_file_that_vanishes_while_reading_is_a_gap_and_told(tmp_path: Path) -> None:
    path = write(tmp_path, "m0", DATA[:1000], 0)
    made = recording(surveyed(tmp_path))
    path.unlink()
    read = made.read(FIRST, FIRST + 1000)
    assert np.isnan(read).all()
    assert {one.code for one in made.found} == {Code.MEMBER_ABSENT, Code.EMPTY_SAMPLES}


def test_single_values_that_are_not_finite_and_dead_channels(tmp_path: Path) -> None:
    data = DATA[:1000].copy()
    data[:, 4] = 7
    data[300, 2] = np.inf
    write(tmp_path, "m0", data)
    made = recording(surveyed(tmp_path))
    read = made.read(FIRST, FIRST + 1000)
    assert np.isfinite(read).all()
    assert read[300, 2] == 0
    assert np.flatnonzero(~made.changed).tolist() == [4]
    assert made.found == [Reason.of(Code.ZEROED, 1)]


def test_resampling_does_not_depend_on_the_cuts(tmp_path: Path) -> None:
    for k in range(3):
        write(tmp_path, f"m{k}", DATA[k * 1000 : (k + 1) * 1000], k * 1000)
    made = recording(surveyed(tmp_path), rate=40.0)
    first = START * 40 // SECOND
    whole = made.read(first, first + 1200)
    pieces = [made.read(first + k, first + k + 300) for k in range(0, 1200, 300)]
    assert np.array_equal(np.concatenate(pieces), whole, equal_nan=True)
    assert np.isfinite(whole).all()


def test_a_member_of_integers_that_is_gone_is_a_gap_and_told(tmp_path: Path) -> None:
    """Xdas fills it with the smallest number of the type."""
    counts = (1000 * DATA).astype(np.int32)
    for k in range(3):
        write(tmp_path, f"m{k}", counts[k * 1000 : (k + 1) * 1000], k * 1000)
    made = recording(surveyed(tmp_path))
    (tmp_path / "m1.nc").unlink()
    read = made.read(FIRST, FIRST + 3000)
    assert np.flatnonzero(np.isnan(read).all(axis=1)).tolist() == list(range(1000, 2000))
    assert np.array_equal(read[2000:], counts[2000:].astype(np.float32))
    assert Reason.of(Code.MEMBER_ABSENT, path=str(tmp_path / "m1.nc")) in made.found

"""miniSEED through pymseed: the same as obspy on every file that obspy's own tests have."""

from __future__ import annotations

import warnings
from pathlib import Path

import archives
import numpy as np
import obspy
import pytest
from recordings import OBSPY, record, trace, write

from quakeline.core.errors import DataError
from quakeline.core.reasons import text_of
from quakeline.core.timeline import SECOND
from quakeline.io.formats import miniseed
from quakeline.io.formats.damaged_miniseed import missing
from quakeline.io.formats.waveform_files import read_headers, read_stream

FIXTURES = sorted(
    {path for path in OBSPY.glob("io/mseed/tests/data/**/*") if path.is_file()}
    | set(OBSPY.glob("**/tests/data/**/*.mseed"))
)
#: obspy warns of these, and both read the same samples.
WARNED = {"endiantest.be-header.le-data.mseed", "endiantest.le-header.be-data.mseed"} | {
    "record_with_invalid_word_order.mseed"
}
#: A record without samples, which obspy makes a trace of its own.
EMPTY_RECORD = "three_records_zero_data_in_middle.mseed"
#: obspy raises an error for these.
BEYOND_OBSPY = {"invalid-blockette-offset.mseed", "infinite-loop.mseed"}


def by_obspy(path, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        stream = obspy.read(str(path), format="MSEED", **options)
    return stream, [str(one.message) for one in caught]


def ordered(stream):
    full = [one for one in stream if one.stats.npts]
    return sorted(full, key=lambda one: (one.id, one.stats.starttime.ns))


def assert_same(ours, theirs, headonly=False):
    ours, theirs = ordered(ours), ordered(theirs)
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert one.id == other.id
        for name in ("starttime", "npts", "sampling_rate"):
            assert one.stats[name] == other.stats[name], name
        for name in ("number_of_records", "encoding", "record_length", "filesize"):
            assert one.stats.mseed.get(name) == other.stats.mseed.get(name), name
        if not headonly:
            assert one.data.dtype == other.data.dtype
            np.testing.assert_array_equal(one.data, other.data)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.name)
@pytest.mark.parametrize("headonly", [False, True])
def test_the_same_as_obspy_or_left_to_it(path: Path, headonly: bool) -> None:
    try:
        ours = miniseed.read(path, headonly=headonly)
    except miniseed.Unusual:
        return
    if path.name in BEYOND_OBSPY:
        return
    theirs, said = by_obspy(path, headonly=headonly)
    assert not said or path.name in WARNED
    if path.name == EMPTY_RECORD:
        for one in [*ours, *theirs]:
            del one.stats.mseed["number_of_records"]
    else:
        assert missing(ours, path) == ()
    assert_same(ours, theirs, headonly)


def test_most_files_are_not_left_to_obspy() -> None:
    """Or the test above would prove nothing."""
    taken = 0
    for path in FIXTURES:
        try:
            taken += len(miniseed.read(path, headonly=True)) > 0
        except miniseed.Unusual:
            continue
    assert taken >= 60


@pytest.mark.parametrize("headonly", [False, True])
def test_real_recordings_of_a_temporary_network(shared: Path, headonly: bool) -> None:
    paths = sorted((shared / "data/hengill").glob("*.mseed"))
    assert len(paths) == 60
    for path in paths:
        theirs, said = by_obspy(path, headonly=headonly)
        assert not said
        assert_same(miniseed.read(path, headonly=headonly), theirs, headonly)


@pytest.mark.parametrize("encoding", ["STEIM1", "STEIM2", "INT32", "FLOAT32", "FLOAT64"])
@pytest.mark.parametrize("length", [256, 512, 4096])
def test_spans_gaps_and_encodings(tmp_path: Path, encoding: str, length: int) -> None:
    kind = {"FLOAT32": "f4", "FLOAT64": "f8"}.get(encoding, "i4")
    rng = np.random.default_rng(1)
    pieces = [
        trace("XX.AAA.00.HHZ", f"2020-05-01T00:{minute:02d}:00.0037", samples.astype(kind))
        for minute in (0, 2, 3)
        if (samples := rng.integers(-9999, 9999, 6000)).size
    ]
    path = write(pieces, tmp_path / "a.mseed", reclen=length, encoding=encoding)
    assert_same(miniseed.read(path), by_obspy(path)[0])
    start = obspy.UTCDateTime("2020-05-01T00:00:31.111")
    for seconds in (0.004, 10, 120, 1000):
        span = {"starttime": start, "endtime": start + seconds}
        ours, theirs = miniseed.read(path, **span), by_obspy(path)[0].trim(**span)
        for one, other in zip(ordered(ours), ordered(theirs), strict=True):
            assert one.stats.starttime == other.stats.starttime
            np.testing.assert_array_equal(one.data, other.data)


def test_the_order_of_records_makes_no_difference(tmp_path: Path) -> None:
    path = write([trace("XX.AAA..HHZ", 0, np.arange(50_000, dtype="i4"))], tmp_path / "a.mseed")
    content = path.read_bytes()
    length = miniseed.read(path)[0].stats.mseed["record_length"]
    records = [content[at : at + length] for at in range(0, len(content), length)]
    np.random.default_rng(0).shuffle(records)
    path.write_bytes(b"".join(records))
    merged = miniseed.read(path).merge(method=1)
    assert len(merged) == 1
    np.testing.assert_array_equal(merged[0].data, np.arange(50_000))


def test_overlapping_records_are_left_to_obspy(tmp_path: Path) -> None:
    pieces = [trace("XX.AAA..HHZ", at * 10**9, np.arange(1000, dtype="i4")) for at in (0, 5)]
    path = write(pieces, tmp_path / "a.mseed")
    with pytest.raises(miniseed.Unusual, match="overlap"):
        miniseed.read(path)
    assert_same(read_stream(path)[0], by_obspy(path)[0])


def test_damaged_samples_are_left_to_obspy(tmp_path: Path) -> None:
    path = archives.write(archives.recordings("UH1.SHZ")[0], tmp_path)
    archives.scratch(path, 3)
    with pytest.raises(miniseed.Unusual):
        miniseed.read(path)
    words = "cannot be decoded and became gaps"
    assert words in text_of(read_stream(path)[1])


@pytest.mark.parametrize(
    "content", [b"", b"x", b"000001D " + b"\xff" * 300, b"MS\x04" + bytes(200)]
)
def test_what_is_no_miniseed_is_left_to_obspy(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(miniseed.Unusual):
        miniseed.read(tmp_path / "a")


def test_miniseed_3_is_read(tmp_path: Path) -> None:
    """Which obspy 1.5 does not."""
    from pymseed import DataEncoding, MS3TraceList, nslc2sourceid

    samples = np.arange(1000, dtype=np.int32)
    listed = MS3TraceList()
    listed.add_data(
        sourceid=nslc2sourceid("XX", "AAA", "00", "HHZ"),
        data_samples=samples,
        sample_type="i",
        sample_rate=100.0,
        starttime_str="2020-05-01T00:00:00Z",
    )
    path = tmp_path / "a.mseed3"
    listed.to_file(path, format_version=3, encoding=DataEncoding.STEIM2)
    assert path.read_bytes()[:3] == b"MS\x03"
    (one,) = read_stream(path)[0]
    assert one.id == "XX.AAA.00.HHZ"
    np.testing.assert_array_equal(one.data, samples)


def test_records_of_miniseed_3_have_the_length_that_they_need(tmp_path: Path) -> None:
    whole = b"".join(record(20 * n * SECOND, 200 * n, 3, flagged=n == 1) for n in range(3))
    path = tmp_path / "a.mseed3"
    path.write_bytes(whole)
    assert [header.n_samples for header in read_headers(path)] == [600]
    assert read_headers(path)[0].notes == ()
    path.write_bytes(whole[:-100])
    (header,) = read_headers(path)
    assert header.n_samples == 400
    assert "ends in the middle of a record: 758 of its 2508 bytes" in text_of(header.notes)
    path.write_bytes(whole + bytes(64))
    with pytest.raises(DataError, match="miniSEED 3 that cannot be read"):
        read_headers(path)


def test_records_of_miniseed_3_may_overlap(tmp_path: Path) -> None:
    path = tmp_path / "a.mseed3"
    path.write_bytes(record(0, 0, 3) + record(15 * SECOND, 150, 3))
    stream, _ = read_stream(path)
    assert [one.data.tolist() for one in stream] == [list(range(200)), list(range(150, 350))]

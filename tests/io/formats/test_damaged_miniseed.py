"""Damaged miniSEED: what is missing is counted, and what can be read is read."""

from __future__ import annotations

from pathlib import Path

import archives
import numpy as np
import obspy
import pytest

from quakeline.core.errors import DataError
from quakeline.core.reasons import Code, Reason, text_of
from quakeline.io.formats.waveform_files import read_headers, read_stream


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return archives.write(archives.recordings("UH1.SHZ")[0], tmp_path)


def test_a_whole_file_has_no_notes(path: Path) -> None:
    assert [header.notes for header in read_headers(path)] == [()]
    assert read_stream(path)[1] == ()


@pytest.mark.parametrize(
    ("n_bytes", "said"),
    [
        (1, "ends in the middle of a record: 511 of its "),
        (300, "ends in the middle of a record: 212 of its "),
        (archives.RECORD, ""),
    ],
)
def test_a_cut_file(path: Path, n_bytes: int, said: str) -> None:
    """At a record's end nothing tells that records are missing."""
    archives.cut(path, n_bytes)
    (header,) = read_headers(path)
    assert said in text_of(header.notes)
    assert bool(said) == bool(header.notes)
    assert "readMSEEDBuffer" not in text_of([*header.notes, *read_stream(path)[1]])


def test_noise_between_records(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[1024:2560] = bytes(1536)
    path.write_bytes(content)
    (header,) = read_headers(path)
    assert header.notes == (Reason.of(Code.NO_RECORDS, lost=1536, size=17920),)


def test_records_of_different_lengths(path: Path) -> None:
    """Some digitizers change it; all bytes are records all the same, but for what is damaged."""
    trace = obspy.read(path)[0]
    halves = (
        trace.slice(endtime=trace.stats.starttime + 60),
        trace.slice(trace.stats.starttime + 60 + trace.stats.delta),
    )
    parts = []
    for half, length in zip(halves, (4096, 512), strict=True):
        half.write(str(path), "MSEED", reclen=length)
        parts.append(path.read_bytes())
    path.write_bytes(b"".join(parts))
    headers = read_headers(path)
    assert [header.notes for header in headers] == [()] * len(headers)
    path.write_bytes(parts[0] + bytes(1024) + parts[1])
    assert read_headers(path)[0].notes == (
        Reason.of(Code.NO_RECORDS, lost=1024, size=path.stat().st_size),
    )
    path.write_bytes(b"".join(parts)[:-100])
    assert read_headers(path)[0].notes == (
        Reason.of(Code.RECORD_CUT, lost=412, size=path.stat().st_size),
    )


def test_records_that_cannot_be_decoded_are_left_out(path: Path) -> None:
    whole = obspy.read(path)[0]
    for record in (3, 20):
        archives.scratch(path, record)
    stream, notes = read_stream(path)
    assert notes[0] == Reason.of(Code.RECORDS_DAMAGED, 2)
    assert stream.merge()[0].stats.npts == whole.stats.npts
    lost = np.ma.getmaskarray(stream[0].data)
    assert 0 < lost.sum() < 1000
    same = np.ma.getdata(stream[0].data)[~lost] == whole.data[~lost]
    assert same.mean() > 0.999


def test_only_damage_in_the_asked_span_is_said(path: Path) -> None:
    archives.scratch(path, 25)
    span = {"starttime": archives.FIRST + 10, "endtime": archives.FIRST + 30}
    stream, notes = read_stream(path, **span)
    assert notes == ()
    assert stream[0].stats.endtime - stream[0].stats.starttime == pytest.approx(20, abs=0.1)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"see the other disk", "not a format that obspy reads"),
        (bytes(5000), "not a format that obspy reads"),
    ],
)
def test_files_that_are_no_waveforms(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "a.mseed"
    path.write_bytes(content)
    with pytest.raises(DataError, match=reason):
        read_headers(path)


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be opened: No such file or directory"):
        read_headers(tmp_path / "gone")


@pytest.mark.parametrize(("claimed", "true"), [(100, 50), (25, 50), (51, 50)])
def test_a_header_with_a_wrong_rate(path: Path, claimed: int, true: int) -> None:
    archives.claim_rate(path, claimed)
    (header,) = read_headers(path)
    assert f"is {claimed} Hz, but the times of its 35 records imply {true} Hz" in str(
        header.problem
    )


@pytest.mark.parametrize("rate", [0, 20_000])
def test_a_header_with_an_impossible_rate(path: Path, rate: int) -> None:
    archives.claim_rate(path, rate)
    (header,) = read_headers(path)
    assert str(header.problem) == f"the header's sampling rate is {rate} Hz; allowed: 0.01 to 10000"

from io import BytesIO
from pathlib import Path

import numpy as np
import obspy
import pytest
from recordings import OBSPY, trace, write

from quakeline.core.errors import DataError
from quakeline.core.reasons import text_of
from quakeline.io.formats.waveform_files import read_headers, read_stream

START = "2020-05-01T00:00:00"


def counts(n, seed=0):
    return np.random.default_rng(seed).integers(-5000, 5000, n).astype("i4")


def records(path, header_hz, true_hz, n=50, lengths=(390, 400, 410)):
    """One miniSEED record after the other, with times of another rate than headers name."""
    content, done = b"", 0
    for k in range(n):
        length = lengths[k % len(lengths)]
        start = obspy.UTCDateTime(START) + done / true_hz
        piece = trace("XX.AAA..HHZ", start.ns, counts(length, k), header_hz)
        done += length
        buffer = BytesIO()
        piece.write(buffer, format="MSEED", reclen=2048)
        content += buffer.getvalue()
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(("header_hz", "true_hz"), [(100, 50), (50, 100), (100, 99), (100, 101)])
def test_records_that_imply_another_rate_than_their_headers_are_refused(
    tmp_path, header_hz, true_hz
):
    (header,) = read_headers(records(tmp_path / "a.mseed", header_hz, true_hz))
    assert str(header.problem) == (
        f"the header's sampling rate is {header_hz} Hz, but the times of its 50 records imply"
        f" {true_hz} Hz"
    )


def test_records_whose_times_fit_their_rate_are_one_piece(tmp_path):
    (header,) = read_headers(records(tmp_path / "a.mseed", 100, 100, lengths=(400,)))
    assert (header.problem, header.notes, header.n_samples) == (None, (), 20_000)
    assert header.rate_hz == 100.0
    assert header.end_ns - header.start_ns == 199_990_000_000


@pytest.mark.parametrize(("fragment", "true_hz"), [(400, 50), (7, 700 / 9)])
def test_fragments_of_a_record_each_are_data_with_gaps(tmp_path, fragment, true_hz):
    path = records(tmp_path / "a.mseed", 100, true_hz, lengths=(fragment,))
    (header,) = read_headers(path)
    assert header.problem is None
    assert header.n_samples == 50 * fragment
    assert text_of(header.notes) == (
        "the header's sampling rate is 100 Hz and is used: its 50 records are fragments with gaps"
        f" between them; without gaps they would imply {true_hz:.4g} Hz"
    )


def test_recording_in_turns_is_no_wrong_rate(tmp_path):
    """A minute in every five, as campaigns save power: 20 Hz on average, but 100 Hz it is."""
    start = obspy.UTCDateTime(START)
    pieces = [trace("XX.AAA..HHZ", (start + 300 * k).ns, counts(6000, k)) for k in range(8)]
    (header,) = read_headers(write(pieces, tmp_path / "a.mseed", reclen=512))
    assert header.problem is None
    assert header.n_samples == 48_000


def test_real_gaps_and_overlaps_are_no_wrong_rate():
    for name in ("gaps.mseed", "qualityflags.mseed"):
        (header,) = read_headers(OBSPY / "io/mseed/tests/data" / name)
        assert header.problem is None
        assert (header.network, header.station, header.channel) == ("BW", "BGLD", "EHE")
    assert header.n_samples == 18 * 412


def test_every_channel_of_a_file_has_its_header(tmp_path):
    pieces = [
        trace("XX.AAA.00.HHZ", START, counts(1000)),
        trace("XX.AAA.00.HHN", START, counts(1000)),
        trace("XX.BBB..EHZ", "2020-05-01T00:01:00", counts(500), 50.0),
        trace("XX.AAA.00.HHZ", "2020-05-01T00:02:00", counts(1000)),
    ]
    headers = read_headers(write(pieces, tmp_path / "a.mseed"))
    names = [f"{h.network}.{h.station}.{h.location}.{h.channel}" for h in headers]
    assert names == ["XX.AAA.00.HHN", "XX.AAA.00.HHZ", "XX.BBB..EHZ"]
    assert [h.n_samples for h in headers] == [1000, 2000, 500]
    assert [h.rate_hz for h in headers] == [100.0, 100.0, 50.0]
    assert headers[1].end_ns - headers[1].start_ns == 129_990_000_000


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"station": ""}, "the header has no station code"),
        ({"channel": ""}, "the header has no channel code"),
        (
            {"sampling_rate": 0.001},
            r"the header's sampling rate is 0.001 Hz; allowed: 0.01 to 10000",
        ),
    ],
)
def test_headers_that_say_too_little(tmp_path, changes, problem):
    piece = trace("XX.AAA..HHZ", START, counts(1000).astype("f8"))
    piece.stats.update(changes)
    piece.write(str(tmp_path / "a.slist"), format="SLIST")
    (header,) = read_headers(tmp_path / "a.slist")
    assert str(header.problem) == problem


def damaged(tmp_path, content):
    path = tmp_path / "a.mseed"
    path.write_bytes(content)
    return path


def whole(tmp_path):
    return write([trace("XX.AAA..HHZ", START, counts(20_000))], tmp_path / "w.mseed").read_bytes()


@pytest.mark.parametrize(
    ("keep", "message"),
    [(0, "the file is empty"), (100, "cannot be read"), (3000, "no complete record")],
)
def test_less_than_one_record_cannot_be_read(tmp_path, keep, message):
    with pytest.raises(DataError, match=message):
        read_headers(damaged(tmp_path, whole(tmp_path)[:keep]))


@pytest.mark.parametrize("missing", [1, 100, 1000, 4000])
def test_a_file_that_ends_in_the_middle_of_a_record_says_so(tmp_path, missing):
    (header,) = read_headers(damaged(tmp_path, whole(tmp_path)[:-missing]))
    assert "ends in the middle of a record" in text_of(header.notes)
    assert 15_000 < header.n_samples < 20_000


@pytest.mark.parametrize("content", [b"<html>login</html>" * 50, b"\x00" * 5000, b"text\n" * 999])
def test_other_content_is_no_format_of_obspy(tmp_path, content):
    with pytest.raises(DataError) as caught:
        read_headers(damaged(tmp_path, content))
    assert "\n" not in str(caught.value)


def test_names_with_wildcards_are_names(tmp_path):
    folder = tmp_path / "da[1]ta*"
    path = write([trace("XX.AAA..HHZ", START, counts(1000))], folder / "x?.mseed")
    (header,) = read_headers(path)
    assert header.n_samples == 1000


def test_a_span_without_samples_is_an_empty_stream(tmp_path):
    path = write([trace("XX.AAA..HHZ", START, counts(1000))], tmp_path / "a.mseed")
    later = obspy.UTCDateTime(START) + 3600
    stream, _ = read_stream(path, starttime=later, endtime=later + 60)
    assert len(stream) == 0


@pytest.mark.parametrize(
    "name",
    [
        "signal/tests/data/BW.UH1._.SHZ.D.2010.147.cut.slist.gz",
        "io/sac/tests/data/test.sac",
        "io/gse2/tests/data/loc_RJOB20050831023349.z",
        "io/seisan/tests/data/9701-30-1048-54S.MVO_21_1",
    ],
)
def test_other_formats_of_obspy(name):
    headers = read_headers(OBSPY / name)
    assert headers
    for header in headers:
        assert header.n_samples > 0
        assert header.end_ns > header.start_ns
    if "MVO" in name:
        assert {round(header.rate_hz, 2) for header in headers} == {75.19}
        assert len({header.station for header in headers}) == 8


@pytest.mark.parametrize(
    ("head", "kind"), [(b"\x89HDF\r\n\x1a\n", "HDF5"), (b"TDSm", "TDMS"), (b"TDS", None)]
)
def test_a_file_that_may_be_of_a_fibre_is_pointed_to_its_option(
    tmp_path: Path, head: bytes, kind: str | None
) -> None:
    path = tmp_path / "a"
    path.write_bytes(head + bytes(2000))
    with pytest.raises(DataError) as raised:
        read_stream(path)
    said = f", but {kind}: if it is of a fibre (DAS), quakeline init --fibre" if kind else ""
    assert str(raised.value) == f"not a format that obspy reads{said}"

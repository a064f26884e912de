"""Components of instruments from real and made records."""

import numpy as np
import obspy
import pytest
from components import BEGIN, START, TABLE, from_traces, noise, only, prepared, span_of
from recordings import HEADER, OBSPY, UNTERHACHING, Pipeline, trace, write

from quakeline.core.schemas import MANIFEST
from quakeline.core.timeline import SECOND
from quakeline.io.products import tables
from quakeline.io.products.remarks import gather
from quakeline.signal.gaps import runs_of
from quakeline.workflow.stages import prepare


def test_the_demo_recordings(tmp_path):
    """UH1 to UH3 at 50 Hz, 2 microseconds early; UH4 at 100 Hz, 1 microsecond late."""
    span = span_of("2010-05-27T16:24:00", 240)
    table = f"{HEADER}\n" + "".join(f"BW,UH{n},48.0{n},11.6,400\n" for n in (1, 2, 3, 4))
    pipeline = Pipeline(tmp_path, [str(path) for path in UNTERHACHING], table)
    pipeline.prepared(span)
    waves = pipeline.waveforms(span)
    assert waves.instruments == ["BW.UH1..SH", "BW.UH2..SH", "BW.UH3..SH", "BW.UH4..EH"]
    assert waves.components == ["Z", "N", "E"]
    assert waves.data.shape == (4, 3, 36_000)
    assert waves.start_ns == span.start_ns - 60 * SECOND
    assert set(waves.units.values()) == {"counts"}
    live = waves.valid.any(axis=-1)
    assert live.tolist() == [[1, 0, 0], [1, 0, 0], [1, 1, 1], [1, 0, 0]]
    raw = obspy.read(next(str(path) for path in UNTERHACHING if "UH3._.SHZ" in path.name))[0]
    data, valid = waves.of_channel("BW.UH3..SH", "Z")
    first = waves.index(raw.stats.starttime.ns + 2000)
    assert runs_of(valid).tolist() == [[first, first + 2 * raw.stats.npts - 1]]
    on_grid = data[first : first + 2 * raw.stats.npts : 2]
    assert np.abs(on_grid - raw.data)[50:-50].max() < 1e-3 * np.abs(raw.data).max()
    coverage = pipeline.coverage(span)
    assert coverage["coverage"].between(0.95, 0.97).all()
    assert coverage.groupby("station")["component"].agg("".join).tolist() == ["Z", "Z", "ENZ", "Z"]
    assert coverage["input_rate_hz"].tolist() == [50.0] * 5 + [100.0]


def test_gaps_of_a_real_file_stay_gaps(tmp_path):
    path = OBSPY / "io/mseed/tests/data/gaps.mseed"
    span = span_of("2008-01-01T00:00:00", 60)
    waves, coverage = prepared(tmp_path, [path], span)
    data, valid = waves.of_channel("BW.BGLD..EH", "E")
    expected = np.zeros(len(valid), bool)
    for part in obspy.read(str(path)):
        first, last = (
            (time.ns - waves.start_ns) / 10_000_000
            for time in (part.stats.starttime, part.stats.endtime)
        )
        expected[int(np.ceil(first - 1e-3)) : max(int(np.floor(last + 1e-3)) + 1, 0)] = True
    assert np.array_equal(valid, expected)
    assert not data[~valid].any()
    row = only(coverage, "E")
    assert (row["n_gaps"], row["channels"], row["status"]) == (3, "EHE", "used")
    assert row["longest_gap_s"] == pytest.approx(4.12, abs=0.011)
    chunk = expected[waves.index("2008-01-01T00:00:00") :][:6000]
    assert row["coverage"] == chunk.mean() == pytest.approx(0.8627, abs=1e-3)
    assert "no component Z, N: zeros for the network" in row["notes"]


def test_equal_overlaps_of_a_real_file_merge(tmp_path):
    path = OBSPY / "io/mseed/tests/data/qualityflags.mseed"
    waves, coverage = prepared(tmp_path, [path], span_of("2007-12-31T23:59:59", 3))
    _, valid = waves.of_channel("BW.BGLD..EH", "E")
    assert (only(coverage, "E")["n_gaps"], valid.sum()) == (0, 206)
    assert "overlap" not in only(coverage, "E")["notes"]


def test_channels_1_and_2_fill_the_horizontals_with_a_note(tmp_path):
    path = OBSPY / "core/tests/data/ffbx_unrotated_gaps.mseed"
    table = f"{HEADER}\nBW,FFB1,48,11,400\nBW,FFB2,48,11,400\nBW,FFB3,48,11,400\n"
    span = span_of("2016-03-11T11:34:44", 3)
    pipeline = Pipeline(tmp_path, [str(path)], table)
    pipeline.prepared(span)
    waves = pipeline.waveforms(span)
    assert waves.instruments == [f"BW.FFB{n}..{band}" for n in (1, 2, 3) for band in ("BH", "HH")]
    coverage = pipeline.coverage(span).set_index(["station", "channels"])
    assert coverage.loc[("FFB1", "BH1"), "component"] == "N"
    assert coverage.loc[("FFB1", "BH2"), "component"] == "E"
    assert "BH1 used as they are, without rotation" in coverage.loc[("FFB1", "BH1"), "notes"]
    # One sample of 40 Hz is missing: bridged; 1.2 s are missing: a gap.
    assert coverage.loc[("FFB1", "BH1"), "n_gaps"] == 0
    assert coverage.loc[("FFB1", "BH2"), "n_gaps"] == 1
    assert coverage.loc[("FFB1", "BH2"), "longest_gap_s"] == pytest.approx(1.2)


def test_equal_rates_on_the_grid_change_no_sample(tmp_path):
    counts = noise(60)
    waves, coverage = from_traces(tmp_path, [trace("XX.AAA..HHZ", START, counts)])
    data, valid = waves.of_channel("XX.AAA..HH", "Z")
    first = waves.index(START)
    assert np.array_equal(data[first : first + 6000], counts)
    assert runs_of(valid).tolist() == [[first, first + 6000]]
    row = only(coverage)
    assert (row["coverage"], row["n_gaps"], row["longest_gap_s"]) == (1.0, 0, 0.0)
    assert (row["units"], row["status"], row["input_rate_hz"]) == ("counts", "used", 100.0)
    assert row["notes"] == "response: none; no component N, E: zeros for the network"


@pytest.mark.parametrize(("rate", "late_ns"), [(50.0, 0), (200.0, 0), (100.0, 3_721_000)])
def test_rates_and_sub_sample_starts_come_to_the_grid(tmp_path, rate, late_ns):
    def wave(seconds):
        return 1e4 * np.sin(2 * np.pi * 5 * seconds)

    seconds = np.arange(round(60 * rate)) / rate + late_ns / SECOND
    waves, _ = from_traces(
        tmp_path, [trace("XX.AAA..HHZ", BEGIN + late_ns, wave(seconds).astype("f4"), rate)]
    )
    data, valid = waves.of_channel("XX.AAA..HH", "Z")
    first = waves.index(START)
    inner = slice(first + 100, first + 5900)
    assert valid[inner].all()
    assert np.abs(data[inner] - wave(np.arange(100, 5900) / 100)).max() < 5


def test_overlap_with_different_samples_is_a_gap_and_is_reported(tmp_path):
    first, second = noise(40), noise(40, seed=1) + 20_000
    second[:500] = first[2000:2500]
    pieces = [
        trace("XX.AAA..HHZ", START, first),
        trace("XX.AAA..HHZ", "2020-05-01T00:00:20", second),
    ]
    waves, coverage = from_traces(tmp_path, pieces)
    _, valid = waves.of_channel("XX.AAA..HH", "Z")
    at = waves.index(START)
    assert runs_of(valid).tolist() == [[at, at + 2500], [at + 4000, at + 6000]]
    assert "overlaps with different samples became gaps: 15.00 s" in only(coverage)["notes"]
    assert only(coverage)["coverage"] == pytest.approx(0.75)


def test_values_that_are_not_finite_are_gaps_and_are_reported(tmp_path):
    data = noise(60).astype("f4")
    data[1000:1100] = np.nan
    data[3000] = np.inf
    waves, coverage = from_traces(tmp_path, [trace("XX.AAA..HHZ", START, data)])
    stored, valid = waves.of_channel("XX.AAA..HH", "Z")
    first = waves.index(START)
    assert runs_of(valid).tolist() == [[first, first + 1000], [first + 1100, first + 6000]]
    assert np.isfinite(stored).all()
    assert stored[first + 3000] == pytest.approx((data[2999] + data[3001]) / 2)
    assert "101 samples are not finite: gaps" in only(coverage)["notes"]


@pytest.mark.parametrize("rate", [100.0, 50.0])
@pytest.mark.parametrize("value", [0, 1234])
def test_a_dead_channel_is_not_used(tmp_path, rate, value):
    dead = np.full(round(60 * rate), value, "i4")
    live = trace("XX.AAA..HHN", START, noise(60))
    waves, coverage = from_traces(tmp_path, [trace("XX.AAA..HHZ", START, dead, rate), live])
    assert not waves.of_channel("XX.AAA..HH", "Z")[1].any()
    row = only(coverage)
    assert (row["status"], row["coverage"]) == ("unused", 0.0)
    assert row["notes"].startswith(f"dead channel: every sample is {value}")
    assert only(coverage, "N")["status"] == "used"


def test_a_file_that_ends_in_the_middle_of_a_record(tmp_path):
    whole = write([trace("XX.AAA..HHZ", START, noise(60).astype("i4"))], tmp_path / "a.mseed")
    content = whole.read_bytes()
    whole.write_bytes(content[: len(content) // 4096 // 2 * 4096 + 4000])
    pipeline = Pipeline(tmp_path, [str(whole)], TABLE)
    span = span_of(START, 60)
    pipeline.prepared(span)
    row = pipeline.manifest(span).iloc[0]
    assert row["status"] == "data"
    assert row["reason"].startswith("the file ends in the middle of a record: 4000 of its ")
    assert 0.2 < only(pipeline.coverage(span))["coverage"] < 0.7


def test_a_chunk_without_data_gives_empty_valid_products(tmp_path):
    path = write([trace("XX.AAA..HHZ", "2020-06-01T00:00:00", noise(60))], tmp_path / "a.mseed")
    waves, coverage = prepared(tmp_path, [path], span_of(START, 60))
    assert waves.instruments == []
    assert waves.data.shape == (0, 3, 18_000)
    assert coverage.empty


def test_a_gap_that_spans_the_chunk_says_so(tmp_path):
    parts = [trace("XX.AAA..HHZ", time, noise(60)) for time in (START, "2020-05-01T01:00:00")]
    path = write(parts, tmp_path / "a.mseed")
    waves, coverage = prepared(tmp_path, [path], span_of("2020-05-01T00:30:00", 60))
    assert not waves.valid.any()
    assert only(coverage)["notes"] == "no data of this chunk"


@pytest.mark.parametrize("late_s", [-130, 130], ids=["before", "after"])
def test_data_in_what_is_read_around_a_chunk_alone_are_no_fault(tmp_path, late_s):
    """A minute of data that ends before the margins begin, with a step and a spike."""
    samples = noise(20)
    samples[500], samples[1000:] = 1e6, samples[1000:] + 1e5
    begin = obspy.UTCDateTime(START) + (60 if late_s > 0 else -20) + late_s
    path = write([trace("XX.AAA..HHZ", str(begin), samples)], tmp_path / "a.mseed")
    _, coverage = prepared(tmp_path, [path], span_of(START, 60))
    row = only(coverage)
    assert (row["status"], row["notes"]) == ("unused", "no data of this chunk")
    (remark,) = gather(tables.empty(MANIFEST).assign(chunk=""), coverage.assign(chunk="a"))
    assert remark.status == "no data"


def test_samples_that_are_not_finite_are_told(tmp_path):
    path = write([trace("XX.AAA..HHZ", START, np.full(6000, np.nan))], tmp_path / "a.mseed")
    _, coverage = prepared(tmp_path, [path], span_of(START, 60))
    assert only(coverage)["notes"].startswith("no usable samples in the chunk")


def test_a_file_that_vanished_or_broke_is_a_note(tmp_path):
    path = write([trace("XX.AAA..HHZ", START, noise(60))], tmp_path / "a.mseed")
    pipeline = Pipeline(tmp_path, [str(path)], TABLE)
    span = span_of(START, 60)
    pipeline.prepared(span)
    path.write_bytes(b"no longer miniSEED")
    prepare.run(
        prepare.Config(),
        chunk=span.id,
        margin_s=60.0,
        rate_hz=100.0,
        manifest=pipeline.manifest_path(span),
        stations=tmp_path / "stations.parquet",
        inventory=tmp_path / "stations.xml",
        waveforms=pipeline.waveforms_path(span),
        coverage=tmp_path / "coverage" / f"{span.id}.parquet",
    )
    row = only(pipeline.coverage(span))
    assert row["status"] == "unused"
    assert "not a format that obspy reads" in row["notes"]

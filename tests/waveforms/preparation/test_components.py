from itertools import pairwise

import numpy as np
import obspy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from obspy import UTCDateTime
from recordings import HEADER, OBSPY, UNTERHACHING, Pipeline, trace, write
from scipy.signal import butter, sosfiltfilt

from quakeline.core.schemas import MANIFEST
from quakeline.core.timeline import SECOND, Span, to_ns
from quakeline.io.formats.waveform_files import read_stream
from quakeline.io.products import tables
from quakeline.io.products.remarks import gather
from quakeline.signal.gaps import runs_of
from quakeline.signal.resample import reach_s
from quakeline.waveforms.preparation.settings import Response
from quakeline.workflow.stages import prepare

REACH_S = Response().reach_s
START = "2020-05-01T00:00:00"
BEGIN = UTCDateTime(START).ns
TABLE = (
    f"{HEADER}\nXX,AAA,48,11,400\nXX,BBB,48.1,11,400\nBW,BGLD,48,11,500\nBW,RJOB,47.7,12.8,860\n"
)


def span_of(start: str, seconds: float) -> Span:
    begin = UTCDateTime(start).ns
    return Span(begin, begin + round(seconds * SECOND))


def noise(seconds, rate=100.0, seed=0):
    return np.random.default_rng(seed).normal(0, 1000, round(seconds * rate)).round()


def prepared(folder, files, span, **options):
    pipeline = Pipeline(folder, [str(path) for path in files], TABLE, **options)
    pipeline.prepared(span)
    return pipeline.waveforms(span), pipeline.coverage(span)


def from_traces(folder, traces, seconds=60.0, **options):
    path = write(traces, folder / "raw.mseed")
    return prepared(folder, [path], span_of(START, seconds), **options)


def only(coverage, component="Z"):
    (row,) = coverage[coverage["component"] == component].to_dict("records")
    return row


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


def test_a_missing_component_is_said_and_stays_a_gap(tmp_path):
    traces = [trace(f"XX.AAA..HH{c}", START, noise(60, seed=n)) for n, c in enumerate("ZE")]
    waves, coverage = from_traces(tmp_path, traces)
    assert waves.valid.any(axis=-1).tolist() == [[True, False, True]]
    assert coverage["component"].tolist() == ["E", "Z"]
    assert coverage["notes"].str.contains("no component N: zeros for the network").all()


def test_two_instruments_of_one_station_are_two(tmp_path):
    traces = [
        trace(f"XX.AAA.00.{c}", START, noise(60, seed=n)) for n, c in enumerate(("HHZ", "HNZ"))
    ]
    waves, _ = from_traces(tmp_path, traces)
    assert waves.instruments == ["XX.AAA.00.HH", "XX.AAA.00.HN"]
    for row, seed in enumerate((0, 1)):
        first = waves.index(START)
        assert np.array_equal(waves.data[row, 0, first : first + 6000], noise(60, seed=seed))


def test_channels_that_are_not_wanted_or_unknown_say_why(tmp_path):
    codes = ("HHZ", "EHZ", "HDF")
    traces = [trace(f"XX.AAA..{c}", START, noise(60, seed=n)) for n, c in enumerate(codes)]
    config = prepare.Config(instruments=["HH"])
    waves, coverage = from_traces(tmp_path, traces, prepare_config=config)
    assert waves.instruments == ["XX.AAA..HH"]
    notes = coverage.set_index("channels")["notes"]
    assert notes["EHZ"] == "prepare.instruments names only HH"
    assert (
        notes["HDF"] == "the last letter of the channel code is none of Z, N, E, 1, 2, 3, U, V, W"
    )
    assert coverage.set_index("channels")["status"].to_dict() == {
        "HHZ": "used",
        "EHZ": "unused",
        "HDF": "unused",
    }


@pytest.mark.parametrize("letters", ["ZYX", "645", "978", "ZRT", "Z45"])
def test_axes_of_other_names_fill_the_components(tmp_path, letters):
    rows = [noise(60, seed=n) for n in range(3)]
    traces = [trace(f"XX.AAA..HL{c}", START, one) for c, one in zip(letters, rows, strict=True)]
    waves, coverage = from_traces(tmp_path, traces)
    assert waves.instruments == ["XX.AAA..HL"]
    first = waves.index(START)
    for row, samples in enumerate(rows):
        assert np.array_equal(waves.data[0, row, first : first + 6000], samples)
    notes = coverage.set_index("component")["notes"]
    assert notes[["N", "E"]].str.contains("used as they are, without rotation").all()


def test_turned_copies_beside_the_axes_are_not_used(tmp_path):
    rows = [noise(60, seed=n) for n in range(5)]
    traces = [trace(f"XX.AAA..HH{c}", START, one) for c, one in zip("ZNERT", rows, strict=True)]
    waves, coverage = from_traces(tmp_path, traces)
    first = waves.index(START)
    assert waves.valid[0, :, first : first + 6000].all()
    assert np.array_equal(waves.data[0, 1, first : first + 6000], rows[1])
    unused = coverage[coverage["status"] == "unused"].set_index("channels")["notes"]
    assert unused["HHR"] == unused["HHT"] == "the instrument's other channels give its components"


def test_temperatures_and_voltages_are_no_seismometers(tmp_path):
    codes = ("HHZ", "LDT", "VKA", "VE4")
    traces = [trace(f"XX.AAA..{c}", START, noise(60, seed=n)) for n, c in enumerate(codes)]
    waves, coverage = from_traces(tmp_path, traces)
    assert waves.instruments == ["XX.AAA..HH"]
    assert set(coverage[coverage["status"] == "unused"]["channels"]) == {"LDT", "VKA", "VE4"}


def test_files_of_knet_are_read(tmp_path):
    """A file of Akita; NIED states -15 s and Japan's time, which obspy takes off."""
    path = OBSPY / "io/nied/tests/data/test.knet"
    header = tmp_path / "akt013.UD"
    header.write_text(path.read_text().replace("E-W", "U-D", 1))
    borehole = tmp_path / "akt013.NS1"
    borehole.write_text(path.read_text().replace("E-W", "  1", 1))
    names = []
    for one in (path, header, borehole):
        (only,), _ = read_stream(one)
        names.append(only.id)
        assert only.stats.starttime == obspy.UTCDateTime("1996-08-10T18:12:24")
    assert names == ["BO.AKT013..HNE", "BO.AKT013..HNZ", "BO.AKT013.01.HNN"]


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


def in_files(folder, counts, cuts, late_ns, rate=100.0, name="p"):
    """One recording as several files, cut at sample numbers, overlapping by 3 s."""
    edges = [0, *sorted(cuts), len(counts)]
    files = []
    for n, (a, b) in enumerate(pairwise(edges)):
        a = max(a - round(3 * rate), 0)
        start = BEGIN - 120 * SECOND + late_ns + round(a * SECOND / rate)
        piece = trace("BW.RJOB..EHZ", start, counts[a:b].astype("f8"), rate)
        # Names turn the order of files around.
        files.append(write([piece], folder / f"{name}{99 - n}.mseed"))
    return files


@given(
    cuts=st.lists(st.integers(400, 28_000), max_size=5, unique=True),
    late_ns=st.sampled_from([0, 4_321_000]),
    rate=st.sampled_from([100.0, 62.5]),
)
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@pytest.mark.parametrize("remove", [False, True])
def test_file_boundaries_change_no_sample(tmp_path_factory, remove, cuts, late_ns, rate):
    folder = tmp_path_factory.mktemp("files")
    counts = noise(300, rate)
    options = {
        "stationxml": [str(response_file(folder))],
        "prepare_config": prepare.Config(response=Response(remove=remove)),
    }
    files = [
        in_files(folder / "many", counts, [min(c, len(counts) - 2) for c in cuts], late_ns, rate),
        in_files(folder / "one", counts, [], late_ns, rate),
    ]
    many, one = (
        prepared(folder / str(n), paths, span_of(START, 60), **options)[0]
        for n, paths in enumerate(files)
    )
    assert np.array_equal(many.valid, one.valid)
    assert np.array_equal(many.data, one.data)
    assert one.units == {"BW.RJOB..EH": "m/s" if remove else "counts"}


def response_file(folder, epochs=((None, None),), gains=(1.0,), units=None):
    """Station RJOB with its real response, in one or several epochs."""
    inventory = obspy.read_inventory().select(network="BW", station="RJOB", channel="EHZ")
    channel = inventory[0][0][0]
    inventory.networks = inventory.networks[:1]
    inventory[0].stations = inventory[0].stations[:1]
    inventory[0][0].channels = []
    for (start, end), gain in zip(epochs, gains, strict=True):
        copy = channel.copy()
        copy.start_date, copy.end_date = start, end
        copy.response.instrument_sensitivity.value *= gain
        copy.response.response_stages[0].stage_gain *= gain
        if units:
            copy.response.instrument_sensitivity.input_units = units
            copy.response.response_stages[0].input_units = units
        inventory[0][0].channels.append(copy)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "response.xml"
    inventory.write(str(path), format="STATIONXML")
    return path


def rjob(counts, start=BEGIN - 120 * SECOND):
    return [trace("BW.RJOB..EHZ", start, counts)]


@pytest.mark.parametrize("band", [None, (0.5, 1.0, 30.0, 40.0)])
def test_response_removal_against_obspy(tmp_path, band):
    real = obspy.read().select(channel="EHZ")[0].detrend("demean").taper(0.1).data
    counts = np.concatenate([noise(120) / 1000, real, noise(150) / 1000])
    xml = response_file(tmp_path)
    waves, coverage = from_traces(
        tmp_path,
        rjob(counts),
        stationxml=[str(xml)],
        prepare_config=prepare.Config(response=Response(pre_filter_hz=band)),
    )
    reference = rjob(counts)[0]
    reference.remove_response(
        obspy.read_inventory(str(xml)),
        output="VEL",
        water_level=60.0,
        pre_filt=band or (0.05, 0.1, 44, 49),
        taper=False,
    )
    data, valid = waves.of_channel("BW.RJOB..EH", "Z")
    at = waves.index(START)
    # What is slower than 1 Hz is less exact: see quakeline.signal.response.
    sos = butter(4, 1.0, "highpass", fs=100, output="sos")
    found, expected = (sosfiltfilt(sos, wave) for wave in (data, reference.data[6000:24_000]))
    assert valid[at : at + 6000].all()
    difference = np.abs(found - expected)[at : at + 6000]
    assert difference.max() < 2e-4 * np.abs(expected).max()
    assert (only(coverage)["units"], waves.units) == ("m/s", {"BW.RJOB..EH": "m/s"})
    assert only(coverage)["notes"].startswith("response removed")


def test_a_change_of_gain_inside_the_chunk_takes_the_response_of_its_time(tmp_path):
    counts = np.tile(1000 * np.sin(2 * np.pi * 5 * np.arange(100) / 100), 300)
    change = UTCDateTime(START) + 30
    xml = response_file(tmp_path, ((None, change), (change, None)), (1.0, 4.0))
    waves, _ = from_traces(tmp_path, rjob(counts), stationxml=[str(xml)])
    data, valid = waves.of_channel("BW.RJOB..EH", "Z")
    at = waves.index(START)
    before, after = (np.abs(data[at + 100 * a : at + 100 * b]).max() for a, b in ((5, 8), (52, 55)))
    assert before / after == pytest.approx(4.0, rel=1e-3)
    assert valid[at : at + 6000].all()


def test_time_without_a_response_is_a_gap_where_other_time_has_one(tmp_path):
    xml = response_file(tmp_path, ((None, UTCDateTime(START) + 20),))
    waves, coverage = from_traces(tmp_path, rjob(noise(300)), stationxml=[str(xml)])
    _, valid = waves.of_channel("BW.RJOB..EH", "Z")
    at = waves.index(START)
    assert runs_of(valid).tolist()[-1] == [0, at + 2000]
    assert "lie outside the epochs of the response: gaps" in only(coverage)["notes"]


def test_a_response_to_anything_but_motion_is_not_used(tmp_path):
    xml = response_file(tmp_path, units="PA")
    _, coverage = from_traces(tmp_path, rjob(noise(300)), stationxml=[str(xml)])
    row = only(coverage)
    assert row["status"] == "unused"
    assert "the response is to PA, which is no ground motion" in row["notes"]


def test_a_component_without_response_is_not_mixed_with_one_in_metres(tmp_path):
    traces = [*rjob(noise(300)), trace("BW.RJOB..EHN", BEGIN - 120 * SECOND, noise(300, seed=1))]
    waves, coverage = from_traces(tmp_path, traces, stationxml=[str(response_file(tmp_path))])
    assert only(coverage, "N")["notes"].startswith("no response, while other components have one")
    assert waves.valid.any(axis=-1).tolist() == [[True, False, False]]
    assert waves.units == {"BW.RJOB..EH": "m/s"}


def test_values_that_are_not_finite_do_not_spoil_the_segment_with_a_response(tmp_path):
    counts = noise(300).astype("f4")
    counts[15_000:15_100] = np.nan
    waves, _ = from_traces(tmp_path, rjob(counts), stationxml=[str(response_file(tmp_path))])
    data, valid = waves.of_channel("BW.RJOB..EH", "Z")
    assert (~valid[waves.index(START) :][:6000]).sum() == 100
    assert np.isfinite(data).all()


@pytest.mark.parametrize("remove", [False, True])
@pytest.mark.parametrize(("rate", "late_ns"), [(100.0, 0), (200.0, 1_234_000), (75.19, 777_000)])
def test_a_chunk_holds_the_samples_of_the_whole(tmp_path, rate, late_ns, remove):
    """Also in its margins: what is read ahead covers what filters reach."""
    counts = noise(600, rate) + 5000
    start = BEGIN - 240 * SECOND + late_ns
    path = write([trace("BW.RJOB..EHZ", start, counts, rate)], tmp_path / "raw.mseed")
    options = {
        "stationxml": [str(response_file(tmp_path))],
        "prepare_config": prepare.Config(response=Response(remove=remove)),
    }
    whole, _ = prepared(tmp_path / "a", [path], span_of("2020-04-30T23:58:00", 300), **options)
    part, _ = prepared(tmp_path / "b", [path], span_of(START, 40), **options)
    data, valid = part.of_channel("BW.RJOB..EH", "Z")
    at = whole.index(part.start_ns)
    same = whole.of_channel("BW.RJOB..EH", "Z")[0][at : at + len(data)]
    assert valid.all()
    # miniSEED gives the times of records in microseconds, 4e-5 samples at 75.19 Hz.
    assert np.abs(data - same).max() <= (1e-4 if rate == 75.19 else 3e-6) * np.abs(same).max()
    if rate == 100.0 and not remove:
        assert np.array_equal(data, same)


@pytest.mark.parametrize("remove", [False, True])
def test_a_gap_changes_no_sample_farther_than_the_filters_reach(tmp_path, remove):
    rate = 200.0
    counts = noise(300, rate)
    hole = slice(round(140 * rate), round(145 * rate))
    parts = [
        trace("BW.RJOB..EHZ", BEGIN - 120 * SECOND + round(at * SECOND / rate), counts[at:to], rate)
        for at, to in ((0, hole.start), (hole.stop, len(counts)))
    ]
    options = {
        "stationxml": [str(response_file(tmp_path))],
        "prepare_config": prepare.Config(response=Response(remove=remove)),
    }
    whole, _ = from_traces(
        tmp_path / "a", [trace("BW.RJOB..EHZ", BEGIN - 120 * SECOND, counts, rate)], **options
    )
    holed, coverage = from_traces(tmp_path / "b", parts, **options)
    before, after = (w.of_channel("BW.RJOB..EH", "Z") for w in (whole, holed))
    at = holed.index(START)
    assert runs_of(~after[1][at : at + 6000]).tolist() == [[2000, 2500]]
    reach = round(100 * (reach_s(rate, 100.0) + (REACH_S if remove else 0))) + 1
    far = np.ones(len(after[0]), bool)
    far[at + 2000 - reach : at + 2500 + reach] = False
    difference = np.abs(before[0] - after[0])
    assert difference[far].max() <= 1e-6 * np.abs(before[0]).max()
    assert difference[~far & after[1]].max() > 1e-3 * np.abs(before[0]).max()
    assert only(coverage)["n_gaps"] == 1


def test_the_response_band_is_checked():
    with pytest.raises(ValueError, match=r"four rising frequencies from 0\.05 Hz"):
        Response(pre_filter_hz=(0.01, 0.1, 10, 20))
    with pytest.raises(ValueError, match="four rising"):
        Response(pre_filter_hz=(1, 0.5, 10, 20))
    assert to_ns(UTCDateTime(START).datetime) == BEGIN

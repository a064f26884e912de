"""What cuts, files and gaps do to prepared samples, with and without a response."""

from itertools import pairwise

import numpy as np
import obspy
import pytest
from components import BEGIN, REACH_S, START, from_traces, noise, only, prepared, span_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from obspy import UTCDateTime
from recordings import trace, write
from scipy.signal import butter, sosfiltfilt

from quakeline.core.timeline import SECOND, to_ns
from quakeline.signal.gaps import runs_of
from quakeline.signal.resample import reach_s
from quakeline.waveforms.preparation.settings import Response
from quakeline.workflow.stages import prepare


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

"""Rotation to Z, N and E by the orientations of StationXML."""

import numpy as np
import obspy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from obspy import UTCDateTime
from obspy.core.inventory import Channel, Inventory, Network, Station
from recordings import HEADER, OBSPY, Pipeline, trace, write

from quakeline.core.timeline import SECOND, Span
from quakeline.signal.gaps import runs_of
from quakeline.waveforms.preparation.orientation import Direction, mixings
from quakeline.workflow.stages import prepare

FFBX = OBSPY / "core/tests/data/ffbx_unrotated_gaps.mseed"
FFBX_XML = OBSPY / "core/tests/data/ffbx.stationxml"
START = UTCDateTime("2020-05-01T00:00:00")
#: A motion in (up, north, east) that every sensor below sees in its own axes.
MOTION = np.array([[1.0, -2.0, 0.5], [0.3, 1.5, -1.0], [-0.7, 0.2, 2.0]]).T
UVW = {"U": (270.0, -35.26), "V": (30.0, -35.26), "W": (150.0, -35.26)}


@pytest.mark.parametrize(("band", "rate"), [("HH", 200.0), ("BH", 40.0)])
def test_real_borehole_sensors_as_obspy_rotates_them(tmp_path, band, rate):
    """Whole recordings (HH), and some with gaps in single channels (BH)."""
    start = UTCDateTime("2016-03-11T11:34:44").ns
    span = Span(start, start + 3 * SECOND)
    table = f"{HEADER}\n" + "".join(f"BW,FFB{n},48,11,400\n" for n in (1, 2, 3))
    pipeline = Pipeline(
        tmp_path,
        [str(FFBX)],
        table,
        stationxml=[str(FFBX_XML)],
        rate_hz=rate,
        prepare_config=prepare.Config(bridge_gap_s=0, instruments=[band]),
    )
    pipeline.prepared(span)
    waves = pipeline.waveforms(span)
    inventory = obspy.read_inventory(str(FFBX_XML))
    expected = obspy.read(str(FFBX)).select(channel=f"{band}?")
    expected.rotate("->ZNE", inventory=inventory)
    assert {one.stats.component for one in expected} == set("ZNE")
    compared = np.zeros(waves.valid.shape, bool)
    for one in expected:
        label = f"BW.{one.stats.station}..{band}"
        data, valid = waves.of_channel(label, one.stats.component)
        at = waves.index(one.stats.starttime.ns)
        inside = slice(at, at + one.stats.npts)
        assert valid[inside].all()
        assert np.abs(data[inside] - one.data).max() < 1e-6 * np.abs(one.data).max()
        compared[waves.instruments.index(label), "ZNE".index(one.stats.component), inside] = True
    # obspy needs all three channels, also where horizontals do not depend on the vertical.
    assert not (waves.valid.all(axis=1, keepdims=True) & ~compared).any()
    notes = pipeline.coverage(span).set_index(["station", "component"])["notes"]
    said = f"rotated from {band}1 (azimuth 4, dip 0), {band}2 (azimuth 94, dip"
    assert said in notes["FFB1", "N"]
    assert "rotated" not in notes["FFB1", "Z"]


def inventory_file(folder, epochs):
    """StationXML of XX.AAA; epochs are (letter, azimuth, dip, start, end)."""
    channels = [
        Channel(
            f"HH{letter}", "", 48, 11, 400, 0, azimuth, dip, sample_rate=100,
            start_date=start, end_date=end,
        )
        for letter, azimuth, dip, start, end in epochs
    ]  # fmt: skip
    station = Station("AAA", 48, 11, 400, channels=channels)
    path = folder / "orientations.xml"
    folder.mkdir(parents=True, exist_ok=True)
    Inventory([Network("XX", [station])]).write(str(path), "STATIONXML")
    return path


def wave(seconds=60.0):
    """Ground motion (up, north, east) in counts, shape (3, n)."""
    time = np.arange(round(seconds * 100)) / 100
    return 1e4 * np.array([np.sin(2 * np.pi * f * time + f) for f in (1.0, 2.3, 3.7)])


def seen(motion, azimuth, dip):
    return (Direction(azimuth, dip).vector @ motion).astype("f8")


def prepared(folder, epochs, traces, **options):
    xml = inventory_file(folder, epochs)
    path = write(traces, folder / "raw.mseed")
    table = f"{HEADER}\nXX,AAA,48,11,400\n"
    pipeline = Pipeline(folder, [str(path)], table, stationxml=[str(xml)], **options)
    span = Span(START.ns, START.ns + 60 * SECOND)
    pipeline.prepared(span)
    return pipeline.waveforms(span), pipeline.coverage(span)


SENSORS = {
    "Z12": {"Z": (0.0, -90.0), "1": (33.0, 0.0), "2": (123.0, 0.0)},
    "123": {"1": (200.0, -10.0), "2": (290.0, 5.0), "3": (10.0, -80.0)},
    "not orthogonal": {"Z": (0.0, -85.0), "1": (33.0, 2.0), "2": (110.0, -4.0)},
    "upside down": {"Z": (0.0, 90.0), "N": (0.0, 0.0), "E": (90.0, 0.0)},
    "UVW": UVW,
}


@pytest.mark.parametrize("name", SENSORS)
def test_any_set_of_axes_gives_the_motion_of_the_ground(tmp_path, name):
    sensor, motion = SENSORS[name], wave()
    epochs = [(letter, *axis, None, None) for letter, axis in sensor.items()]
    traces = [
        trace(f"XX.AAA..HH{letter}", START.ns, seen(motion, *axis))
        for letter, axis in sensor.items()
    ]
    waves, coverage = prepared(tmp_path, epochs, traces)
    at = waves.index(START.ns)
    assert waves.valid[0, :, at : at + 6000].all()
    assert np.abs(waves.data[0, :, at : at + 6000] - motion).max() < 1e-2
    assert set(coverage["status"]) == {"used"}
    assert sorted(coverage["component"]) == ["E", "N", "Z"]


def test_a_sensor_that_was_turned_inside_the_chunk(tmp_path):
    motion, change = wave(), START + 30
    before, after = {"1": 20.0, "2": 110.0}, {"1": 250.0, "2": 340.0}
    epochs = [("Z", 0.0, -90.0, None, None)]
    for letter in "12":
        epochs += [(letter, before[letter], 0.0, None, change)]
        epochs += [(letter, after[letter], 0.0, change, None)]
    traces = [trace("XX.AAA..HHZ", START.ns, motion[0])]
    for letter in "12":
        parts = seen(motion, before[letter], 0)[:3000], seen(motion, after[letter], 0)[3000:]
        traces.append(trace(f"XX.AAA..HH{letter}", START.ns, np.concatenate(parts)))
    waves, _ = prepared(tmp_path, epochs, traces)
    at = waves.index(START.ns)
    assert np.abs(waves.data[0, :, at : at + 6000] - motion).max() < 1e-2


def test_a_mixture_is_valid_where_all_its_channels_are(tmp_path):
    motion = wave()
    epochs = [("Z", 0.0, -90.0, None, None), ("1", 45.0, 0.0, None, None)]
    epochs += [("2", 135.0, 0.0, None, None)]
    second = seen(motion, 135.0, 0.0)
    traces = [
        trace("XX.AAA..HHZ", START.ns, motion[0]),
        trace("XX.AAA..HH1", START.ns, seen(motion, 45.0, 0.0)),
        trace("XX.AAA..HH2", START.ns, second[:2000]),
        trace("XX.AAA..HH2", START.ns + 25 * SECOND, second[2500:]),
    ]
    waves, coverage = prepared(tmp_path, epochs, traces)
    at = waves.index(START.ns)
    for component in "NE":
        data, valid = waves.of_channel("XX.AAA..HH", component)
        assert runs_of(valid).tolist() == [[at, at + 2000], [at + 2500, at + 6000]]
        assert not data[at + 2000 : at + 2500].any()
    assert waves.of_channel("XX.AAA..HH", "Z")[1][at : at + 6000].all()
    assert coverage.set_index("component")["n_gaps"].to_dict() == {"E": 1, "N": 1, "Z": 0}


def test_horizontals_alone_are_rotated_and_one_alone_is_used_as_it_is(tmp_path):
    motion = wave()
    epochs = [("1", 45.0, 0.0, None, None), ("2", 135.0, 0.0, None, None)]
    traces = [trace(f"XX.AAA..HH{k}", START.ns, seen(motion, a, 0)) for k, a, *_ in epochs]
    waves, coverage = prepared(tmp_path / "two", epochs, traces)
    at = waves.index(START.ns)
    assert np.abs(waves.data[0, 1:, at : at + 6000] - motion[1:]).max() < 1e-2
    assert coverage["notes"].str.contains("no component Z: zeros for the network").all()
    waves, coverage = prepared(tmp_path / "one", epochs, traces[:1])
    assert np.abs(waves.data[0, 1, at : at + 6000] - traces[0].data).max() < 1e-2
    (note,) = coverage["notes"]
    assert "HH1 used as they are, without rotation for want of the others" in note


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ({"Z": (0.0, 0.0), "1": (0.0, 0.0), "2": (90.0, 0.0)}, "contradict each other"),
        ({"Z": (0.0, -90.0), "1": (0.0, 0.0)}, "used as they are, without rotation"),
    ],
)
def test_orientations_that_cannot_be_used_change_nothing(tmp_path, axes, said):
    motion = wave()
    epochs = [(letter, *axis, None, None) for letter, axis in axes.items()]
    traces = [trace(f"XX.AAA..HH{k}", START.ns, row) for k, row in zip("Z12", motion, strict=True)]
    waves, coverage = prepared(tmp_path, epochs, traces)
    at = waves.index(START.ns)
    assert np.abs(waves.data[0, :, at : at + 6000] - motion).max() < 1e-2
    assert coverage.set_index("component")["notes"].str.contains(said)["E"]


def test_oblique_axes_without_orientations_are_unused_with_the_reason(tmp_path):
    traces = [trace(f"XX.AAA..HH{k}", START.ns, row) for k, row in zip("UVW", wave(), strict=True)]
    waves, coverage = prepared(tmp_path, [("Z", 0.0, -90.0, None, None)], traces)
    assert not waves.valid.any()
    assert set(coverage["status"]) == {"unused"}
    assert coverage["notes"].str.startswith("the station metadata do not say which way").all()


def test_codes_that_change_inside_a_chunk_fill_one_component(tmp_path):
    motion = wave()
    names = {"N": (1, slice(0, 3000)), "E": (2, slice(0, 3000))}
    names |= {"1": (1, slice(3000, 6000)), "2": (2, slice(3000, 6000)), "Z": (0, slice(0, 6000))}
    traces = [
        trace(f"XX.AAA..HH{k}", START.ns + part.start * SECOND // 100, motion[row][part])
        for k, (row, part) in names.items()
    ]
    waves, coverage = prepared(tmp_path, [("Z", 0.0, -90.0, None, None)], traces)
    at = waves.index(START.ns)
    assert waves.valid[0, :, at : at + 6000].all()
    assert np.abs(waves.data[0, :, at : at + 6000] - motion).max() < 1e-2
    assert coverage.set_index("component")["channels"].to_dict() == {
        "E": "HH2, HHE",
        "N": "HH1, HHN",
        "Z": "HHZ",
    }


angles = st.tuples(st.floats(0, 360), st.floats(-90, 90))


@given(st.tuples(angles, angles, angles))
def test_mixtures_undo_what_the_sensor_did(axes):
    directions = {f"HH{k}": Direction(*axis) for k, axis in zip("UVW", axes, strict=True)}
    matrix = np.array([one.vector for one in directions.values()])
    found = mixings(directions)
    if np.linalg.svd(matrix, compute_uv=False).min() < 0.1:
        assert found == {}
        return
    for name, truth in zip("ZNE", MOTION, strict=True):
        weights = np.array([found[name].weights.get(code, 0.0) for code in directions])
        assert weights @ (matrix @ MOTION) == pytest.approx(truth, abs=0.05)


@pytest.mark.parametrize("letters", ["Z12", "Z23", "Z56", "Z89", "ZYX"])
def test_numbers_beside_a_vertical_are_horizontals(tmp_path, letters):
    """Of HHZ, HH2 and HH3, as many networks have them, HH3 is no second vertical."""
    samples = {letter: np.arange(3000) % (31 + n) for n, letter in enumerate(letters)}
    traces = [
        trace(f"XX.AAA..HH{letter}", START.ns, one.astype("i4")) for letter, one in samples.items()
    ]
    raw = write(traces, tmp_path / "raw.mseed")
    pipeline = Pipeline(tmp_path, [str(raw)], f"{HEADER}\nXX,AAA,48,11,400\n")
    span = Span(START.ns, START.ns + 30 * SECOND)
    pipeline.prepared(span)
    waves = pipeline.waveforms(span)
    first = waves.index(START.ns)
    inside = slice(first, first + 3000)
    for component, letter in zip("ZNE", letters, strict=True):
        data, valid = waves.of_channel("XX.AAA..HH", component)
        assert valid[inside].all()
        assert np.corrcoef(data[inside], samples[letter])[0, 1] > 0.99

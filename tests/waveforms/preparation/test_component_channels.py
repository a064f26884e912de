"""Which channels of which instruments fill the components."""

import numpy as np
import obspy
import pytest
from components import START, from_traces, noise
from recordings import OBSPY, trace

from quakeline.io.formats.waveform_files import read_stream
from quakeline.workflow.stages import prepare


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

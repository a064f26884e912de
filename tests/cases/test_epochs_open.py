"""Old epochs that nobody closed: the newest that holds the time counts, and it is said."""

import logging

import numpy as np
import obspy
import pandas as pd
import pytest

import quakeline
from quakeline.earth.sites import Sites
from quakeline.events.chain.material import read
from quakeline.io.formats import inventory
from quakeline.io.formats.responses import GivenResponse, attached, overlaps
from quakeline.io.formats.station_list import checked, overlaid
from quakeline.io.formats.station_tables import read_table
from quakeline.signal.segments import Segment
from quakeline.waveforms.preparation.responses import Responses
from quakeline.waveforms.preparation.settings import Response

#: Of the recordings: the old epochs begin in 2000 and 2005, the new ones in 2009.
TIME = pd.Timestamp("2010-05-27T16:24:33Z")
MOVED_DEG = 48.081506


@pytest.fixture
def case(shared):
    return shared / "cases/epochs_open"


def place_of(stations, time=TIME):
    picks = pd.DataFrame({"network": ["BW"], "station": "UH1", "location": "", "time": [time]})
    sites = Sites.of(stations)
    return sites.table["latitude"].iloc[sites.find(picks)[0]]


def test_a_moved_station_is_where_it_was_moved_to(case, caplog):
    stations = inventory.read_any(case / "s_moved_open.xml")
    assert place_of(stations) == MOVED_DEG
    assert place_of(stations, pd.Timestamp("2007-01-01", tz="UTC")) == 48.181506
    assert "epochs overlap, an older one is not closed: BW.UH1 (from 2009-01-01 on)" in caplog.text


def test_the_catalog_is_that_of_the_station_alone(case):
    """The event was 6.7 km off with the place of 2005."""
    places = []
    for name in ("s_moved_open.xml", "s_ok.xml"):
        made = quakeline.catalog(
            case / "uh.parquet", case / name, velocity=case / "velocity.csv", threads=1
        )
        places.append(made.events[["latitude", "longitude", "depth_km"]].to_numpy())
    np.testing.assert_allclose(*places, atol=1e-6)


def test_a_doubled_gain_does_not_double_amplitudes(case):
    """The gain is 1500 V s/m in the epoch of 2000 and 3000 in that of 2009; both are open."""
    codes = ("BW", "UH3", "", "SHZ")
    segment = Segment(TIME.value, 100.0, np.random.default_rng(1).normal(size=6000) * 1e3)
    moved = {}
    for name in ("r_ms.xml", "e_open_overlap.xml"):
        removal = Responses(inventory.read([case / name]), Response())
        ((_, moved[name]),), notes = removal.on_grid(codes, [segment], 100.0)
        told = [str(note) for note in notes if "overlap" in str(note)]
        assert bool(told) == (name == "e_open_overlap.xml")
    ratio = np.abs(moved["r_ms.xml"]).max() / np.abs(moved["e_open_overlap.xml"]).max()
    assert ratio == pytest.approx(2.0, rel=1e-6)


def test_response_files_count_by_their_epochs_whatever_their_order(case):
    known = inventory.read([case / "e_open_overlap.xml"])
    channels = [channel for channel in known[0][0] if channel.code == "SHZ"]
    given = [
        GivenResponse(("BW", "UH3", "", "SHZ"), one.start_date, one.end_date, 100.0, one.response)
        for one in channels
    ]
    assert overlaps(given) == ["BW.UH3..SHZ"]
    for order in (given, given[::-1]):
        base = inventory.read([case / "r_ms.xml"])
        found, _ = attached(base, order, pd.DataFrame())
        at = [
            channel.response.response_stages[0].stage_gain
            for channel in found[0][0]
            if channel.code == "SHZ" and (channel.start_date or 0) <= obspy.UTCDateTime(2010, 1, 1)
            and (channel.end_date is None or channel.end_date > obspy.UTCDateTime(2010, 1, 1))
        ]  # fmt: skip
        assert at == [3000.0]


TABLE = """network,station,latitude,longitude,elevation_m,start
BW,UH1,48.181506,11.636035,400,2005-01-01
BW,UH1,48.081506,11.636035,400,2009-01-01
BW,UH2,48.057873,11.682011,400,
"""
FDSN = """#Network | Station | Latitude | Longitude | Elevation | SiteName | StartTime | EndTime
BW|UH1|48.181506|11.636035|400.0|Unterhaching|2005-01-01T00:00:00|2599-12-31T23:59:59
BW|UH1|48.081506|11.636035|400.0|Unterhaching|2009-01-01T00:00:00|
"""


@pytest.mark.parametrize("text", [TABLE, FDSN, "\n".join(TABLE.splitlines()[i] for i in (0, 2, 1))])
def test_tables_and_fdsn_text_follow_the_same_rule(tmp_path, text, caplog):
    path = tmp_path / "stations.txt"
    path.write_text(text)
    assert place_of(inventory.read_any(path)) == MOVED_DEG
    assert "epochs overlap" in caplog.text


def test_a_table_of_two_epochs_laid_over_an_inventory(case, tmp_path, caplog):
    path = tmp_path / "stations.csv"
    path.write_text(TABLE)
    base = inventory.table_of(inventory.read([case / "s_ok.xml"]))
    with caplog.at_level(logging.WARNING):
        stations = checked(overlaid(base, read_table(path)))
    assert place_of(stations) == MOVED_DEG
    assert place_of(stations, pd.Timestamp("2007-01-01", tz="UTC")) == 48.181506
    rows = stations[(stations["station"] == "UH1") & (stations["channel"] == "SHZ")]
    assert rows["end"].iloc[0] == rows["start"].iloc[1] == pd.Timestamp("2009-01-01", tz="UTC")


def test_stations_in_memory_too(case):
    made = read(
        case / "uh.parquet", obspy.read_inventory(case / "s_moved_open.xml"),
        case / "velocity.csv",
    )  # fmt: skip
    assert place_of(made.stations) == MOVED_DEG

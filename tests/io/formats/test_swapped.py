"""Latitude and longitude in each other's place are named where the data show it."""

import pandas as pd
import pytest

from quakeline.core.errors import DataError
from quakeline.fibres.recordings import channels
from quakeline.io.formats.station_list import checked, overlaid
from quakeline.io.formats.station_tables import read_table

HEADER = "network,station,latitude,longitude,elevation_m\n"


def table(path, *lines, header=HEADER):
    path.write_text(header + "\n".join(lines) + "\n")
    return path


def test_stations_beyond_the_poles_are_told_why(tmp_path):
    path = table(tmp_path / "s.csv", "TW,A,121.5,23.9,10", "TW,B,120.9,24.2,10")
    with pytest.raises(DataError, match=r"line 2: latitude is '121.5'.*are swapped\?"):
        read_table(path)


def test_one_bad_latitude_alone_is_not_called_swapped(tmp_path):
    path = table(tmp_path / "s.csv", "TW,A,1215,121.5,10", "TW,B,24.2,120.9,10")
    with pytest.raises(DataError, match=r"from -90 to 90$"):
        read_table(path)


def test_channels_of_a_fibre_are_told_too(tmp_path):
    header = "channel,latitude,longitude,elevation_m\n"
    path = table(tmp_path / "c.csv", "0,121.5,23.9,10", "1,121.5,24.0,10", header=header)
    with pytest.raises(DataError, match=r"row 1: latitude is '121.5'.*swapped\?"):
        channels.read_table(path)


def test_one_swapped_station_among_others_is_left_out_by_name(tmp_path, caplog):
    lines = ["BW,A,48.1,11.6,500", "BW,B,48.2,11.7,500", "BW,C,48.3,11.5,500", "BW,D,11.6,48.2,500"]
    found = checked(read_table(table(tmp_path / "s.csv", *lines)))
    assert found["station"].tolist() == ["A", "B", "C"]
    assert "BW.D is left out" in caplog.text
    assert "its latitude and longitude are swapped?" in caplog.text


def test_a_table_that_swaps_what_the_inventory_says_is_refused(tmp_path):
    known = read_table(table(tmp_path / "known.csv", "BW,A,48.1,11.6,500", "BW,B,48.2,11.7,500"))
    given = read_table(table(tmp_path / "given.csv", "BW,A,11.6,48.1,500", "BW,B,11.7,48.2,500"))
    with pytest.raises(DataError, match=r"BW\.A at latitude 11.6, longitude 48.1.*are swapped$"):
        overlaid(known, given)


def test_a_table_may_move_a_station(tmp_path):
    known = read_table(table(tmp_path / "known.csv", "BW,A,48.1,11.6,500"))
    given = read_table(table(tmp_path / "given.csv", "BW,A,47.9,11.6,500"))
    assert isinstance(overlaid(known, given), pd.DataFrame)
    assert overlaid(known, given)["latitude"].tolist() == [47.9]

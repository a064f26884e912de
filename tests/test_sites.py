import pandas as pd
import pytest

from quakeline.sites import Sites


def stations(*rows):
    columns = ["network", "station", "location", "channel", "latitude", "longitude"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(elevation_m=1200.0, depth_m=200.0)


def codes(*rows):
    return pd.DataFrame(rows, columns=["network", "station", "location"])


TABLE = stations(
    ("XX", "AAA", "00", "HHZ", 48.0, 11.0),
    ("XX", "AAA", "00", "HHN", 48.0, 11.0),
    ("XX", "AAA", "10", "HNZ", 48.1, 11.1),
    ("XX", "BBB", "", None, 48.2, 11.2),
    ("YY", "AAA", "", None, 10.0, 20.0),
)


def test_one_site_per_location_with_the_depth_of_the_sensor_below_sea_level():
    sites = Sites.of(TABLE)
    assert sites.table[["network", "station", "location"]].agg(".".join, axis=1).tolist() == [
        "XX.AAA.00",
        "XX.AAA.10",
        "XX.BBB.",
        "YY.AAA.",
    ]
    assert sites.table["depth_km"].tolist() == pytest.approx([-1.0] * 4)


def test_picks_find_their_location_then_their_station_or_nothing():
    found = Sites.of(TABLE).find(
        codes(
            ("XX", "AAA", "10"),
            ("XX", "AAA", "77"),
            ("XX", "BBB", "00"),
            ("YY", "AAA", ""),
            ("ZZ", "AAA", ""),
            ("XX", "CCC", ""),
        )
    )
    assert found.tolist() == [1, 0, 2, 3, -1, -1]


def test_no_picks_and_no_stations():
    assert Sites.of(TABLE).find(codes()).tolist() == []
    assert Sites.of(TABLE.iloc[:0]).find(codes(("XX", "AAA", "00"))).tolist() == [-1]


def test_local_coordinates_are_around_the_network():
    local = Sites.of(TABLE.iloc[:4]).local
    assert local[["x", "y"]].abs().max().max() < 20
    assert abs(local["x"].mean()) < 0.1

import pandas as pd
import pytest

from quakeline.earth.sites import Sites, strongest


def stations(*rows):
    columns = ["network", "station", "location", "channel", "latitude", "longitude"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(elevation_m=1200.0, depth_m=200.0)


def codes(*rows, time="2020-06-01"):
    frame = pd.DataFrame(rows, columns=["network", "station", "location"])
    return frame.assign(time=pd.Timestamp(time, tz="UTC"))


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


def test_sites_of_stations_with_picks_keep_their_epochs():
    sites = Sites.of(TABLE)
    picks = codes(("XX", "BBB", ""), ("XX", "AAA", "10"))
    used = sites.with_picks(picks)
    assert used.table[["network", "station", "location"]].agg(".".join, axis=1).tolist() == [
        "XX.AAA.00",
        "XX.AAA.10",
        "XX.BBB.",
    ]
    assert used.epochs["site"].tolist() == [0, 1, 2]
    assert used.find(picks).tolist() == [2, 1]
    near = Sites.of(pd.concat([TABLE, stations(("ZZ", "NNN", "", None, 48.15, 11.1))]))
    assert "ZZ" in set(near.with_picks(picks).table["network"])
    assert sites.with_picks(codes(("QQ", "QQQ", ""))) is sites


def test_no_picks_and_no_stations():
    assert Sites.of(TABLE).find(codes()).tolist() == []
    assert Sites.of(TABLE.iloc[:0]).find(codes(("XX", "AAA", "00"))).tolist() == [-1]


def test_local_coordinates_are_around_the_network():
    local = Sites.of(TABLE.iloc[:4]).local
    assert local[["x", "y"]].abs().max().max() < 20
    assert abs(local["x"].mean()) < 0.1


MOVED = pd.concat(
    [
        stations(("XX", "AAA", "", channel, 48.0 + shift, 11.0)).assign(
            start=pd.Timestamp(start, tz="UTC"), end=pd.Timestamp(end, tz="UTC")
        )
        for start, end, shift in (("2015", "2018", 0.0), ("2019", None, 0.5))
        for channel in ("HHZ", "HHN")
    ]
)


@pytest.mark.parametrize(
    ("time", "site"),
    [("2014-01-01", 0), ("2016", 0), ("2018-02-01", 0), ("2018-12-01", 1), ("2019", 1)],
)
def test_a_station_that_was_moved_is_where_it_was_at_the_time(time, site):
    sites = Sites.of(MOVED)
    assert sites.table["latitude"].tolist() == [48.0, 48.5]
    assert sites.find(codes(("XX", "AAA", ""), ("XX", "AAA", "00"), time=time)).tolist() == [
        site,
        site,
    ]


def onsets(*rows):
    columns = ["station", "location", "instrument", "phase", "seconds", "probability"]
    frame = pd.DataFrame(rows, columns=columns)
    times = pd.Timestamp("2020-01-01", tz="UTC") + pd.to_timedelta(frame.pop("seconds"), unit="s")
    names = [f"p{n}" for n in range(len(frame))]
    return frame.assign(network="XX", time=times, pick_id=names)


def test_the_most_probable_of_a_stations_instruments_counts():
    picks = onsets(
        ("AAA", "", "HH", "P", 10.0, 0.8),
        ("AAA", "", "HN", "P", 10.1, 0.9),
        ("AAA", "", "HN", "S", 10.1, 0.5),
        ("AAA", "", "HH", "P", 10.45, 0.7),
        ("BBB", "", "HH", "P", 10.0, 0.4),
        ("BBB", "10", "HH", "P", 10.05, 0.3),
        ("CCC", "", "HH", "P", 10.0, 0.4),
        ("CCC", "", "HH", "P", 10.2, 0.3),
    )
    kept = strongest(picks, 0.3)["pick_id"].tolist()
    assert kept == ["p1", "p2", "p3", "p4", "p6", "p7"]
    assert strongest(picks.iloc[:0], 0.3).empty


def test_two_picks_of_one_onset_by_one_instrument_are_one():
    picks = onsets(
        ("AAA", "", "HH", "P", 10.0, 0.5),
        ("AAA", "", "HH", "P", 10.05, 0.9),
        ("AAA", "", "HH", "P", 10.2, 0.4),
        ("AAA", "", "HH", "S", 10.05, 0.3),
    )
    assert strongest(picks, 0.3)["pick_id"].tolist() == ["p1", "p2", "p3"]
    assert strongest(picks, 0.0)["pick_id"].tolist() == ["p1", "p2", "p3"]

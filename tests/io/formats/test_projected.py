"""Eastings and northings to degrees, in tables of stations and of channels of fibres."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyproj import Transformer

from quakeline.core.errors import DataError
from quakeline.fibres.recordings import channels
from quakeline.io.formats.projected import with_degrees
from quakeline.io.formats.station_tables import read_table

#: Of a point in Nevada, by pyproj's own projection of zone 11 (not the way back that is tested).
LATITUDE, LONGITUDE = 39.8, -119.0
EAST, NORTH = Transformer.from_proj(
    "+proj=longlat +datum=WGS84", "+proj=utm +zone=11 +datum=WGS84", always_xy=True
).transform(LONGITUDE, LATITUDE)


def test_the_point_is_where_maps_have_it() -> None:
    """Zone 11 has its middle at 117 W, 500 km from its origin; 2 degrees there are 171 km."""
    assert 328_000 < EAST < 330_000
    assert 4_406_000 < NORTH < 4_409_000


@pytest.mark.parametrize(
    "more",
    [
        {"epsg": 32611},
        {"crs": "EPSG:32611"},
        {"zone": "11N"},
        {"utm_zone": "11T"},
        {"zone": "11S", "hemisphere": "North"},
        {"zone": 11, "hemisphere": "N"},
    ],
)
@pytest.mark.parametrize("names", [("easting", "northing"), ("utm_x", "utm_y"), ("x", "y")])
def test_projections_have_many_names(more: dict, names: tuple[str, str]) -> None:
    given = pd.DataFrame({names[0]: [EAST], names[1]: [NORTH], **more})
    found = with_degrees(given, "it")
    assert list(found.columns) == ["latitude", "longitude"]
    assert found.iloc[0].tolist() == pytest.approx([LATITUDE, LONGITUDE], abs=1e-8)


def test_the_south_and_two_zones_in_a_table() -> None:
    given = pd.DataFrame(
        {"easting": [500_000.0] * 2, "northing": [10_000_000.0, 0.0], "zone": ["60K", "1N"]}
    )
    found = with_degrees(given, "it")
    np.testing.assert_allclose(found["latitude"], 0, atol=1e-8)
    np.testing.assert_allclose(found["longitude"], [177, -177], atol=1e-8)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "it: easting and northing given without their projection; give a column epsg, as"),
        ({"zone": "11S"}, "it: zone is '11S', which may be the south or a band of the north; give"),
        ({"zone": 11}, "it: zone is '11', which tells no hemisphere; give a column epsg"),
        ({"zone": "61N"}, "it: zone is '61N', no UTM zone"),
        ({"epsg": "Mercator"}, "it: epsg is 'Mercator', no projection; give a column epsg"),
        ({"epsg": 4326}, "it: epsg is '4326' (WGS 84), which has degrees"),
        ({"epsg": 32611, "easting": NORTH, "northing": EAST}, "they may be exchanged"),
        ({"epsg": 32611, "easting": EAST / 1000, "northing": 4400}, "UTM has metres, 100000 to"),
        ({"epsg": 32611, "easting": "east"}, "row 0: easting is 'east', no number"),
    ],
)
def test_what_cannot_be_is_one_line(more: dict, said: str) -> None:
    given = pd.DataFrame({"easting": [EAST], "northing": [NORTH]}).assign(**more)
    with pytest.raises(DataError) as caught:
        with_degrees(given, "it")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_degrees_count_where_both_are_given() -> None:
    given = pd.DataFrame(
        {"latitude": [1.0], "longitude": [2.0], "easting": [EAST], "northing": [1]}
    )
    assert with_degrees(given, "it") is given
    local = pd.DataFrame({"x": [1.0], "y": [2.0]})
    assert with_degrees(local, "it") is local


def test_tables_of_channels_and_stations(tmp_path: Path) -> None:
    path = tmp_path / "fibre.csv"
    path.write_text(
        "channel,Easting,Northing,zone,elevation_m\n"
        + "".join(f"{n},{EAST + n:.3f},{NORTH:.3f},11N,1200\n" for n in range(3))
    )
    found = channels.read_table(path)
    assert found.index.tolist() == [0, 1, 2]
    np.testing.assert_allclose(found["latitude"], LATITUDE, atol=1e-6)
    assert (np.diff(found["longitude"]) > 0).all()
    path.write_text(
        f"network,station,easting,northing,epsg,elevation_m\nXX,A,{EAST:.3f},{NORTH:.3f},32611,9\n"
    )
    (row,) = read_table(path).to_dict("records")
    assert (row["latitude"], row["longitude"]) == pytest.approx((LATITUDE, LONGITUDE), abs=2e-7)
    path.write_text("channel,easting,northing,elevation_m\n0,1,2,3\n")
    with pytest.raises(DataError, match=r"channel table .*fibre\.csv: easting and northing given"):
        channels.read_table(path)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_metres_may_have_decimal_commas_as_degrees_may(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "stations.txt"
    lines = [
        "network;station;easting;northing;zone;elevation_m",
        f"XX;A;{EAST:.1f};{NORTH:.1f};11N;12.5",
    ]
    path.write_text("\n".join(lines).replace(".", ",").replace(";", separator) + "\n")
    (row,) = read_table(path).itertuples()
    assert (row.latitude, row.longitude) == pytest.approx((LATITUDE, LONGITUDE), abs=1e-6)
    assert row.elevation_m == 12.5


def test_a_comma_in_metres_that_may_part_thousands_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stations.csv"
    path.write_text(
        "network;station;easting;northing;epsg;elevation_m\nXX;A;500,000;900,000;25832;1\n"
    )
    with pytest.raises(DataError, match="easting is '500,000', no number; a comma is read as"):
        read_table(path)

"""Coastlines, borders, lakes, users' lines and terrain below the maps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from maps import geotiff, netcdf3, netcdf4, shapefile
from pages import DESKTOP

from quakeline.core.errors import DataError
from quakeline.report.basemap import grids, natural_earth, shapefiles
from quakeline.report.basemap.clipping import cut_line, cut_polygon
from quakeline.report.basemap.ground import Sources, ground
from quakeline.report.basemap.terrain import shaded
from quakeline.report.region import region


def area_of(latitude: float, longitude: float, half_degrees: float):
    """A region around a place."""
    places = pd.DataFrame(
        {
            "latitude": latitude + half_degrees * np.array([-1, 1]),
            "longitude": longitude + half_degrees * np.array([-1, 1]),
            "elevation_m": 0.0,
            "depth_km": 5.0,
        }
    )
    return region(places, places)


def distance_km(layer: str, latitude: float, longitude: float) -> float:
    """From a place to the nearest point on the segments of a layer."""
    scale = np.array([111.2 * np.cos(np.radians(latitude)), 111.2])
    least = np.inf
    for line in natural_earth.layers()[layer]:
        if np.abs(line - [longitude, latitude]).min(axis=0).max() > 5:
            continue
        flat = (line - [longitude, latitude]) * scale
        a, d = flat[:-1], np.diff(flat, axis=0)
        share = np.clip(-(a * d).sum(axis=1) / np.maximum((d * d).sum(axis=1), 1e-12), 0, 1)
        least = min(least, float(np.hypot(*(a + share[:, None] * d).T).min()))
    return least


@pytest.mark.parametrize(
    ("layer", "latitude", "longitude"),
    [
        ("coastlines", 50.0657, -5.7148),  # Land's End
        ("coastlines", 36.0, -5.61),  # Tarifa
        ("coastlines", -34.4237, 172.6775),  # Cape Reinga
        ("borders", 32.5343, -117.1230),  # where the USA and Mexico meet the Pacific
        ("borders", 45.8326, 6.8652),  # Mont Blanc
        ("lakes", 46.5090, 6.6270),  # Lausanne-Ouchy on Lake Geneva
    ],
)
def test_lines_lie_where_the_places_are(layer, latitude, longitude):
    assert distance_km(layer, latitude, longitude) < 4


def test_lines_are_cut_to_the_region_and_places_are_kilometres():
    made = ground(area_of(46.45, 6.55, 0.5), Sources())
    lake = max(made.layers["lakes"], key=lambda ring: np.ptp(ring[:, 0]))
    assert np.ptp(lake[:, 0]) == pytest.approx(60, abs=5)  # Geneva to Villeneuve, from west to east
    inland = ground(area_of(48.05, 11.6, 0.03), Sources())
    assert inland.layers == {}
    assert ground(area_of(46.45, 6.55, 0.5), Sources(natural_earth=False)).layers == {}


def test_lines_go_on_across_the_date_line():
    made = ground(area_of(-17.0, 180.0, 2.0), Sources())
    points = np.concatenate(made.layers["coastlines"])
    assert (points[:, 0] < -50).any()
    assert (points[:, 0] > 20).any()
    assert max(np.abs(np.diff(line, axis=0)).max() for line in made.layers["coastlines"]) < 60


def test_clipping_keeps_areas_and_crossing_segments():
    square = np.array([[0, 0], [4, 0], [4, 4], [0, 4]], float)
    cut = cut_polygon(square, 1.0)
    x, y = cut.T
    assert abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2 == pytest.approx(1.0)
    assert len(cut_polygon(square + 10, 1.0)) == 0
    line = np.array([[-9, 0], [9, 0], [20, 0], [20, 30], [0.5, 0.5]], float)
    assert [len(part) for part in cut_line(line, 1.0)] == [2, 2]


def test_users_lines_replace_layers_by_name(tmp_path):
    fault = np.array([[6.2, 46.2], [6.9, 46.7]])
    paths = [
        shapefile(tmp_path / name, [fault, fault[::-1]])
        for name in ("my_faults.shp", "fine_borders.shp")
    ]
    made = ground(area_of(46.45, 6.55, 0.5), Sources(lines=paths))
    assert len(made.layers["lines"]) == len(made.layers["borders"]) == 2
    assert made.layers["lines"][0].shape == (2, 2)


def test_unusable_shapefiles_are_refused(tmp_path):
    good = shapefile(tmp_path / "a.shp", [np.array([[6.0, 46.0], [7.0, 47.0]])])
    assert shapefiles.lines(good)[0].tolist() == [[6.0, 46.0], [7.0, 47.0]]
    far = shapefile(tmp_path / "far.shp", [np.array([[5e5, 5e6], [6e5, 5e6]])])
    cut = tmp_path / "cut.shp"
    cut.write_bytes(good.read_bytes()[:-8])
    text = tmp_path / "text.shp"
    text.write_text("lon,lat\n" * 50)
    for path, words in ((far, "in degrees"), (cut, "damaged"), (text, "is allowed")):
        with pytest.raises(DataError, match=words):
            shapefiles.lines(path)


LONGITUDES, LATITUDES = 6 + np.arange(40) * 0.025, 46 + np.arange(36) * 0.025
HEIGHTS = 400 + 1000 * np.exp(-((LONGITUDES - 6.5) ** 2 + (LATITUDES[:, None] - 46.4) ** 2) / 0.02)


@pytest.mark.parametrize(("write", "name"), [(netcdf4, "a.nc"), (netcdf3, "b.grd"), (geotiff, "c")])
def test_every_form_of_a_grid_gives_the_same_heights(tmp_path, write, name):
    made = grids.read(write(tmp_path / name, LONGITUDES, LATITUDES, HEIGHTS))
    np.testing.assert_allclose(made.longitudes, LONGITUDES, atol=1e-9)
    np.testing.assert_allclose(made.latitudes, LATITUDES, atol=1e-9)
    np.testing.assert_allclose(made.heights_m, HEIGHTS, rtol=1e-6)


def test_terrain_is_lit_from_the_north_west(tmp_path):
    area = area_of(46.4, 6.5, 0.3)
    made = shaded(netcdf4(tmp_path / "a.nc", LONGITUDES, LATITUDES, HEIGHTS), area)
    rows, columns = made.shade.shape
    x = np.linspace(made.west, made.east, columns)
    y = np.linspace(made.north, made.south, rows)
    north_west = made.shade[np.ix_((y > 3) & (y < 12), (x < -3) & (x > -12))].mean()
    south_east = made.shade[np.ix_((y < -3) & (y > -12), (x > 3) & (x < 12))].mean()
    assert north_west > south_east + 0.2
    assert made.plain()["image"].startswith("data:image/png;base64,")


def test_unusable_grids_are_refused(tmp_path):
    area = area_of(46.4, 6.5, 0.3)
    projected = geotiff(tmp_path / "p.tif", LONGITUDES, LATITUDES, HEIGHTS, model=1)
    far = netcdf4(tmp_path / "far.nc", LONGITUDES + 90, LATITUDES, HEIGHTS)
    text = tmp_path / "t.asc"
    text.write_text("ncols 3")
    longitudes = 6 + np.arange(200) * 0.025
    beside = np.where(longitudes > 10, 400.0, np.nan) * np.ones((len(LATITUDES), 1))
    empty = netcdf4(tmp_path / "e.nc", longitudes, LATITUDES, beside)
    cases = (
        (projected, "EPSG:4326"),
        (far, "needs two points"),
        (text, "GeoTIFF or NetCDF"),
        (empty, "has no heights"),
    )
    for path, words in cases:
        with pytest.raises(DataError, match=words):
            shaded(path, area)


def test_both_maps_show_what_lies_below(visit, run_files, tmp_path):
    """A run on Lake Geneva, with a fault and terrain."""
    for row in [*run_files.stations, *run_files.events]:
        row["latitude"] += 46.4 - 48.05
        row["longitude"] += 6.5 - 11.63
        if "event_id" not in row:
            row["longitude"] += 4 * (row["longitude"] - 6.5)
    fault = shapefile(tmp_path / "fault.shp", [np.array([[6.2, 46.2], [6.9, 46.7]])])
    terrain = netcdf4(tmp_path / "z.nc", LONGITUDES, LATITUDES, HEIGHTS)
    page = run_files.make(map_lines=[str(fault)], terrain=str(terrain))
    assert "Below lie borders, lakes, lines, terrain" in " ".join(page.split())
    assert "var(--water)" in page
    seen = visit(DESKTOP, file=run_files.folder / "report.html")
    assert seen.complaints == []
    colours = seen.page.evaluate("""() => {
      const c = document.querySelector('#map-move canvas');
      const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
      const seen = new Set();
      for (let i = 0; i < d.length; i += 4) seen.add(d.slice(i, i + 3).join());
      return [...seen]; }""")
    assert "160,82,45" in colours  # the fault
    assert any(c.split(",")[0] == c.split(",")[1] == c.split(",")[2] != "0" for c in colours)

"""Files of velocity grids: what is read of each form, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray
from grids import nonlinloc
from pyproj import Transformer

from quakeline.core.errors import DataError
from quakeline.earth.velocity import VelocityModel
from quakeline.earth.velocity.grid_files import files_of, is_grid, load_grid
from quakeline.earth.velocity.places import of_nonlinloc
from quakeline.earth.velocity.raw_grid import GridFacts

MODEL = VelocityModel((-2.0, 4.0), (4.8, 6.0), (2.8, 3.5))
HERE = np.array([48.1]), np.array([11.2])


def at(model, phase: str, depth: float) -> float:
    return float(model.speed(phase, *HERE, np.array([depth]))[0])


@pytest.mark.parametrize("kind", ["SLOW_LEN", "VELOCITY", "VELOCITY_METERS", "SLOW2", "SLOWNESS"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_buffers_of_nonlinloc(tmp_path: Path, kind: str, order: str) -> None:
    header = nonlinloc(tmp_path, MODEL, kind=kind, order=order, half=20)
    model = load_grid(header)
    assert (at(model, "P", 3.9), at(model, "P", 4.1)) == pytest.approx((4.8, 6.0), rel=1e-5)
    assert (at(model, "S", 3.9), at(model, "S", 4.1)) == pytest.approx((2.8, 3.5), rel=1e-5)
    assert "values of cells" in model.reading
    assert load_grid(header.with_suffix(".buf")).digest == model.digest
    names = {path.name for path in files_of(header)}
    assert names == {f"layer.{p}.mod.{end}" for p in "PS" for end in ("hdr", "buf")}
    at_nodes = load_grid(header, given=GridFacts(values="nodes"))
    # The nodes at 3 and 4 km have those of the cells that begin there.
    assert at(at_nodes, "P", 3.5) == pytest.approx(5.4, rel=1e-5)


def test_places_of_nonlinloc() -> None:
    """Rotation and projections, as latlon2rect of GridLib.c has them."""
    simple = of_nonlinloc("TRANSFORM  SIMPLE LatOrig 48.0  LongOrig 11.0  RotCW 30.0", 0.0, "a")
    x, y = simple.to_grid(np.array([48.5]), np.array([11.5]))
    east, north = 0.5 * 1e4 / 90 * np.cos(np.radians(48.5)), 0.5 * 1e4 / 90
    turn = np.radians(30)
    assert x == pytest.approx(east * np.cos(turn) + north * np.sin(turn))
    assert y == pytest.approx(north * np.cos(turn) - east * np.sin(turn))
    line = (
        "TRANSFORM  LAMBERT RefEllipsoid WGS-84  LatOrig 46.5  LongOrig 2.5  FirstStdParal 45.0"
        "  SecondStdParal 48.0  RotCW 0.0"
    )
    lambert = of_nonlinloc(line, 0.0, "a")
    # The same cone as France's, whose standard parallels are others: against PROJ itself.
    own = "+proj=lcc +lat_1=45 +lat_2=48 +lat_0=46.5 +lon_0=2.5 +ellps=WGS84 +units=km"
    expected = Transformer.from_crs("EPSG:4326", own, always_xy=True).transform(3.1, 46.2)
    found = lambert.to_grid(np.array([46.2]), np.array([3.1]))
    assert np.ravel(found) == pytest.approx(expected)
    degrees = of_nonlinloc("TRANSFORM  GLOBAL", 170.0, "a")
    assert degrees.to_grid(np.array([1.0]), np.array([-175.0]))[0] == pytest.approx([185.0])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("TRANSFORM  NONE", "TRANSFORM NONE does not say where on earth the grid is; give"),
        ("TRANSFORM  SDC LatOrig 1 LongOrig 2 RotCW 0", "TRANSFORM SDC given; allowed: SIMPLE, L"),
        ("TRANSFORM  SIMPLE LatOrig one", "cannot read 'TRANSFORM SIMPLE LatOrig one'"),
    ],
)
def test_other_places_are_refused(tmp_path: Path, line: str, message: str) -> None:
    header = nonlinloc(tmp_path, MODEL, half=5, deep=8, transform=line)
    with pytest.raises(DataError, match=message):
        load_grid(header)
    given = load_grid(header, given=GridFacts(origin=(48.0, 11.0)))
    assert given.holds(np.array([48.0, 49.0]), np.array([11.0, 11.0])).tolist() == [True, False]


def dataset(degrees: bool = True, **changes: object) -> xarray.Dataset:
    """vp = 5 + z / 20 + x / 100 with z in km and x in steps."""
    x, y, z = np.arange(5), np.arange(6), np.array([-2.0, 0.0, 5.0, 20.0])
    vp = 5 + z[:, None, None] / 20 + 0 * y[:, None] + x / 100
    names = ("depth", "latitude", "longitude") if degrees else ("z", "y", "x")
    axes = [z, 47.8 + 0.1 * y, 11.0 + 0.1 * x] if degrees else [z, -20 + 10.0 * y, -10 + 10.0 * x]
    data = xarray.Dataset(
        {"vp": (names, vp), "vs": (names, vp / 1.8)}, dict(zip(names, axes, strict=True))
    )
    return data.assign_attrs(**changes)


def test_netcdf_and_zarr_in_degrees(tmp_path: Path) -> None:
    data = dataset()
    data.to_netcdf(tmp_path / "new.nc", engine="h5netcdf")
    data.to_netcdf(tmp_path / "old.nc", engine="scipy")
    data.to_zarr(tmp_path / "store.zarr", zarr_format=3, consolidated=False)
    # Longitudes from 0 to 360, latitudes from north to south, depths as heights in m.
    turned = data.assign_coords(longitude=data.longitude + 360, depth=-1000 * data.depth)
    turned["depth"].attrs = {"units": "m", "positive": "up"}
    turned = turned.isel(latitude=slice(None, None, -1)).transpose("longitude", "latitude", "depth")
    turned.to_netcdf(tmp_path / "turned.nc", engine="h5netcdf")
    for name in ("new.nc", "old.nc", "store.zarr", "turned.nc"):
        assert is_grid(tmp_path / name)
        model = load_grid(tmp_path / name)
        assert at(model, "P", 2.5) == pytest.approx(5 + 0.125 + 0.02, rel=1e-5)
        assert at(model, "S", 2.5) == pytest.approx((5 + 0.125 + 0.02) / 1.8, rel=1e-5)
    assert "elevations as negative depths" in model.reading


def test_netcdf_in_km_says_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "m.nc"
    dataset(degrees=False).to_netcdf(path, engine="h5netcdf")
    given = load_grid(path, given=GridFacts(origin=(48.1, 11.2)))
    assert at(given, "P", 0.0) == pytest.approx(5.01, rel=1e-5)
    dataset(degrees=False, origin_latitude=48.1, origin_longitude=11.2).to_netcdf(
        tmp_path / "own.nc", engine="h5netcdf"
    )
    assert at(load_grid(tmp_path / "own.nc"), "P", 0.0) == pytest.approx(5.01, rel=1e-5)
    utm = dataset(degrees=False, crs="EPSG:32632")
    east, north = Transformer.from_crs("EPSG:4326", "EPSG:32632", always_xy=True).transform(
        11.2, 48.1
    )
    utm = utm.assign_coords(x=1000 * utm.x + east, y=1000 * utm.y + north)
    utm["x"].attrs = utm["y"].attrs = {"units": "m"}
    utm.to_netcdf(tmp_path / "utm.nc", engine="h5netcdf")
    assert at(load_grid(tmp_path / "utm.nc"), "P", 0.0) == pytest.approx(5.01, rel=1e-4)


def text(path: Path, second: float | None, degrees: bool = True, fixed: str = "") -> Path:
    """Lists of nodes: vp 5 to 6, then vp / `second`, or `second` itself."""
    axes = ["11.0 11.2 11.4", "47.8 48.1", "-2.0 0.0 10.0"]
    if not degrees:
        axes = ["-20 0 20", "-500 500", "-2.0 0.0 10.0"]
    vp = np.repeat([4.5, 5.0, 6.0], 6).reshape(-1, 3)
    blocks = [vp] if second is None else [vp, vp / second if second < 1.9 else 0 * vp + second]
    rows = [" ".join(f"{v:.3f}" for v in row) for block in blocks for row in block]
    path.write_text("\n".join([" 1.0 3 2 3", *axes, *([fixed] if fixed else []), *rows]) + "\n")
    return path


def test_lists_of_nodes(tmp_path: Path) -> None:
    with_vs = load_grid(text(tmp_path / "a", 1.75))
    assert "vs in it" in with_vs.reading
    with_ratio = load_grid(text(tmp_path / "b", 1.95, fixed="0 0 0"))
    assert "vp/vs in it" in with_ratio.reading
    for model, ratio in ((with_vs, 1.75), (with_ratio, 1.95)):
        assert at(model, "P", 5.0) == pytest.approx(5.5)
        assert at(model, "S", 5.0) == pytest.approx(5.5 / ratio, rel=1e-3)
    with pytest.raises(DataError, match=r"no S velocities; give them .file_s., or velocity.vp_vs"):
        load_grid(text(tmp_path / "c", None))
    own = load_grid(text(tmp_path / "d_P.inp", None), text(tmp_path / "d_S.inp", None),
                    GridFacts(vp_vs=1.7))  # fmt: skip
    assert at(own, "S", 0.0) == pytest.approx(5 / 1.7)
    assert [path.name for path in files_of(tmp_path / "d_P.inp")] == ["d_P.inp", "d_S.inp"]
    with pytest.raises(DataError, match=r"are no degrees; give velocity.origin"):
        load_grid(text(tmp_path / "e", 1.7, degrees=False))
    west = load_grid(text(tmp_path / "e", 1.7, degrees=False), given=GridFacts(origin=(48.0, 11.0)))
    x, y = west.places.to_grid(np.array([48.0, 48.1]), np.array([11.1, 11.0]))
    assert x[0] < -7
    assert y[1] > 11


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.assign(vp=d.vp * 1000), "vp up to 6040 looks like m/s; .* divide vp by 1000"),
        (lambda d: d.assign_coords(depth=d.depth * 1000), r"look like metres; depths in km are"),
        (lambda d: d.assign_coords(depth=d.depth - 30), r"look like elevations: change their sign"),
        (lambda d: d.assign(vs=d.vp * 1.1), "vs must be below vp, .* exchanged"),
        (lambda d: d.rename(vp="speed"), r"variables vs, speed given|variables speed, vs given"),
        (lambda d: d.isel(latitude=[0]), "1 node along y; a grid needs two or more"),
        (lambda d: d.drop_vars("depth"), "axis depth has no coordinates"),
        (lambda d: d.rename(latitude="row"), "the axes depth, row, longitude; three are needed"),
        (lambda d: d.assign(vp=d.vp * np.nan), "no node has a vp above 0"),
        (lambda d: d.drop_vars("vs"), r"no S velocities; give them .file_s., or velocity.vp_vs"),
        (lambda d: d.assign(vp=d.vp.assign_attrs(units="furlong")), "vp is in 'furlong'; allowed"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(tmp_path: Path, change, message: str) -> None:
    change(dataset()).to_netcdf(tmp_path / "m.nc", engine="h5netcdf")
    with pytest.raises(DataError, match=message) as told:
        load_grid(tmp_path / "m.nc")
    assert "\n" not in str(told.value)


def test_damaged_files_are_one_line(tmp_path: Path) -> None:
    header = nonlinloc(tmp_path, MODEL, half=5, deep=8)
    buffer = header.with_suffix(".buf")
    whole = buffer.read_bytes()
    buffer.write_bytes(whole[:-4])
    with pytest.raises(DataError, match=rf"{len(whole) - 4} bytes, but its header asks for"):
        load_grid(header)
    buffer.unlink()
    with pytest.raises(DataError, match=r"cannot read velocity grid .*buf"):
        load_grid(header)
    header.write_text("2 200 60  0 0 -3  1 1 1 SLOW_LEN FLOAT\nTRANSFORM NONE\n")
    with pytest.raises(DataError, match="2 nodes along x, as in NonLinLoc's grids of layers"):
        load_grid(header)
    header.write_text("20 20 20  0 0 -3  1 1 1 TIME FLOAT\nTRANSFORM NONE\n")
    with pytest.raises(DataError, match="values of the kind TIME given; allowed: VELOCITY"):
        load_grid(header)
    dataset().to_netcdf(tmp_path / "m.nc", engine="h5netcdf")
    (tmp_path / "m.nc").write_bytes((tmp_path / "m.nc").read_bytes()[:900])
    with pytest.raises(DataError, match="cannot read velocity grid"):
        load_grid(tmp_path / "m.nc")
    table = tmp_path / "v.csv"
    table.write_text("depth_km,vp,vs\n0,5,3\n")
    assert not is_grid(table)
    with pytest.raises(DataError, match=r"a model of layers is given as velocity: .kind: table"):
        load_grid(table)


def test_nodes_without_velocities_have_those_of_their_neighbours(tmp_path: Path) -> None:
    data = dataset()
    data["vs"] = data.vs.where(data.depth > -1, 0.0)
    data["vp"] = data.vp.where(data.depth > -1)
    data.to_netcdf(tmp_path / "m.nc", engine="h5netcdf")
    model = load_grid(tmp_path / "m.nc")
    assert at(model, "P", -2.0) == pytest.approx(5.02, rel=1e-5)
    assert "25 % of the nodes of the velocity grid have no vp (air, water" in model.doubts[0]


def test_real_models(shared: Path) -> None:
    """Taiwan in degrees with vp and vs in one file; New Zealand in km, turned, in two files."""
    folder = shared / "data/velocity3d"
    taiwan = load_grid(folder / "taiwan_tomops_H14")
    assert taiwan.vp.shape == (76, 61, 27)
    assert "vs is not below vp at 1 of 125172 nodes" in taiwan.doubts[0]
    # Slower below the Coastal Plain than below the Central Range.
    plain, range_ = (
        float(taiwan.speed("P", np.array([lat]), np.array([lon]), np.array([3.0]))[0])
        for lat, lon in ((23.6, 120.3), (23.6, 121.0))
    )
    assert plain < 4.5 < 5.0 < range_
    given = GridFacts(origin=(-41.7638, 172.9037), rotation_deg=140.0)
    zealand = load_grid(folder / "nz3d_2.2_P.inp", given=given)
    christchurch, alps = (
        float(zealand.speed("P", np.array([lat]), np.array([lon]), np.array([0.0]))[0])
        for lat, lon in ((-43.53, 172.63), (-44.0, 169.9))
    )
    assert christchurch < 4 < alps
    assert zealand.vs.max() < zealand.vp.max()

"""Velocities that change evenly with depth, against formulas and against very thin layers."""

from pathlib import Path

import numpy as np
import pytest

from quakeline.core.errors import DataError
from quakeline.earth.velocity import Domain, TravelTimes, VelocityModel, first_arrivals, load

SPEED, GRADIENT = 4.0, 0.06


def sampled(depths, vp, ratio=1.7):
    """A model whose depths are joined by straight lines."""
    vp = np.array(vp, float)
    base = np.r_[vp[1:], vp[-1]]
    return VelocityModel(
        tuple(map(float, depths)), tuple(vp), tuple(vp / ratio), tuple(base), tuple(base / ratio)
    )


def on_a_circle(one_km, other_km, distances):
    """Times in a medium of one gradient (e.g. Aki & Richards 2002, 9.3; Slawinski 2010)."""
    upper, lower = SPEED + GRADIENT * one_km, SPEED + GRADIENT * other_km
    square = distances**2 + (one_km - other_km) ** 2
    return np.arccosh(1 + GRADIENT**2 * square / (2 * upper * lower)) / GRADIENT


@pytest.mark.parametrize("spacing", [65.0, 0.5])
@pytest.mark.parametrize("station", [0.0, -1.0, 7.0, 22.0])
def test_times_in_a_gradient_are_those_of_the_formula(spacing, station):
    depths = np.arange(-5, 60.1, spacing)
    model = sampled(depths, SPEED + GRADIENT * depths)
    distances = np.arange(0, 120, 0.5)
    for depth in (-1.0, 0.0, 1e-8, 0.5, 3.0, 10.0, 20.0, 25.0):
        found = first_arrivals(model, "P", station, distances, np.array([depth]))[:, 0]
        assert np.abs(found - on_a_circle(station, depth, distances)).max() < 1e-6


def test_tables_of_a_gradient_are_within_a_millisecond():
    depths = np.arange(-5, 60.1, 5.0)
    model = sampled(depths, SPEED + GRADIENT * depths)
    rng = np.random.default_rng(5)
    distance, depth = rng.uniform(3, 60, 2000), rng.uniform(3, 20, 2000)
    found = TravelTimes(model, Domain(60, -1, 20), np.array([0.0]))("P", 0.0, distance, depth)
    assert np.abs(found - on_a_circle(0.0, depth, distance)).max() < 1e-3


MODELS = {
    "growing": sampled([-1, 0, 5, 15, 30], [3, 4, 5.5, 6.5, 8]),
    "a steep part": sampled([-1, 2, 3, 20], [3, 3.2, 5.5, 6.0]),
    "slow at depth": sampled([-1, 3, 6, 9, 20], [3, 6, 5, 5.5, 7.5]),
    "falling": sampled([-1, 3, 6], [6, 5, 4]),
    "interfaces": sampled([-1, 4, 4.0001, 10, 20, 20.0001], [3, 4, 5.5, 6, 6.2, 8]),
}


def thin(model, thick_km=0.02):
    """The same as thin constant layers, which the solver of layers knows."""
    tops = [-9.0]
    for above, below in zip(model.tops, model.tops[1:], strict=False):
        parts = max(1, round((below - above) / thick_km))
        tops += list(np.linspace(above, below, parts, endpoint=False))
    tops = np.array([*tops, model.tops[-1]])
    middle = np.r_[-9, (tops[2:] + tops[1:-1]) / 2, tops[-1] + 1]
    vp = model.at(middle, "P")
    return VelocityModel(tuple(tops), tuple(vp), tuple(vp / 1.7))


@pytest.mark.parametrize("name", MODELS)
def test_any_curve_is_what_thin_layers_become(name):
    model = MODELS[name]
    layers = thin(model)
    distances = np.arange(0, 60, 1.0)
    depths = np.array([-0.9, 0.3, 4.5, 12.0])
    for station in (-0.9, 1.0, 5.0):
        found = first_arrivals(model, "P", station, distances, depths)
        expected = first_arrivals(layers, "P", station, distances, depths)
        # Thin layers are late by themselves: a head wave along the fastest of them is too slow.
        assert np.abs(found - expected).max() < 6e-3
        assert np.isfinite(found).all()


def test_source_and_station_can_be_exchanged():
    distances = np.linspace(0, 50, 26)
    for model in MODELS.values():
        there = first_arrivals(model, "S", 0.7, distances, np.array([9.3]))
        back = first_arrivals(model, "S", 9.3, distances, np.array([0.7]))
        assert there == pytest.approx(back, abs=1e-6)


def written(folder, text, name="m.csv"):
    path = folder / name
    path.write_text(text)
    return path


CURVE = "depth_km,vp,vs\n" + "".join(
    f"{z},{5 + 0.06 * z},{2.9 + 0.035 * z}\n" for z in np.arange(0, 10, 0.5)
)
FEW = "{},vp,vs\n0,5,2.9\n6,6,3.5\n"


@pytest.mark.parametrize(
    ("text", "name", "linear", "why"),
    [
        (FEW.format("depth_km"), "m.csv", False, "2 constant layers"),
        (FEW.format("Depth"), "m.csv", True, "QuakeMigrate, PyOcto"),
        (FEW.format("top_km"), "m.csv", False, "name tops of layers"),
        (CURVE, "m.csv", True, "20 depths 0.5 km apart with steadily growing velocities"),
        ("depth_km,vp,vs\n0,5,3\n6,5.5,3.2\n6,6,3.5\n", "m.csv", True, "given twice"),
        ('{"eikonal": {"vel": {"z": [0, 6], "p": [5, 6], "s": [2.9, 3.5]}}}', "m.json", True,
         "GaMMA joins"),
        ("2 1.75\n0 6\n5 6\n", "m.inp", False, "hypoDD"),
    ],
)  # fmt: skip
def test_what_lies_between_depths_follows_from_the_form(tmp_path, text, name, linear, why):
    model = load(written(tmp_path, text, name))
    expected = 5.5 if linear and "given twice" not in why and text is not CURVE else 5.0
    if text is CURVE:
        assert model.at(np.array([0.25]), "P") == pytest.approx([5.015])
    elif "given twice" in why:
        assert model.at(np.array([3.0, 6.0, 9.0]), "P") == pytest.approx([5.25, 6.0, 6.0])
    else:
        assert model.at(np.array([3.0, 6.0]), "P") == pytest.approx([expected, 6.0])
    assert why in model.reading


@pytest.mark.parametrize(
    "text", ["0.0 5.0\n6.0 6.0\n", "# Depth (km),Vp (km/s)\n0.0,5.0\n6.0,6.0\n", "0, 5\n6, 6\n"]
)
def test_depths_and_vp_of_hash_and_skhash_have_no_s(tmp_path, text):
    path = written(tmp_path, text, "vz.north")
    model = load(path, 1.75)
    assert model.at(np.array([3.0, 9.0]), "P") == pytest.approx([5.5, 6.0])
    assert model.at(np.array([3.0]), "S") == pytest.approx([5.5 / 1.75])
    assert "HASH joins its depths" in model.reading
    with pytest.raises(DataError, match="no S velocities; give them"):
        load(path)
    one = load(written(tmp_path, "0 5\n", "one"), 1.75)
    assert one.reading == "one: one velocity everywhere"


@pytest.mark.parametrize(
    ("text", "words"), [("0 5\n6\n", "line 2: 6 given; 2 numbers"), ("5 5\n0 6\n", "must increase")]
)
def test_lines_of_hash_that_are_no_model(tmp_path, text, words):
    with pytest.raises(DataError, match=words):
        load(written(tmp_path, text, "vz.north"), 1.73)


def test_the_setting_decides_and_a_curve_read_as_layers_is_doubted(tmp_path):
    path = written(tmp_path, CURVE)
    layers = load(path, interpolation="layers")
    assert layers.vp_base == ()
    assert "look like a gradient" in layers.doubts[0]
    assert "--interpolation linear" in layers.doubts[0]
    few = written(tmp_path, FEW.format("depth_km"))
    assert load(few, interpolation="linear").at(np.array([3.0]), "P") == pytest.approx([5.5])
    assert load(few, vp_vs=2.0, interpolation="linear").at(np.array([3.0]), "S") == pytest.approx(
        [2.75]
    )
    assert load(few, interpolation="linear").doubts == ()


def test_a_jump_in_a_curve_makes_layers_of_it(tmp_path):
    text = CURVE + "10,6.5,3.7\n"
    model = load(written(tmp_path, text))
    assert model.vp_base == ()
    assert "vp jumps at 10 km" in model.reading
    assert "look like a gradient" in model.doubts[0]


@pytest.mark.parametrize(
    ("comment", "linear"),
    [("constant layers", False), ("a gradient", True), ("interpolated", True), ("layers?", False)],
)
def test_a_comment_in_the_table_decides(tmp_path, comment, linear):
    model = load(written(tmp_path, f"# {comment}\n{FEW.format('depth_km')}"))
    assert bool(model.vp_base) == linear
    assert "a comment in it speaks of" in model.reading


def test_layers_made_of_a_gradient_for_another_program_stay_layers(shared):
    model = load(Path(shared) / "data/picks/calaveras_ncsn/velocity.csv")
    assert model.vp_base == ()
    assert "vp jumps at 26 km" in model.reading


def test_a_real_gradient_is_recognised(shared):
    path = Path(shared) / "data/picks/ridgecrest2019_rt20min/velocity_shelly_gradient.csv"
    model = load(path)
    assert model.at(np.array([1.25]), "P") == pytest.approx([(5.095 + 5.265) / 2])
    assert "straight lines" in model.reading


def test_tops_of_layers_are_no_curve_however_close(tmp_path):
    rows = [f"{k},{5 + 0.1 * k},{(5 + 0.1 * k) / 1.75}" for k in range(10)]
    (tmp_path / "tops.csv").write_text("\n".join(["top_km,vp,vs", *rows]))
    for asked in ("auto", "layers"):
        model = load(tmp_path / "tops.csv", interpolation=asked)
        assert "10 constant layers" in model.reading
        assert model.doubts == ()
    (tmp_path / "depths.csv").write_text("\n".join(["depth_km,vp,vs", *rows]))
    assert "straight lines" in load(tmp_path / "depths.csv").reading

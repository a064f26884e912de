"""Velocity tables and station tables in other units, or that cannot be right."""

import numpy as np
import pandas as pd
import pytest

from quakeline.core.errors import DataError
from quakeline.earth.velocity import VelocityModel, doubts, load
from quakeline.io.formats import station_list, station_tables


def written(folder, text):
    path = folder / "m.csv"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("depth_km,vp,vs\n0,5800,3350\n", "looks like m/s.*divide vp and vs by 1000"),
        ("depth_km,vp_m_s,vs_m_s\n0,5800,3350\n", "column vp_m_s given.*divide it by 1000"),
        ("depth_m,vp,vs\n0,5.8,3.35\n", "column depth_m given.*divide it by 1000"),
        ("depth_km,vp,vs\n0,5,3\n16000,6,3.5\n", "16000 with vp 6 km/s looks like metres"),
        ("thickness,vp,vs\n5,5,3\n", "needed is depth_km"),
        ("depth_km,vp,vs\n0,5,3\n-5,6,3.5\n", "look like elevations"),
        ("depth_km,vp,vs\n0,5,3\n8,6,3.5\n5,6.5,3.7\n", "but 5 follows 8"),
        ("depth_km,vp,vs\n0,5,3\n5,5.5,3\n5,6,3.5\n5,6,3.6\n", "5 is given twice"),
        ("depth_km,vp,vs\n0,3,5\n5,3.5,6\n", "vp and vs look exchanged"),
        ("depth_km,vp\n0,5\n", "no S velocities; give them, or velocity.vp_vs"),
    ],
)
def test_other_units_are_refused_with_the_factor(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        load(written(tmp_path, text))


@pytest.mark.parametrize(
    "head", ["Depth_km,VP,VS", "depth(km),Vp(km/s),Vs (km/s)", "z_km,vp_km_s,vs_km_s"]
)
def test_columns_have_many_names(tmp_path, head):
    model = load(written(tmp_path, f"{head},rho\n0,5,3,2.7\n8,6,3.5,2.8\n"), interpolation="layers")
    assert model == VelocityModel((0.0, 8.0), (5.0, 6.0), (3.0, 3.5))
    assert "not used: rho" in model.reading


def test_resolution_and_other_errors_beside_velocities_are_left_out(tmp_path):
    """As in velocity_quality.csv of `quakeline tune velocity`, or tables of other inversions."""
    beside = "vp_error,vs_error,vp_resolution,vs_resolution"
    rows = "-2,4.5,2.6,.05,.03,.9,.8\n2,5.5,3.2,.06,.04,.8,.7\n"
    model = load(written(tmp_path, f"top_km,vp,vs,{beside}\n{rows}"))
    alone = load(written(tmp_path, "top_km,vp,vs\n-2,4.5,2.6\n2,5.5,3.2\n"))
    assert (model.tops, model.vp, model.vs) == (alone.tops, alone.vp, alone.vs)
    assert model.reading.endswith("not used: vp_resolution, vs_resolution")
    for name in ("vp_std", "vs sigma", "VP_UNCERTAINTY"):
        assert load(written(tmp_path, f"top_km,vp,vs,{name}\n0,5,3,.1\n4,6,3.5,.2\n")).vp == (5, 6)


def test_gradients_and_columns_that_never_change(tmp_path):
    """PyOcto's tests have such a table."""
    head = "depth,vp,vp_grad,vs,vs_grad,x,y\n"
    model = load(
        written(tmp_path, f"{head}0,5,0,3,0,1,0\n10,5.5,0.05,3.2,0.02,1,0\n20,6,0,3.4,0,1,0\n")
    )
    assert model.vp == (5.0, 5.5, 6.0)
    assert model.vp_base == pytest.approx((5.0, 6.0, 6.0))
    assert model.vs_base == pytest.approx((3.0, 3.4, 3.4))
    assert "vp_grad, vs_grad are gradients" in model.reading
    assert "not used: x, y" in model.reading
    with pytest.raises(DataError, match="gradients of vp alone given"):
        load(written(tmp_path, "depth,vp,vp_grad,vs\n0,5,0,3\n10,5.5,0.05,3.2\n"))
    with pytest.raises(DataError, match="columns depth, vp, vs, x given; required"):
        load(written(tmp_path, "depth,vp,vs,x\n0,5,3,1\n10,5.5,3.2,2\n"))
    with pytest.raises(DataError, match="columns depth, vp, shear given; required"):
        load(written(tmp_path, "depth,vp,shear\n0,5,3\n"), 1.75)


def test_gradients_of_vp_are_those_of_vs_too_where_a_table_has_their_ratio(tmp_path):
    model = load(written(tmp_path, "depth_km,vp,vp_grad,vp_vs\n0,5,0.1,2\n10,6,0,1.5\n"))
    assert model.vp_base == pytest.approx((6.0, 6.0))
    assert model.vs == pytest.approx((2.5, 4.0))
    assert model.vs_base == pytest.approx((3.0, 4.0))
    assert model.at(np.array([5.0]), "S") == pytest.approx([2.75])


SLOPED = "depth_km,vp,vp_grad,vs,vs_grad\n"


@pytest.mark.parametrize("rows", ["0,5,0.02,3,0.01\n", "-2,4.9,0,2.95,0\n0,5,0.02,3,0.01\n"])
def test_a_last_gradient_goes_on_for_100_km(tmp_path, rows):
    model = load(written(tmp_path, SLOPED + rows))
    depths = np.array([0.0, 50.0, 100.0, 150.0])
    assert model.at(depths, "P") == pytest.approx([5.0, 6.0, 7.0, 7.0])
    assert model.at(depths, "S") == pytest.approx([3.0, 3.5, 4.0, 4.0])
    assert "gradients" in model.reading


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{SLOPED}0,5,-1,3,0\n10,6,0,3.5,0\n", "below 0 km lead to vp -5 and vs 3 at 10 km;"),
        (f"{SLOPED}0,5,0,3,-0.3\n10,6,0,3.5,0\n20,7,0,4,0\n", "vs 0 at 10 km;"),
        (f"{SLOPED}0,5,0,3,0.3\n10,6,0,3.5,0\n20,7,0,4,0\n", "vp 5 and vs 6 at 10 km;"),
        (f"{SLOPED}0,5,0.2,3,0.1\n", "vp 25 and vs 13 at 100 km .a last gradient holds for 100"),
        ("LAYER 0 5 -1 3 0 2.7 0\nLAYER 10 6 0 3.5 0 2.7 0\n", "vp -5 and vs 3 at 10 km;"),
        ("LAYER 0 5 0.2 3 0 2.7 0\n", "vp 25 and vs 3 at 100 km .a last gradient"),
        (f"{SLOPED}0,3,0.1,5,0.1\n10,4,0,6,0\n", "vp and vs look exchanged"),
        (f"{SLOPED}10,6,0,3.5,0\n0,5,0.1,3,0.05\n", "depth_km must increase"),
    ],
)
def test_gradients_that_lead_to_no_rock_are_refused(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        load(written(tmp_path, text))


def test_own_gradients_are_not_joined_by_straight_lines(tmp_path):
    path = written(tmp_path, f"{SLOPED}0,5,0.1,3,0.05\n10,6,0,3.5,0\n")
    with pytest.raises(DataError, match="linear, but its columns vp_grad, vs_grad are gradients"):
        load(path, interpolation="linear")


def test_an_interface_in_a_table_of_layers_is_refused(tmp_path):
    path = written(tmp_path, "depth_km,vp,vs\n0,5,3\n5,5.5,3\n5,6,3.5\n")
    with pytest.raises(DataError, match="interpolation: linear"):
        load(path, interpolation="layers")


@pytest.mark.parametrize(("ratio", "word"), [(1.2, "low"), (2.6, "high"), (1.75, None)])
def test_odd_ratios_are_doubted(tmp_path, ratio, word):
    model = load(written(tmp_path, f"depth_km,vp,vp_vs\n0,5,1.73\n8,6,{ratio}\n"))
    assert [f"unusually {word}" in doubt for doubt in model.doubts] == ([True] if word else [])


def test_stations_in_the_air_or_above_the_model_are_doubted():
    stations = np.array([-2.5, -1.0, 0.0])
    air = VelocityModel((-9.0, -0.5), (0.33, 5.0), (0.2, 3.0))
    assert "2 of 3 stations lie where the model has vp 0.33" in doubts(air, stations)[0]
    low = VelocityModel((0.0, 5.0), (5.0, 6.0), (3.0, 3.5))
    assert "begins at 0 km, the highest station is 2.50 km" in doubts(low, stations)[0]
    fast = VelocityModel((-9.0, -5.0, 5.0), (6.0, 4.0, 6.0), (3.5, 2.3, 3.5))
    assert "faster above the highest station" in doubts(fast, stations)[0]
    assert doubts(VelocityModel((-3.0, 5.0), (5.0, 6.0), (3.0, 3.5)), stations) == []


@pytest.mark.parametrize(
    ("elevations", "word"),
    [
        ([0.512, 1.204, 2.0], "kilometres"),
        ([1200.0, 8400.0, 300.0], "feet"),
        ([0.0, 0.0, 0.0], None),
        ([3.0, 8.0, 5.0], None),
        ([512.3, 1204.1, 20.0], None),
        ([-512.3, -1204.1, -20.0], "wrong sign"),
        ([-60.0, -70.0, -65.0], None),
        ([-512.3, -1204.1, 20.0], None),
    ],
)
def test_elevations_in_other_units_are_doubted(elevations, word):
    found = station_list.elevation_doubts(pd.DataFrame({"elevation_m": elevations}))
    assert [word in doubt for doubt in found] == ([True] if word else [])


@pytest.mark.parametrize(
    ("name", "factor"), [("elevation_km", "1000"), ("elev_ft", "0.3048"), ("elevation(km)", "1000")]
)
def test_columns_of_elevations_in_other_units_are_refused(tmp_path, name, factor):
    path = tmp_path / "stations.csv"
    path.write_text(f"network,station,latitude,longitude,{name}\nXX,A,1,2,0.5\n")
    with pytest.raises(DataError, match=f"column .* given; needed is elevation_m.*by {factor} "):
        station_tables.read_table(path)

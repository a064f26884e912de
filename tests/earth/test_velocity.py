import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetics import arrival

from quakeline.core.errors import DataError
from quakeline.earth.velocity import Domain, TravelTimes, VelocityModel, first_arrivals, load


def model(tops, vp):
    return VelocityModel(tuple(tops), tuple(vp), tuple(np.array(vp) / 1.75))


MODELS = {
    "crust": model([0, 4, 20, 35], [4.5, 5.8, 6.5, 8.0]),
    "slow top": model([-1, 0.5, 5], [2.0, 4.5, 6.0]),
    "thin layers": model([0, 0.2, 1.0, 3.0], [1.2, 2.5, 4.0, 5.5]),
    "slow layer at depth": model([0, 5, 8, 15], [5.0, 6.0, 5.0, 6.5]),
}


def test_homogeneous_times_are_distance_over_velocity():
    times = TravelTimes(
        VelocityModel((-1.0,), (5.8,), (3.35,)), Domain(100, -1, 30), np.array([-0.5])
    )
    assert times("P", -0.5, np.array([3.0]), np.array([3.5])) == pytest.approx(5 / 5.8)
    assert times("S", -0.5, np.array([3.0, 0.0]), np.array([3.5, 0.0])) == pytest.approx(
        [5 / 3.35, 0.5 / 3.35]
    )


def test_two_layers_direct_and_head_wave_by_hand():
    two = model([0, 10], [5.0, 6.5])
    distances = np.arange(0, 200, 0.5)
    direct = distances / 5.0
    head = distances / 6.5 + 2 * 10 * np.sqrt(1 / 5.0**2 - 1 / 6.5**2)
    crossover = 2 * 10 * np.sqrt((6.5 + 5.0) / (6.5 - 5.0))
    found = first_arrivals(two, "P", 0.0, distances, np.array([0.0]))[:, 0]
    assert found == pytest.approx(np.where(distances < crossover, direct, head), abs=1e-9)
    assert (direct < head).sum() == np.ceil(crossover / 0.5)


def test_a_vertical_ray_adds_up_its_layers():
    crust = MODELS["crust"]
    found = first_arrivals(crust, "P", -0.5, np.array([0.0, 1.0]), np.array([10.0, 30.0]))[0]
    assert found == pytest.approx([4.5 / 4.5 + 6 / 5.8, 4.5 / 4.5 + 16 / 5.8 + 10 / 6.5], abs=1e-12)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("phase", ["P", "S"])
@pytest.mark.parametrize("station", [0.0, -0.8, 1.3, 9.97])
def test_first_arrivals_are_exact(name, phase, station):
    layers = MODELS[name]
    distances = np.linspace(0, 150, 301)
    depths = np.array([-0.5, 0.0, 0.1, 0.9, 3.0, 4.999, 5.0, 7.3, 12.0, 24.0])
    found = first_arrivals(layers, phase, station, distances, depths)
    rows = [0, 1, 7, 40, 111, 300]
    expected = [
        [
            arrival(layers.tops, layers.speeds(phase), station, depth, distances[row])
            for depth in depths
        ]
        for row in rows
    ]
    assert np.abs(found[rows] - expected).max() < 1e-4


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("reach", "bottom"), [(40, 15), (150, 30)])
def test_tables_are_within_ten_milliseconds_or_one_percent(name, reach, bottom):
    layers = MODELS[name]
    rng = np.random.default_rng(3)
    distance, depth = rng.uniform(0, reach, 150), rng.uniform(0, bottom, 150)
    for station in (-0.8, 0.0, 1.3):
        found = TravelTimes(layers, Domain(reach, -1.0, bottom), np.array([station]))(
            "P", station, distance, depth
        )
        expected = np.array(
            [
                arrival(layers.tops, layers.vp, station, z, x)
                for x, z in zip(distance, depth, strict=True)
            ]
        )
        assert (np.abs(found - expected) < np.maximum(0.010, 0.01 * expected)).all()
        assert np.sqrt(np.mean((found - expected) ** 2)) < 0.002


@given(st.floats(-1, 20), st.floats(0.1, 60), st.floats(-1, 20), st.sampled_from(list(MODELS)))
@settings(max_examples=40, deadline=None)
def test_source_and_station_can_be_exchanged(one, distance, other, name):
    distances = np.linspace(0, distance, 50)
    there, back = (
        first_arrivals(MODELS[name], "P", a, distances, np.array([b]))
        for a, b in ((one, other), (other, one))
    )
    assert there == pytest.approx(back, abs=1e-9)


@given(st.sampled_from(list(MODELS)), st.floats(-1, 20), st.floats(-1, 20))
@settings(max_examples=40, deadline=None)
def test_times_grow_with_distance_at_no_more_than_the_largest_slowness(name, one, other):
    layers = MODELS[name]
    times = first_arrivals(layers, "P", one, np.linspace(0, 80, 321), np.array([other]))[:, 0]
    steps = np.diff(times) / 0.25
    assert np.isfinite(times).all()
    assert (steps > -1e-9).all()
    assert steps.max() <= 1 / min(layers.vp) + 1e-6


def test_a_layer_reaches_from_its_top_down():
    crust = MODELS["crust"]
    depths = np.array([-3.0, 0.0, 3.999, 4.0, 100.0])
    assert crust.at(depths, "P").tolist() == [4.5, 4.5, 4.5, 5.8, 8.0]
    assert not crust.homogeneous


def written(tmp_path, text):
    path = tmp_path / "velocity.csv"
    path.write_bytes(text.encode())
    return path


def test_a_table_is_read_with_comments_spaces_and_a_byte_order_mark(tmp_path):
    text = "\ufeff# from Megies\n Depth_km , VP,vs\r\n-1, 4.4 ,2.4\n\n5,6,3.5 # lower\n"
    assert load(written(tmp_path, text)) == VelocityModel((-1.0, 5.0), (4.4, 6.0), (2.4, 3.5))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("depth_km,vp,vs\n", "one row at least"),
        ("depth_km,vp\n0,5\n", "no S velocities; give them, or velocity.vp_vs"),
        ("depth_km,vp,vs\n0,5,x\n", "three numbers"),
        ("depth_km,vp,vs\n0,5\n", "three numbers"),
        ("depth_km,vp,vs\n0,5,nan\n", "three numbers"),
        ("depth_km,vp,vs\n0,5,3,2.7\n", "line 2: 4 cells, but 3 columns"),
        ("depth_km,vp,vs\n5,5,3\n5,6,3.5\n", "must increase"),
        ("depth_km,vp,vs\n0,3,5\n", "0 < vs < vp"),
        ("depth_km,vp,vs\n0,5800,3350\n", "velocities in km/s"),
    ],
)
def test_a_wrong_table_says_what_is_wrong(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        load(written(tmp_path, text))


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(DataError, match=r"cannot read velocity table .*none\.csv"):
        load(tmp_path / "none.csv")


NONLINLOC = """# a comment
CONTROL 1 2
LAYER  0.0  5.0 0.0  2.9 0.0  2.7 0.0
LAYER  10.0 6.0 0.0  3.5 0.0  2.7 0.0
"""
HYPODD = """hypoDD_2
* input files
dt.ct
*--- 1D model:
* NLAY RATIO
   2 1.75
* TOP
0.0 10.0
* VEL
5.0 6.0
* ID
"""
VELEST = """a model
2 vel,depth,vdamp,phase(f5.2,5x,f7.2,2x,f7.3,3x,a1)
 5.00       0.00    1.000  P-VELOCITY MODEL
 6.00      10.00    1.000
3
 2.90       0.00    1.000  S-VELOCITY MODEL
 3.00       5.00    1.000
 3.50      10.00    1.000
"""


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("m.in", NONLINLOC, VelocityModel((0.0, 10.0), (5.0, 6.0), (2.9, 3.5))),
        ("m.inp", HYPODD, VelocityModel((0.0, 10.0), (5.0, 6.0), (5 / 1.75, 6 / 1.75))),
        ("m.inp", "1 1.75\n0\n5\n", VelocityModel((0.0,), (5.0,), (5 / 1.75,))),
        ("m.mod", VELEST, VelocityModel((0.0, 5.0, 10.0), (5.0, 5.0, 6.0), (2.9, 3.0, 3.5))),
        ("m.csv", "depth_km,vp,vp_vs\n0,5,2\n", VelocityModel((0.0,), (5.0,), (2.5,))),
    ],
)  # fmt: skip
def test_models_of_other_programs(tmp_path, name, text, expected):
    path = tmp_path / name
    path.write_text(text)
    assert load(path) == expected
    halved = load(path, vp_vs=2.0)
    assert halved.vs == tuple(p / 2 for p in expected.vp)


def test_the_gradients_of_nonlinloc_are_kept(tmp_path):
    path = tmp_path / "gradient.txt"
    path.write_text("LAYER 0 4.0 0.2 2.3 0.1 2.7 0\nLAYER 10 6.0 0 3.5 0 2.7 0\n")
    found = load(path)
    assert found.at(np.array([0.0, 5.0, 9.999999, 10.0, 30.0]), "P") == pytest.approx(
        [4.0, 5.0, 6.0, 6.0, 6.0], abs=1e-6
    )
    assert found.at(np.array([5.0]), "S") == pytest.approx([2.8])
    down = first_arrivals(found, "P", 0.0, np.array([0.0, 1.0]), np.array([10.0]))[0, 0]
    assert down == pytest.approx(np.log(6 / 4) / 0.2, abs=1e-9)


def test_the_last_gradient_of_nonlinloc_goes_on(tmp_path):
    path = tmp_path / "gradient.txt"
    path.write_text("LAYER 0 4.0 0.02 2.3 0.01 2.7 0\n")
    assert load(path).at(np.array([50.0]), "P") == pytest.approx([5.0])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("m.inp", "2 1.75\n0 10\n5\n", "line 3: 5 given; 2 numbers are needed"),
        ("m.inp", "2 0.5\n0 10\n5 6\n", "a ratio vp/vs above 1"),
        ("m.inp", "2 1.75\n", "three lines are needed"),
        ("m.mod", "title\n9\n5 0\n", "9 layers announced, 1 lines follow"),
        ("m.mod", "title\n1\n5 0\n", "no S velocities"),
        ("m.in", "LAYER 0 5.0 0\n", "5 numbers are needed"),
        ("m.csv", "depth_km,vp,vp_vs\n0,5,0.9\n", "vp_vs must be above 1"),
    ],
)
def test_a_wrong_model_of_another_program_says_what_is_wrong(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        load(path)

"""Travel times with rounded corners at interfaces."""

import numpy as np
import pandas as pd
import pytest

from quakeline.core.geometry import LocalFrame
from quakeline.earth.velocity import Network, VelocityModel, first_arrivals, rounded

MODEL = VelocityModel((-2.0, 5.0, 14.0), (5.2, 6.0, 6.6), (3.0, 3.5, 3.8))
SITE_KM, WITHIN_KM = -0.5, 1.0


@pytest.fixture(scope="module")
def times():
    stations = pd.DataFrame({"x": [0.0], "y": [0.0], "depth_km": [SITE_KM]})
    box = np.array([[-60.0, -60.0, 0.0], [60.0, 60.0, 20.0]])
    exact = MODEL.times(Network(LocalFrame(48.0, 11.0), stations, box))
    return exact, rounded(exact, WITHIN_KM)


def at(times, phase, distance, depth):
    """Times and their slope over depth of sources to the north of the station."""
    depth = np.asarray(depth, dtype=float)
    rows = times.rows_of(np.full(len(depth), phase), np.zeros(len(depth), dtype=int))
    travel, slopes = times.sloped(rows, np.zeros(len(depth)), np.full(len(depth), distance), depth)
    assert times.travel(rows, 0.0, distance, depth) == pytest.approx(travel, abs=1e-12)
    return travel, slopes


def moved(model, by_km):
    """The model with its first interface deeper."""
    return VelocityModel((model.tops[0], model.tops[1] + by_km, model.tops[2]), model.vp, model.vs)


@pytest.mark.parametrize("phase", "PS")
def test_times_at_an_interface_are_means_over_depths_that_it_may_have(times, phase):
    for distance in (25.0, 45.0):
        for depth in (4.4, 5.0, 5.3):
            shifts = np.linspace(-WITHIN_KM, WITHIN_KM, 41)
            each = [
                first_arrivals(moved(MODEL, by), phase, SITE_KM, np.array([0.0, distance]),
                               np.array([depth]))[1, 0]
                for by in shifts
            ]  # fmt: skip
            found = at(times[1], phase, distance, [depth])[0][0]
            exact = at(times[0], phase, distance, [depth])[0][0]
            assert found == pytest.approx(np.mean(each), abs=0.006)
            assert found >= exact
    corner = at(times[1], phase, 45.0, [5.0])[0] - at(times[0], phase, 45.0, [5.0])[0]
    assert corner > 0.02


@pytest.mark.parametrize("phase", "PS")
def test_times_have_no_corner_and_slopes_are_theirs(times, phase):
    depth = np.linspace(3.0, 7.0, 401)
    travel, slopes = at(times[1], phase, 45.0, depth)
    assert np.diff(travel) / 0.01 == pytest.approx((slopes[1:, 2] + slopes[:-1, 2]) / 2, abs=0.006)
    assert np.abs(np.diff(slopes[:, 2])).max() < 0.02
    sharp = at(times[0], phase, 45.0, depth)[1][:, 2]
    assert np.abs(np.diff(sharp)).max() > 0.08
    step = 1e-3
    beside = [at(times[1], phase, 45.0 + by, depth)[0] for by in (-step, step)]
    assert (beside[1] - beside[0]) / (2 * step) == pytest.approx(slopes[:, 1], abs=2e-3)
    assert slopes[:, 0] == pytest.approx(0.0, abs=1e-9)


def test_times_beyond_are_those_of_the_model(times):
    for depth in ([0.3, 2.0, 3.99, 6.01, 9.0], [12.99, 15.01, 18.0]):
        for found, exact in zip(at(times[1], "P", 30.0, depth), at(times[0], "P", 30.0, depth),
                                strict=True):  # fmt: skip
            assert found == pytest.approx(exact, abs=1e-12)


def test_arrays_of_samples_are_as_single_ones(times):
    depth = np.linspace(2.0, 18.0, 30)[:, None]
    rows = times[1].rows_of(np.array(["P", "S"]), np.array([0, 0]))
    east, north = np.array([[3.0, 20.0]]), np.array([[10.0, 30.0]])
    many = times[1].travel(rows, east, north, depth)
    assert many.shape == (30, 2)
    for k, one in enumerate(depth):
        assert many[k] == pytest.approx(times[1].travel(rows, east[0], north[0], one), abs=1e-12)


def test_a_homogeneous_model_has_no_corners():
    model = VelocityModel((0.0,), (5.8,), (3.35,))
    stations = pd.DataFrame({"x": [0.0], "y": [0.0], "depth_km": [0.0]})
    box = np.array([[-20.0, -20.0, 0.0], [20.0, 20.0, 20.0]])
    exact = model.times(Network(LocalFrame(48.0, 11.0), stations, box))
    assert rounded(exact, WITHIN_KM) is exact


def test_gradients_that_meet_without_a_jump_have_no_corners(times):
    tops, vp, vs = (0.0, 5.0, 14.0), (5.0, 5.5, 6.4), (2.9, 3.2, 3.7)
    model = VelocityModel(tops, vp, vs, (5.5, 6.4, 6.4), (3.2, 3.7, 3.7))
    stations = pd.DataFrame({"x": [0.0], "y": [0.0], "depth_km": [0.0]})
    box = np.array([[-60.0, -60.0, 0.0], [60.0, 60.0, 20.0]])
    exact = model.times(Network(LocalFrame(48.0, 11.0), stations, box))
    depth = np.linspace(4.0, 6.0, 21)
    found, as_is = (at(one, "P", 40.0, depth)[0] for one in (rounded(exact, WITHIN_KM), exact))
    assert found == pytest.approx(as_is, abs=1e-12)

"""First arrivals in layers, many at once, against rays found one by one."""

import numpy as np
import pytest
from synthetics import arrival

from quakeline.earth.velocity import paths

TOPS = np.array([-1.6, 0.0, 1.0, 4.0, 11.0, 30.0])
SPEEDS = np.array([2.5, 4.6, 5.0, 5.7, 6.25, 8.0])


@pytest.fixture(scope="module")
def rays():
    rng = np.random.default_rng(3)
    station = rng.uniform(-1.5, 0.3, 300)
    source = rng.uniform(-1.0, 35.0, 300)
    source[:3], station[:3] = (4.0, 0.0, -0.5), (0.0, 0.0, -0.5)
    return station, source, rng.uniform(0.0, 200.0, 300)


def test_times_are_those_of_rays_found_one_by_one(rays):
    found = paths.first(TOPS, SPEEDS, *rays).travel_s
    expected = [arrival(TOPS, SPEEDS, *ray) for ray in zip(*rays, strict=True)]
    assert found == pytest.approx(expected, abs=1e-6)


def test_slopes_are_those_of_small_differences(rays):
    found = paths.first(TOPS, SPEEDS, *rays)
    small = 1e-5

    def slope(tops_speeds, plus, minus):
        pair = [paths.first(*tops_speeds[k], *way).travel_s for k, way in enumerate((plus, minus))]
        return (pair[0] - pair[1]) / (2 * small)

    station, source, distance = rays
    same = [(TOPS, SPEEDS)] * 2
    far = slope(same, (station, source, distance + small), (station, source, distance - small))
    # Where another ray becomes the first, or at an interface, there is no one slope.
    assert np.quantile(np.abs(found.over_distance - far), 0.99) < 1e-5
    deep = slope(same, (station, source + small, distance), (station, source - small, distance))
    assert np.quantile(np.abs(found.over_depth - deep), 0.98) < 1e-5
    for k in range(len(SPEEDS)):
        step = small * np.eye(len(SPEEDS))[k]
        changed = slope([(TOPS, SPEEDS + step), (TOPS, SPEEDS - step)], rays, rays)
        assert np.quantile(np.abs(found.over_speed[:, k] - changed), 0.99) < 1e-4

"""Even points and the density of residuals are SciPy's, to the last bit."""

import numpy as np
import pytest
from scipy.stats import t as student
from scipy.stats.qmc import Sobol

from quakeline.events.location import sobol
from quakeline.events.location.posterior import FREEDOM, density


@pytest.mark.parametrize("count", [1, 300, 512])
def test_points_are_those_of_scipy(count):
    assert np.array_equal(sobol.points(count), Sobol(5, seed=0).random(512)[:count])


def test_there_are_numbers_for_512_points():
    with pytest.raises(IndexError):
        sobol.points(513)


def test_density_is_that_of_scipy():
    u = np.r_[0.0, np.random.default_rng(1).normal(0, 5, 100_000), 1e4, -1e9]
    assert np.array_equal(density(u), student.pdf(u, FREEDOM))

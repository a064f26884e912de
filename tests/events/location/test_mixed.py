"""Normal equations of terms: what is solved along a tridiagonal matrix is solved of the whole."""

import numpy as np
import pytest

from quakeline.events.location.mixed import _Turned


@pytest.mark.parametrize("count", [1, 2, 3, 40, 200])
@pytest.mark.parametrize("size", [0.01, 3.0, 1e4])
def test_equations_have_the_same_solutions_turned(count, size):
    """Also of a matrix that is far from full rank, as where arrivals are fewer than terms."""
    rng = np.random.default_rng(count)
    rows = rng.normal(size=(count // 2 + 1, count))
    matrix, columns = rows.T @ rows, rng.normal(size=(count, 3))
    turned = _Turned.of(matrix.copy())
    assert turned.out(turned.into(columns)) == pytest.approx(columns, abs=1e-12)
    assert turned.values == pytest.approx(np.linalg.eigvalsh(matrix), abs=1e-10 * count)
    found = turned.out(turned.kept(size, turned.into(columns)))
    expected = np.linalg.solve(matrix + np.eye(count) / size, columns)
    assert found == pytest.approx(expected, abs=1e-8 * np.abs(expected).max())


def test_terms_of_no_size_are_none():
    turned = _Turned.of(np.eye(4))
    assert not turned.kept(0.0, np.ones((4, 2))).any()

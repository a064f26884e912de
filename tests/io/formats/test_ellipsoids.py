import numpy as np
import obspy.core.event as qml
import pytest
from scipy.stats import chi2

from quakeline.io.formats.ellipsoids import ellipsoid, origin_uncertainty


def axes_of(found: qml.ConfidenceEllipsoid) -> np.ndarray:
    """Half axes as vectors (east, north, down) in m: major, intermediate, minor."""
    azimuth, plunge, rotation = np.radians(
        [found.major_axis_azimuth, found.major_axis_plunge, found.major_axis_rotation]
    )
    major = np.array(
        [np.sin(azimuth) * np.cos(plunge), np.cos(azimuth) * np.cos(plunge), np.sin(plunge)]
    )
    level = np.array([np.cos(azimuth), -np.sin(azimuth), 0])
    steep = np.cross(level, major)
    steep = steep if steep[2] >= 0 else -steep
    middle = np.cos(rotation) * level + np.sin(rotation) * steep
    lengths = (
        found.semi_major_axis_length,
        found.semi_intermediate_axis_length,
        found.semi_minor_axis_length,
    )
    return np.array(lengths)[:, None] * np.array([major, middle, np.cross(major, middle)])


@pytest.mark.parametrize("seed", range(8))
def test_the_ellipsoid_gives_the_covariance_back(seed):
    rng = np.random.default_rng(seed)
    root = rng.normal(0, 1, (3, 3))
    covariance = root @ root.T
    axes = axes_of(ellipsoid(covariance)) / 1000
    assert axes.T @ axes / chi2.ppf(0.683, 3) == pytest.approx(covariance, abs=1e-6)


def test_a_depth_error_alone_points_down():
    found = ellipsoid(np.diag([0.01, 0.04, 4.0]))
    assert found.major_axis_plunge == pytest.approx(90)
    assert found.semi_major_axis_length == pytest.approx(2000 * np.sqrt(chi2.ppf(0.683, 3)))


def test_without_a_covariance_there_is_no_ellipsoid():
    assert origin_uncertainty({"horizontal_sigma_km": None}) is None
    plain = origin_uncertainty({"horizontal_sigma_km": 0.5})
    assert plain.horizontal_uncertainty == 500
    assert plain.confidence_ellipsoid is None

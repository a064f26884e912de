"""Covariances of hypocentres as the confidence ellipsoids of QuakeML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import obspy.core.event as qml
from scipy.special import gammaincinv

_COLUMNS = ("cov_ee_km2", "cov_en_km2", "cov_ed_km2", "cov_nn_km2", "cov_nd_km2", "cov_dd_km2")
#: Percent within one standard deviation of a normal distribution.
ONE_SIGMA = 68.3


def covariance_of(row: Mapping[str, Any]) -> np.ndarray | None:
    """Covariance (3, 3) of east, north and down in km^2 of an event; None where it has none."""
    values = np.array([np.nan if row.get(n) is None else row[n] for n in _COLUMNS], dtype=float)
    if not np.isfinite(values).all():
        return None
    matrix = np.zeros((3, 3))
    matrix[np.triu_indices(3)] = values
    return np.asarray(matrix + np.triu(matrix, 1).T)


def origin_uncertainty(row: Mapping[str, Any]) -> qml.OriginUncertainty | None:
    """The uncertainty of an origin: horizontal one sigma, and the ellipsoid that holds 68.3 %."""
    horizontal = row["horizontal_sigma_km"]
    if horizontal is None or not np.isfinite(horizontal):
        return None
    matrix = covariance_of(row)
    if matrix is None:
        return qml.OriginUncertainty(
            horizontal_uncertainty=float(horizontal) * 1000.0,
            preferred_description="horizontal uncertainty",
        )
    smallest, largest, azimuth = horizontal_ellipse(matrix)
    return qml.OriginUncertainty(
        horizontal_uncertainty=float(horizontal) * 1000.0,
        min_horizontal_uncertainty=1000.0 * smallest,
        max_horizontal_uncertainty=1000.0 * largest,
        azimuth_max_horizontal_uncertainty=azimuth,
        confidence_ellipsoid=ellipsoid(matrix),
        confidence_level=ONE_SIGMA,
        preferred_description="confidence ellipsoid",
    )


def horizontal_ellipse(covariance: np.ndarray) -> tuple[float, float, float]:
    """Half axes of one sigma in km, smaller and larger, azimuth of the larger in deg."""
    values, axes = np.linalg.eigh(covariance[:2, :2])
    small, large = np.sqrt(np.maximum(values, 0))
    azimuth = float(np.degrees(np.arctan2(axes[0, 1], axes[1, 1])) % 180)
    return float(small), float(large), azimuth


def ellipsoid(covariance: np.ndarray, percent: float = ONE_SIGMA) -> qml.ConfidenceEllipsoid:
    """The ellipsoid that holds some percent of a normal distribution, half axes in m.

    Angles follow QuakeML's definition: the major axis points along azimuth and, counted down, along
    plunge; rotation turns the intermediate axis around it out of the horizontal, where it points
    to the right of the azimuth.
    """
    values, axes = np.linalg.eigh(covariance)
    lengths = 1000.0 * np.sqrt(np.maximum(values, 0) * 2 * gammaincinv(3 / 2, percent / 100))
    major = axes[:, 2] * (1.0 if axes[2, 2] >= 0 else -1.0)
    middle = axes[:, 1]
    azimuth = np.arctan2(major[0], major[1])
    plunge = np.arcsin(np.clip(major[2], -1, 1))
    level = np.array([np.cos(azimuth), -np.sin(azimuth), 0.0])
    # Below the level axis, at right angles to it and to the major axis.
    steep = np.array(
        [-np.sin(plunge) * np.sin(azimuth), -np.sin(plunge) * np.cos(azimuth), np.cos(plunge)]
    )
    rotation = np.arctan2(middle @ steep, middle @ level)
    return qml.ConfidenceEllipsoid(
        semi_major_axis_length=float(lengths[2]),
        semi_minor_axis_length=float(lengths[0]),
        semi_intermediate_axis_length=float(lengths[1]),
        major_axis_plunge=float(np.degrees(plunge)),
        major_axis_azimuth=float(np.degrees(azimuth) % 360),
        major_axis_rotation=float(np.degrees(rotation) % 180),
    )

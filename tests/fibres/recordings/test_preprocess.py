"""Units, gauge length, common mode and filters of fibre data."""

from __future__ import annotations

import numpy as np
import pytest

from quakeline.core.errors import DataError
from quakeline.fibres.recordings import preprocess
from quakeline.fibres.recordings.description import Preprocess
from quakeline.fibres.recordings.preprocess import (
    BandPass,
    CommonMode,
    Differentiate,
    FkFilter,
    Integrate,
    LongerGauge,
    averaged,
    spacing,
    steps,
    strain_of_radian,
)

DT, DX = 0.01, 5.0
TIMES = np.arange(2000) * DT
METRES = np.arange(120) * DX


def wave(frequency: float, velocity: float) -> np.ndarray:
    """A wave packet that runs along the fibre, (samples, channels)."""
    t = TIMES[:, None] - METRES / velocity - 10
    return (np.sin(2 * np.pi * frequency * t) * np.exp(-((t / 1.5) ** 2))).astype(np.float32)


def test_a_radian_of_phase() -> None:
    """116 nanostrain over 10 m are about 9.9 radians at 1550 nm (Lindsey et al. 2020, eq. 2)."""
    assert strain_of_radian(1550, 1.468, 10) * 9.9 == pytest.approx(1.066e-7, rel=0.01)
    assert strain_of_radian(1550, 1.468, 20) == pytest.approx(strain_of_radian(1550, 1.468, 10) / 2)


def test_strain_and_strain_rate_are_each_others_inverse() -> None:
    rate = wave(3, 2000)
    band = BandPass(1, 10)
    strain = band(Integrate()(rate, DT, DX), DT, DX)
    back = Differentiate()(strain, DT, DX)
    expected = band(rate, DT, DX)
    assert np.abs(back - expected)[200:-200].max() < 0.02 * np.abs(expected).max()


def test_a_longer_gauge_is_the_strain_of_the_longer_gauge() -> None:
    """Strain over a gauge is the difference of displacement at its ends over its length."""
    rng = np.random.default_rng(1)
    displacement = np.cumsum(rng.normal(size=(5, 400)), axis=1)  # every 1 m

    def strain(gauge: int) -> np.ndarray:
        middles = np.arange(60, 340, 2)  # channels every 2 m
        return (
            displacement[:, middles + gauge // 2] - displacement[:, middles - gauge // 2]
        ) / gauge

    made = LongerGauge(10.0, 3)(strain(10).astype(np.float32), DT, 2.0)
    inner = slice(10, -10)
    assert np.allclose(made[:, inner], strain(30)[:, inner], atol=1e-5)
    assert not made[:, 0].any()
    with pytest.raises(DataError, match="not evenly spaced"):
        LongerGauge(10.0, 3)(made, DT, None)


@pytest.mark.parametrize("kind", ["median", "mean"])
def test_common_mode_goes_and_dead_channels_stay_zero(kind: str) -> None:
    rng = np.random.default_rng(2)
    own = rng.normal(size=(500, 80)).astype(np.float32) * 0.01
    own[:, 7] = 0
    common = rng.normal(size=(500, 1)).astype(np.float32)
    given = own + np.where(own.any(axis=0), common, 0).astype(np.float32)
    made = CommonMode(kind)(given, DT, DX)
    assert np.abs(made - own).max() < 0.02
    assert not made[:, 7].any()


def test_the_band_pass_keeps_its_band_and_has_no_delay() -> None:
    band = BandPass(1, 10)
    inside, outside = wave(4, 3000), wave(20, 3000)
    assert np.abs(band(inside, DT, DX) - inside).max() < 0.05
    assert np.abs(band(outside, DT, DX)).max() < 0.1
    assert band(outside, DT, DX).dtype == np.float32


def test_the_fk_filter_keeps_waves_by_their_velocity() -> None:
    """Waves of 2,000 m/s in both directions stay, those of 200 and 20,000 m/s go."""
    keep = FkFilter(800, 6000)

    def left(velocity: float) -> float:
        given = wave(4, velocity)
        return float(np.linalg.norm(keep(given, DT, DX)) / np.linalg.norm(given))

    assert left(2000) > 0.93
    assert left(-2000) > 0.93
    assert left(200) < 0.15
    assert left(1e9) < 0.5
    with pytest.raises(DataError, match="not evenly spaced"):
        keep(wave(4, 2000), DT, None)


def test_spacing_and_means_of_channels() -> None:
    assert spacing(METRES) == DX
    assert spacing(-METRES) == DX
    assert spacing(np.array([0.0, 5, 11, 15])) is None
    block = np.arange(14, dtype=np.float32).reshape(2, 7)
    assert averaged(block, 3).tolist() == [[1, 4], [8, 11]]


@pytest.mark.parametrize(
    ("wanted", "units", "names"),
    [
        ({}, "strain_rate", []),
        ({}, "strain", ["Differentiate"]),
        ({}, "phase", ["Scale", "Differentiate"]),
        ({"units": "strain"}, "phase", ["Scale"]),
        (
            {"units": "strain", "bandpass_hz": (1, 5), "common_mode": "median"},
            "strain_rate",
            ["Integrate", "CommonMode", "BandPass"],
        ),
        (
            {"gauge_length_m": 30, "fk_velocity_m_s": (500, 9000)},
            "strain_rate",
            ["LongerGauge", "FkFilter"],
        ),
    ],
)
def test_steps_come_in_their_order(wanted: dict, units: str, names: list[str]) -> None:
    made = steps(Preprocess(**wanted), units, 10.0, 1e-8)
    assert [type(step).__name__ for step in made] == names


@pytest.mark.parametrize(
    ("wanted", "units", "message"),
    [
        ({"units": "phase"}, "strain", "the files hold strain"),
        ({"units": "strain"}, "strain_rate", "needs bandpass_hz"),
        ({"gauge_length_m": 25}, "strain", "a whole multiple of the fibre's gauge length, 10"),
    ],
)
def test_what_cannot_be_converted(wanted: dict, units: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        preprocess.steps(Preprocess(**wanted), units, 10.0, 1e-8)

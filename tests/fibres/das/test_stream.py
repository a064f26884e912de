"""Rows of a section are what the same steps give on the whole of it."""

import fibre
import numpy as np
import pytest
from scipy.signal import butter, resample_poly, sosfilt, sosfilt_zi

from quakeline.fibres.das.patches import PatchingStructure
from quakeline.fibres.das.segments import sections_of
from quakeline.fibres.das.stream import Stream
from quakeline.fibres.recordings.arrays import ArraySource, spacing

N, CHANNELS = 5000, 12
SAMPLES = fibre.wave(N, CHANNELS)


def stream(samples=SAMPLES, width=CHANNELS, **options):
    data = fibre.array(samples)
    source = ArraySource(data)
    (section,) = sections_of(data.coords["time"])[0]
    structure = PatchingStructure(600, width, 600, width, (0, 600), (0, width), 250, 0)
    return Stream(source, section, structure, dx_in=spacing(source), **options)


def whole(made):
    """All rows laid over each other, which must agree where they overlap."""
    out = np.full(made.shape[::-1], np.nan, np.float32)
    for row in made.rows():
        here = out[:, row.sample : row.sample + 600]
        known = np.isfinite(here)
        assert np.array_equal(here[known], row.data[known])
        here[:] = row.data
    assert np.isfinite(out).all()
    return out.T


def test_as_it_is():
    assert np.array_equal(whole(stream()), SAMPLES)


@pytest.mark.parametrize("ratio", [(1, 2), (2, 1), (3, 5), (5, 3), (4, 2)])
def test_resampled_in_time(ratio):
    made = stream(resample_samples=ratio)
    expected = resample_poly(SAMPLES, *ratio, axis=0)
    assert 0 <= len(expected) - made.shape[0] < ratio[0]
    assert whole(made) == pytest.approx(expected[: made.shape[0]], abs=1e-5)
    assert made.dt == pytest.approx(0.01 * ratio[1] / ratio[0])
    last = made.coords["time"][-1].values
    assert last == fibre.START + np.timedelta64(round((made.shape[0] - 1) * made.dt * 1e9), "ns")


def test_resampled_along_the_fibre():
    made = stream(resample_channels=(1, 2), width=6)
    assert whole(made) == pytest.approx(resample_poly(SAMPLES, 1, 2, axis=1), abs=1e-5)
    assert made.dx == 20
    assert made.coords["distance"].values == pytest.approx(np.arange(6) * 20.0)


def test_a_causal_filter_goes_on_from_row_to_row():
    sos = butter(4, [2, 20], "bandpass", fs=100, output="sos")
    state = sosfilt_zi(sos)[:, :, None] * SAMPLES[0].astype(float)
    expected, _ = sosfilt(sos, SAMPLES.astype(float), axis=0, zi=state)
    assert whole(stream(sos=sos)) == pytest.approx(expected, abs=1e-5)


class Smooth:
    """A running mean of 21 samples, without the mean of all channels."""

    reach_s = 0.1

    def __call__(self, block, dt, dx):
        assert (dt, dx) == (pytest.approx(0.01), pytest.approx(10))
        assert block.dtype == np.float32
        padded = np.pad(block, ((10, 10), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, 21, axis=0)
        smooth = windows.mean(axis=-1)
        return smooth - smooth.mean(axis=1, keepdims=True)


def test_a_transform_does_not_see_the_cuts():
    expected = Smooth()(SAMPLES, 0.01, 10.0)
    assert whole(stream(transforms=[Smooth()])) == pytest.approx(expected, abs=1e-5)


def test_missing_values_are_zero_and_remembered():
    samples = SAMPLES.copy()
    samples[1000:1300] = np.nan
    samples[3000:3010, 4] = np.inf
    made = stream(samples)
    assert np.array_equal(whole(made), np.where(np.isfinite(samples), samples, 0))
    assert made.gone == [(1000, 1300, 300 * CHANNELS), (3000, 3010, 10)]
    masks = {row.sample: row.missing for row in made.rows()}
    assert masks[0] is None
    assert np.array_equal(masks[700], ~np.isfinite(samples[700:1300]).T)


def test_whole_numbers_and_the_other_order_of_dimensions():
    counts = (SAMPLES * 100).astype(np.int16)
    data = fibre.array(counts)
    turned = ArraySource(data.transpose("distance", "time"))
    assert turned.shape == (N, CHANNELS)
    assert np.array_equal(turned.read(10, 20), counts[10:20])
    assert np.array_equal(whole(stream(counts)), counts.astype(np.float32))

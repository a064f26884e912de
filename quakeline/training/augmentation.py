"""Records changed at random before they are learnt from."""

from __future__ import annotations

import numpy as np

from quakeline.training.settings import Augmentation

_LARGEST_FACTOR = 3.0
#: Shares of the rate, of the largest value at which is clipped, and of a window that is a gap.
_RATES, _CLIPPED, _LONGEST_GAP = (0.4, 1.0), (0.2, 0.8), 0.25


def augmented(
    data: np.ndarray, valid: np.ndarray, rules: Augmentation, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Samples and mask of a window, (components, n), changed as the rules say.

    The same state of the generator gives the same change.
    """
    chances = random.random(4)
    data, valid = data.copy(), valid.copy()
    live = np.flatnonzero(valid.any(axis=1))
    if chances[0] < rules.drop and len(live) > 1:
        lost = random.choice(live, random.integers(1, len(live)), replace=False)
        data[lost], valid[lost] = 0, False
    if chances[1] < rules.amplitude:
        sizes = _LARGEST_FACTOR ** random.uniform(-1, 1, (len(data), 1))
        data *= sizes.astype(np.float32)
    if chances[2] < rules.noise:
        level = random.uniform(0, rules.noise_level) * np.abs(data).max(initial=0)
        noise = random.standard_normal(data.shape, np.float32)
        data += np.where(valid, np.float32(level) * noise, np.float32(0))
    if chances[3] < rules.flip:
        data = -data
    if rules.resample and random.random() < rules.resample:
        data = band_limited(data, random.uniform(*_RATES))
    if rules.clip and random.random() < rules.clip:
        level = random.uniform(*_CLIPPED) * np.abs(data).max(initial=0)
        data = np.clip(data, -level, level)
    if rules.gap and random.random() < rules.gap:
        n = data.shape[1]
        length = int(random.integers(1, max(int(_LONGEST_GAP * n), 1) + 1))
        first = int(random.integers(0, n - length + 1))
        data[:, first : first + length], valid[:, first : first + length] = 0, False
    return data, valid


def band_limited(data: np.ndarray, share: float) -> np.ndarray:
    """Samples as if recorded at a share of their rate: nothing above half of that rate is left."""
    spectra = np.fft.rfft(data, axis=-1)
    spectra[..., int(share * spectra.shape[-1]) :] = 0
    return np.asarray(np.fft.irfft(spectra, data.shape[-1], axis=-1), data.dtype)

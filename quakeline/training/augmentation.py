"""Records changed at random before they are learnt from."""

from __future__ import annotations

import numpy as np

from quakeline.training.settings import Augmentation

_LARGEST_FACTOR = 3.0


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
    return data, valid

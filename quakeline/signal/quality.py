"""Faults of raw samples: dead channels, clipping, spikes, glitches, steps.

Each is found from samples nearby alone, so that what is found does not depend on how the data were
cut. Clipping that a digitizer's filter or an analogue amplifier has rounded off is not seen.
"""

from __future__ import annotations

import numpy as np

from quakeline.signal.gaps import runs_of

#: Values at which digitizers of 24 and 32 bits end.
_RAILS = (8_388_607.0, -8_388_608.0, 2_147_483_647.0, -2_147_483_648.0)
#: A flat top has this many equal samples, ...
_FLAT_SAMPLES = 4
#: ... is left or reached by a jump of some counts, which the top of a smooth wave is not, ...
_FLAT_JUMP = 8.0
#: ... and is the extreme of the seconds around it, so many counts away from their mean.
_FLAT_AROUND_S = 5.0
_FLAT_HEIGHT = 100.0
#: A jump is this many times the largest difference of successive samples near it, ...
_JUMP_RATIO = 10
_JUMP_NEAR = 10
#: ... and this many counts.
_JUMP_COUNTS = 20
#: The longest glitch in samples: longer tops may be a wave.
_GLITCH = 4
#: Differences of int32 samples in a smaller range, ten times as large, are int32 as well.
_SAFE_RANGE = 1 << 27
#: Samples looked at in one go: as many as stay in a processor's cache.
_BLOCK = 1 << 16
#: Integer samples that differ by no more than this are noise of the digitizer.
_IDLE_COUNTS = 2.0


def dead(data: np.ndarray, valid: np.ndarray) -> bool:
    """Whether all valid samples have one and the same value, as float32 (as they are stored).

    A single sample tells nothing: data may end just behind the beginning of a chunk.
    """
    first = data[np.argmax(valid)].astype(np.float32)
    blocks = (slice(begin, begin + _BLOCK) for begin in range(0, len(data), _BLOCK))
    differ = (valid[part] & (data[part].astype(np.float32) != first) for part in blocks)
    return bool(np.count_nonzero(valid) > 1) and not any(one.any() for one in differ)


def idle(low: float, high: float, whole: bool) -> bool:
    """Whether integer samples from `low` to `high` are nothing but noise of the digitizer."""
    return whole and 0 < float(high) - float(low) <= _IDLE_COUNTS


def integral(samples: np.ndarray) -> bool:
    """Whether samples are counts: whole numbers."""
    if np.issubdtype(samples.dtype, np.integer):
        return True
    blocks = (samples[begin : begin + _BLOCK] for begin in range(0, len(samples), _BLOCK))
    return all(np.array_equal(part, np.rint(part)) for part in blocks)


def clipped(samples: np.ndarray, rate_hz: float, counts: bool) -> np.ndarray:
    """Runs of clipped samples: flat tops at an extreme, and the ends of a digitizer's range.

    Parameters
    ----------
    samples
        Gapless raw samples, shape (n,).
    rate_hz
        Their rate in Hz.
    counts
        Whether they are whole numbers.

    Returns
    -------
    Shape (m, 2): start and stop (exclusive) of each run.
    """
    same = samples[1:] == samples[:-1]
    flat = same[: max(len(same) - _FLAT_SAMPLES + 2, 0)].copy()
    for later in range(1, _FLAT_SAMPLES - 1):
        flat &= same[later : later + len(flat)]
    flat = np.add(runs_of(flat), [0, _FLAT_SAMPLES - 1])
    flat = flat[_reached_by_a_jump(samples, flat, _FLAT_JUMP if counts else 0.0)]
    around, height = round(_FLAT_AROUND_S * rate_hz), _FLAT_HEIGHT if counts else 0.0
    tops = [run for run in flat if _is_extreme(samples, run, around, height)]
    runs = np.array(tops, dtype=np.int64).reshape(-1, 2)
    if counts and max(float(samples.max(initial=0)), -float(samples.min(initial=0))) >= _RAILS[0]:
        runs = np.concatenate([runs, runs_of(np.isin(samples, _RAILS))])
    return runs[np.argsort(runs[:, 0])]


def _reached_by_a_jump(samples: np.ndarray, runs: np.ndarray, least: float) -> np.ndarray:
    """Whether a run's neighbours lie on one side of it, one of them more than `least` away."""
    level = samples[runs[:, 0]].astype(float)
    before = samples[np.maximum(runs[:, 0] - 1, 0)] - level
    after = samples[np.minimum(runs[:, 1], len(samples) - 1)] - level
    jump = np.maximum(np.abs(before), np.abs(after))
    return np.asarray((before * after >= 0) & (jump > 0) & (jump >= least))


def _is_extreme(samples: np.ndarray, run: np.ndarray, around: int, height: float) -> bool:
    level = samples[run[0]]
    near = samples[max(run[0] - around, 0) : run[1] + around]
    extreme = level == near.max() or level == near.min()
    return bool(extreme and abs(level - near.mean()) >= height)


def jumps(samples: np.ndarray, counts: bool) -> tuple[np.ndarray, np.ndarray]:
    """Spikes of one sample and steps, which no filter of a digitizer lets pass as a signal.

    Parameters as for `clipped`.

    Returns
    -------
    spikes, steps
        Indices of the samples that stand alone, and of the first samples of a new level.
    """
    none = np.zeros(0, dtype=np.int64)
    if len(samples) < 4 * _JUMP_NEAR:
        return none, none
    blocks = range(0, len(samples) - 1 - 2 * _JUMP_NEAR, _BLOCK)
    near = [samples[begin : begin + _BLOCK + 2 * _JUMP_NEAR + 1] for begin in blocks]
    least = _JUMP_COUNTS if counts else 0
    found = np.concatenate(
        [_stand_out(part, least) + begin for begin, part in zip(blocks, near, strict=True)]
    )
    rising = samples[found + 1] > samples[found]
    successive = np.flatnonzero((np.diff(found) == 1) & (rising[1:] != rising[:-1]))
    spikes = found[successive] + 1
    of_spikes = np.zeros(len(found), bool)
    of_spikes[successive] = of_spikes[successive + 1] = True
    single = found[~of_spikes]
    alone = ~np.isin(single - 1, found) & ~np.isin(single + 1, found)
    return spikes, single[alone] + 1


def glitches(samples: np.ndarray, counts: bool) -> np.ndarray:
    """Tops of two to four samples that are reached and left by jumps, back to the level before.

    Parameters as for `clipped`. Indices of their first samples.
    """
    near = _JUMP_NEAR + _GLITCH
    if len(samples) < 4 * near:
        return np.zeros(0, dtype=np.int64)
    least = _JUMP_COUNTS if counts else 0
    found = []
    for begin in range(0, len(samples) - 2 * near, _BLOCK):
        part = samples[begin : begin + _BLOCK + 2 * near + _GLITCH + 1]
        if np.issubdtype(part.dtype, np.floating) or _is_wide(part):
            part = part.astype(float, copy=False)
        size = np.abs(np.diff(part))
        inner = size[near : len(size) - near]
        calm = size[: len(inner)]
        at = np.flatnonzero((inner > least) & (inner > _JUMP_RATIO * calm)) + near
        for away in (*range(-near, -_GLITCH), *range(_GLITCH + 1, near + 1)):
            at = at[size[at] > _JUMP_RATIO * size[at + away]]
        for length in range(2, _GLITCH + 1):
            first = at[np.isin(at + length, at)]
            back = np.abs(part[first + length + 1] - part[first])
            height = np.minimum(size[first], size[first + length])
            found.append(first[back * _JUMP_RATIO < height] + 1 + begin)
    return np.unique(np.concatenate(found))


def _stand_out(samples: np.ndarray, least: int) -> np.ndarray:
    """Positions of differences far larger than all near them, but for the next or the last one.

    Those nearer than `_JUMP_NEAR` to the ends are not looked at.
    """
    if np.issubdtype(samples.dtype, np.floating) or _is_wide(samples):
        samples = samples.astype(float, copy=False)
    size = np.abs(np.diff(samples))
    n = len(size) - 2 * _JUMP_NEAR
    inner = size[_JUMP_NEAR:][:n]
    found = np.flatnonzero((inner > least) & (inner > _JUMP_RATIO * size[_JUMP_NEAR - 3 :][:n]))
    found += _JUMP_NEAR
    for away in (3, *range(-_JUMP_NEAR, -1), *range(2, _JUMP_NEAR + 1)):
        found = found[size[found] > _JUMP_RATIO * size[found + away]]
    return found


def _is_wide(samples: np.ndarray) -> bool:
    return float(samples.max()) - float(samples.min()) >= _SAFE_RANGE

"""Filtering and change of rate in one Fourier transform, block by block.

A rate changes by up / down. Between zeros that upsampling puts in and samples that downsampling
leaves out, the spectrum is only repeated and folded: no transform of its own is needed. The result
is that of the filters in time, to rounding; nothing is cut off in frequency, so finite filters stay
finite. Blocks follow the overlap-save method: Oppenheim, A. V. & Schafer, R. W. (2010),
Discrete-Time Signal Processing, section 8.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy

from quakeline.signal.resample import Resampling

#: Blocks that are transformed together: scipy works on several at once.
_TOGETHER = 8
#: Shortest block in samples; shorter ones lose to the cost of each call.
_SHORTEST = 1 << 15


def repeated(spectrum: np.ndarray, times: int) -> np.ndarray:
    """Spectrum of real samples after `times - 1` zeros were put behind each of them.

    `spectrum` is the half spectrum (..., n / 2 + 1) of an even number n of samples.
    """
    if times == 1:
        return spectrum
    back = np.conj(spectrum[..., ::-1])
    pieces = [spectrum] + [(back if k % 2 else spectrum)[..., 1:] for k in range(1, times)]
    return np.concatenate(pieces, axis=-1)


def folded(spectrum: np.ndarray, down: int) -> np.ndarray:
    """Spectrum of every `down`-th sample, from the half spectrum (..., down * n / 2 + 1).

    n, the number of samples that are left, must be even.
    """
    if down == 1:
        return spectrum
    half = (spectrum.shape[-1] - 1) // down
    total = spectrum[..., : half + 1].copy()
    for k in range(1, down):
        piece = spectrum[..., k * half : (k + 1) * half + 1]
        total += np.conj(piece[..., ::-1]) if k % 2 else piece
    return np.asarray(total / down)


def fast_length(shortest: int, up: int, down: int) -> int:
    """An even length that transforms fast, and at the other rate too: a multiple of 2 * down."""
    return int(scipy.fft.next_fast_len(-(-shortest // (2 * down)), real=True)) * 2 * down


def transferred(spectrum: np.ndarray, filters: np.ndarray, up: int, down: int) -> np.ndarray:
    """Half spectra after a filter (at `up` times the rate) and a change of rate by up / down."""
    return folded(repeated(spectrum, up) * filters, down)


@dataclass(frozen=True)
class BlockFilter:
    """A filter of finite length and a resampling, applied together block by block.

    `kernel` has an odd number of samples at the input rate; a constant must give zero. It is
    computed in float64; the results are given as `dtype`.
    """

    kernel: np.ndarray
    resampling: Resampling
    dtype: npt.DTypeLike = np.float64

    @cached_property
    def _length(self) -> int:
        reach = len(self.kernel) + self._delay // self.resampling.up + 1
        shortest = max(4 * reach, _SHORTEST)
        return fast_length(shortest, self.resampling.up, self.resampling.down)

    @property
    def _delay(self) -> int:
        return len(self.resampling.kernel) - 1

    @cached_property
    def _spectrum(self) -> np.ndarray:
        """Half spectrum of both filters at `up` times the input rate."""
        half = len(self.kernel) // 2
        centred = np.zeros(self._length)
        centred[: half + 1] = self.kernel[half:]
        centred[len(centred) - half :] = self.kernel[:half]
        own = repeated(scipy.fft.rfft(centred), self.resampling.up)
        return np.asarray(
            own * scipy.fft.rfft(self.resampling.kernel, self._length * self.resampling.up)
        )

    def apply(self, samples: np.ndarray, skip: int, count: int) -> np.ndarray:
        """Output samples 0 to count of a segment, for which `Placing.resampling` gave `skip`.

        Beyond its ends the segment goes on with its first and last value.
        """
        up, down = self.resampling.up, self.resampling.down
        half = len(self.kernel) // 2
        lost = -(-(self._delay + half * up) // down)  # output samples at a block's begin
        each = ((self._length - 1 - half) * up // down - lost - up + 2) // up * up
        step = each * down // up
        # Blocks begin at multiples of `down`: their outputs lie where those of the segment do.
        begin = (skip - lost) // up * down
        first = skip - lost - begin * up // down
        result = np.empty(count, self.dtype)
        for done in range(0, count, each * _TOGETHER):
            n_blocks = min(_TOGETHER, -(-(count - done) // each))
            starts = begin + (done // each + np.arange(n_blocks)) * step
            made = self._blocks(samples, starts)[:, lost + first : lost + first + each]
            result[done : done + made.size] = made.reshape(-1)[: count - done]
        return result

    def _blocks(self, samples: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Blocks of input that begin at `starts`, filtered and resampled, ends included."""
        up, down = self.resampling.up, self.resampling.down
        blocks = np.empty((len(starts), self._length))
        for block, start in zip(blocks, starts, strict=True):
            lo, hi = np.clip((start, start + self._length), 0, len(samples))
            block[: lo - start], block[hi - start :] = samples[0], samples[-1]
            block[lo - start : hi - start] = samples[lo:hi]
        blocks -= samples[0]
        spectra = transferred(scipy.fft.rfft(blocks, overwrite_x=True), self._spectrum, up, down)
        return np.asarray(scipy.fft.irfft(spectra, self._length * up // down, overwrite_x=True))

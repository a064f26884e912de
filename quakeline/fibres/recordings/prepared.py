"""A recording made ready page by page: memory is that of a page, whatever the duration."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np

from quakeline.fibres.recordings.arrays import Transform
from quakeline.fibres.recordings.preprocess import averaged
from quakeline.fibres.recordings.recording import Recording
from quakeline.signal.gaps import runs_of

#: Numbers of a page (240 MB as float32), its shortest and longest length in seconds.
_MOST_VALUES = 60_000_000
_SHORTEST_S, _LONGEST_S = 15.0, 120.0
_PAGES = 2


@dataclass
class Prepared:
    """Prepared samples of a recording on the absolute grid of its rate; gaps are NaN.

    Pages lie at multiples of their length since 1970, so that a sample does not depend on what
    was asked for. `dx` is the spacing in m, None where it is uneven.
    """

    recording: Recording
    transforms: list[Transform]
    dx: float | None
    channel_step: int = 1
    _pages: OrderedDict[int, np.ndarray] = field(default_factory=OrderedDict)
    _ahead: tuple[int, np.ndarray] = (0, np.zeros((0, 0), np.float32))

    @property
    def n_channels(self) -> int:
        """Channels that come out."""
        return len(self.recording.channels) // self.channel_step

    @property
    def page_samples(self) -> int:
        """Samples of a page."""
        rate = self.recording.rate_hz
        seconds = _MOST_VALUES / (max(len(self.recording.channels), 1) * rate)
        return int(min(max(seconds, _SHORTEST_S), _LONGEST_S) * rate)

    @property
    def reach(self) -> int:
        """Samples on both sides of a sample that it depends on."""
        return int(sum(step.reach_s for step in self.transforms) * self.recording.rate_hz) + 1

    def read(self, first: int, stop: int) -> np.ndarray:
        """Samples [first, stop) since 1970, (samples, channels) float32."""
        n = self.page_samples
        result = np.empty((stop - first, self.n_channels), np.float32)
        for number in range(first // n, -(-stop // n)):
            page, start = self._page(number), number * n
            lo, hi = max(first, start), min(stop, start + n)
            result[lo - first : hi - first] = page[lo - start : hi - start]
        return result

    def _page(self, number: int) -> np.ndarray:
        if number not in self._pages:
            self._pages[number] = self._made(number)
            while len(self._pages) > _PAGES:
                self._pages.popitem(last=False)
        self._pages.move_to_end(number)
        return self._pages[number]

    def _made(self, number: int) -> np.ndarray:
        start = number * self.page_samples
        first, stop = start - self.reach, start + self.page_samples + self.reach
        raw = self._raw(first, stop)
        page = np.full((self.page_samples, self.n_channels), np.nan, np.float32)
        dt = 1 / self.recording.rate_hz
        for begin, end in runs_of(~np.isnan(raw[:, 0])):
            block = raw[begin:end]
            block = block - block.mean(axis=0)
            for step in self.transforms:
                block = step(block, dt, self.dx)
            lo, hi = max(begin, self.reach), min(end, self.reach + self.page_samples)
            if lo < hi:
                page[lo - self.reach : hi - self.reach] = averaged(
                    block[lo - begin : hi - begin], self.channel_step
                )
        return page

    def _raw(self, first: int, stop: int) -> np.ndarray:
        """Resampled data; what the page before has read already is not read again."""
        at, held = self._ahead
        if at <= first < at + len(held) < stop:
            old = held[first - at :]
            raw = np.concatenate([old, self.recording.read(first + len(old), stop)])
        else:
            raw = self.recording.read(first, stop)
        keep = min(2 * self.reach, len(raw))
        self._ahead = (stop - keep, raw[len(raw) - keep :].copy())
        return raw

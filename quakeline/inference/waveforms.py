"""Where the engine reads: instruments on one absolute sample grid, filtered as the network asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from quakeline.models.cards import Card
from quakeline.signal.filters import butterworth, filtered

#: Samples that are read (and filtered) at once, on an absolute grid: an hour at 100 Hz.
PAGE_SAMPLES = 360_000


class Waveforms(Protocol):
    """Instruments on one absolute sample grid."""

    @property
    def n_instruments(self) -> int:
        """How many instruments there are."""

    @property
    def in_memory(self) -> bool:
        """Whether any few samples are read as quickly as many: nothing is opened or unpacked."""

    def read(self, instrument: int, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Samples (float32) and mask, (components, stop - start), for absolute samples.

        Where there are no samples they are zero and the mask is False.
        """


class Arrays:
    """Waveforms in memory or in a Zarr store: `data` and `valid` (instrument, component, time).

    `start` is the index of the first sample since 1970, `components` names the second axis,
    `wanted` the components that are read, in their order (e.g. "ENZ"); one that is not there counts
    as missing.
    """

    def __init__(
        self, data: Any, valid: Any, start: int, components: Sequence[str], wanted: str
    ) -> None:
        self._data, self._valid, self._start = data, valid, start
        self._order = [components.index(name) if name in components else -1 for name in wanted]
        self._in_order = self._order == list(range(data.shape[1]))

    @property
    def n_instruments(self) -> int:
        """How many instruments there are."""
        return int(self._data.shape[0])

    @property
    def in_memory(self) -> bool:
        """See `Waveforms.in_memory`."""
        return isinstance(self._data, np.ndarray)

    def read(self, instrument: int, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Waveforms.read`; what lies in memory already is not copied, and so read-only."""
        lo = max(start, self._start)
        hi = min(stop, self._start + self._data.shape[-1])
        if (lo, hi) == (start, stop) and self._in_order:
            there = slice(lo - self._start, hi - self._start)
            samples = np.asarray(self._data[instrument, :, there], np.float32).view()
            mask = np.asarray(self._valid[instrument, :, there], bool).view()
            samples.flags.writeable = mask.flags.writeable = False
            return samples, mask
        shape = (len(self._order), stop - start)
        data, valid = np.zeros(shape, np.float32), np.zeros(shape, bool)
        if lo < hi:
            there = slice(lo - self._start, hi - self._start)
            here = slice(lo - start, hi - start)
            samples, mask = self._data[instrument, :, there], self._valid[instrument, :, there]
            for row, component in enumerate(self._order):
                if component >= 0:
                    data[row, here], valid[row, here] = samples[component], mask[component]
        return data, valid


class Paged:
    """Reads another source in pages of an absolute grid and filters (or scales) each page once.

    Pages (of `page` samples) lie on an absolute grid, so that filtered samples do not depend on how
    data were cut. What lies in memory and stays as it is is read without them.
    """

    def __init__(self, source: Waveforms, card: Card, page: int = PAGE_SAMPLES) -> None:
        self._source, self._card, self._size = source, card, page
        self._context = round(card.context_s * card.sampling_rate_hz)
        self._held: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}
        self._plain = card.filter is None and card.normalisation != "max-600s"
        self._sections = None
        if card.filter:
            rule = card.filter
            self._sections = butterworth(
                rule.low_hz, rule.high_hz, rule.order, card.sampling_rate_hz
            )

    @property
    def n_instruments(self) -> int:
        """How many instruments there are."""
        return self._source.n_instruments

    @property
    def in_memory(self) -> bool:
        """See `Waveforms.in_memory`."""
        return self._source.in_memory

    def read(self, instrument: int, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Waveforms.read`."""
        if self._plain and self._source.in_memory:
            return self._source.read(instrument, start, stop)
        size = self._size
        pages = range(start // size, -(-stop // size))
        parts = []
        for page in pages:
            origin = page * size
            cut = slice(max(start - origin, 0), min(stop - origin, size))
            parts.append([array[:, cut] for array in self._page(instrument, page)])
        if len(parts) == 1:
            return parts[0][0], parts[0][1]
        data, valid = (np.concatenate(arrays, axis=1) for arrays in zip(*parts, strict=True))
        return data, valid

    def _page(self, instrument: int, page: int) -> tuple[np.ndarray, np.ndarray]:
        """A page from memory, where the last two are kept, or else read."""
        key = (instrument, page)
        if key not in self._held:
            self._held = dict(list(self._held.items())[-1:])
            self._held[key] = self._read_page(instrument, page)
        return self._held[key]

    def _read_page(self, instrument: int, page: int) -> tuple[np.ndarray, np.ndarray]:
        start = page * self._size
        wide = self._context
        data, valid = self._source.read(instrument, start - wide, start + self._size + wide)
        if self._sections is not None and self._card.filter is not None:
            data = filtered(data, valid, self._sections, zero_phase=self._card.filter.zero_phase)
        inner = slice(wide, wide + self._size)
        if self._card.normalisation == "max-600s":
            return _scaled(data[:, inner], round(600 * self._card.sampling_rate_hz)), valid[
                :, inner
            ]
        return data[:, inner], valid[:, inner]


def _scaled(data: np.ndarray, length: int) -> np.ndarray:
    """Samples (components, n) over the largest absolute value of each `length` of them."""
    scaled = np.zeros_like(data)
    for first in range(0, data.shape[1], length):
        part = data[:, first : first + length]
        largest = np.abs(part).max()
        if largest > 0:
            scaled[:, first : first + length] = part / largest
    return scaled

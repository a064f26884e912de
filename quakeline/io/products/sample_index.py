"""The times of a grid of samples as an index of xarray that takes no memory."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from xarray import Variable
from xarray.core.indexing import IndexSelResult
from xarray.indexes import CoordinateTransform, CoordinateTransformIndex, Index, PandasIndex

from quakeline.core.timeline import SECOND, first_sample

TIME = "time"


class SampleTimes(CoordinateTransform):
    """Times of `count` samples, each `step` behind the other, from sample `first` since 1970."""

    def __init__(self, first: int, count: int, rate_hz: float, step: int = 1) -> None:
        super().__init__((TIME,), {TIME: count}, np.dtype("datetime64[ns]"))
        self.first, self.count, self.rate_hz, self.step = first, count, rate_hz, step

    def forward(self, dim_positions: dict[str, Any]) -> dict[Hashable, Any]:
        """Times at positions; as `quakeline.core.timeline.sample_time`, in int64."""
        rate_mhz = round(self.rate_hz * 1_000)
        samples = self.first + self.step * np.asarray(dim_positions[TIME]).astype(np.int64)
        seconds, rest = np.divmod(samples * 1_000, rate_mhz)
        ns = seconds * SECOND + (2 * rest * SECOND + rate_mhz) // (2 * rate_mhz)
        return {TIME: ns.astype("datetime64[ns]")}

    def equals(self, other: CoordinateTransform, **_: Any) -> bool:
        """Whether another one has the same times."""
        return isinstance(other, SampleTimes) and self._key == other._key

    @property
    def _key(self) -> tuple[int, int, float, int]:
        return self.first, self.count, self.rate_hz, self.step

    def sliced(self, part: slice) -> Self:
        """The times of a slice, whose step is positive."""
        kept = range(self.count)[part]
        first = self.first + kept.start * self.step
        return type(self)(first, len(kept), self.rate_hz, self.step * kept.step)

    def position(self, time_ns: int) -> int:
        """Of the first sample at or after a time, 0 to `count`."""
        ahead = first_sample(time_ns, self.rate_hz) - self.first
        return min(max(-(-ahead // self.step), 0), self.count)


class SampleIndex(CoordinateTransformIndex):
    """Index along "time" of evenly sampled data: selects by slices, times or the nearest sample.

    It behaves as that of pandas, but holds no times: a year at 100 Hz would take 25 GB. Arrays with
    different times are not aligned.
    """

    transform: SampleTimes

    def isel(self, indexers: Mapping[Any, Any]) -> Index | None:
        """The index of a slice; that of pandas for single samples."""
        at = indexers[TIME]
        if isinstance(at, slice) and (at.step is None or at.step > 0):
            return type(self)(self.transform.sliced(at))
        at = np.arange(self.transform.count)[at] if isinstance(at, slice) else np.asarray(at)
        if at.ndim != 1:
            return None
        return PandasIndex(pd.DatetimeIndex(self._times(at)), TIME)

    def sel(
        self, labels: dict[Any, Any], method: Any = None, tolerance: Any = None
    ) -> IndexSelResult:
        """Positions of times: of a slice (both ends count), or of samples.

        Raises KeyError where a time is not that of a sample, unless `method` is "nearest".
        """
        label = labels[TIME]
        if isinstance(label, slice):
            start = None if label.start is None else self.transform.position(_ns(label.start))
            stop = None
            if label.stop is not None:
                stop = self.transform.position(_last_ns(label.stop) + 1)
            return IndexSelResult({TIME: slice(start, stop, label.step)})
        times = np.asarray(getattr(label, "values", label))
        found = np.array([self._near(_ns(t), method, tolerance) for t in times.ravel()], dtype=int)
        if times.ndim == 0:
            return IndexSelResult({TIME: int(found[0])})
        dims = label.dims if hasattr(label, "dims") else (TIME,)
        return IndexSelResult({TIME: Variable(dims, found.reshape(times.shape))})

    def to_pandas_index(self) -> pd.Index:
        """All times."""
        return pd.DatetimeIndex(self._times(np.arange(self.transform.count)), name=TIME)

    def _times(self, at: np.ndarray) -> np.ndarray:
        return np.asarray(self.transform.forward({TIME: at})[TIME])

    def _near(self, time_ns: int, method: Any, tolerance: Any) -> int:
        behind = self.transform.position(time_ns)
        around = [k for k in (behind - 1, behind) if 0 <= k < self.transform.count]
        apart = [abs(int(self._times(np.array(k)).astype(np.int64)) - time_ns) for k in around]
        most = 0 if method is None else np.inf
        if tolerance is not None:
            most = min(most, pd.Timedelta(tolerance).value)
        if method not in (None, "nearest") or not apart or min(apart) > most:
            raise KeyError(pd.Timestamp(time_ns))
        return around[apart.index(min(apart))]


def _ns(label: Any) -> int:
    time = pd.Timestamp(label)
    utc = time.tz_convert("UTC") if time.tzinfo else time.tz_localize("UTC")
    return int(utc.as_unit("ns").value)


def _last_ns(label: Any) -> int:
    """The last ns of what a text names, a day or minute, as pandas has it; else of the time."""
    if isinstance(label, str) and pd.Timestamp(label).tzinfo is None:
        return int(pd.Period(label).end_time.as_unit("ns").value)
    return _ns(label)

"""Picks of a DAS model's output: one phase, one channel, one time each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from quakeline.core.errors import ConfigError
from quakeline.fibres.das.callbacks import DASAnnotateCallback, SectionData
from quakeline.fibres.das.patches import PatchCoordinate, PatchingStructure
from quakeline.fibres.das.pick_list import PickList
from quakeline.fibres.das.stack import output_coords
from quakeline.fibres.recordings.arrays import TIME
from quakeline.signal.peaks import highest_peaks

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class _Peaks:
    """Peaks of one phase: index of the output channel and sample, and height."""

    channel: np.ndarray
    sample: np.ndarray
    confidence: np.ndarray


class DASPickingCallback(DASAnnotateCallback):
    """Picks the peaks of probabilities, each channel for itself.

    In every patch the peaks are those of `scipy.signal.find_peaks`; where patches overlap, of two
    picks of a channel and phase within the separation the more confident one stays.

    Parameters
    ----------
    thresholds
        Smallest value of a pick, for all phases or by phase: a probability, or what else the
        network gives. It is above zero, which is what annotations are where data are missing.
    min_time_separation
        Between picks of a phase on a channel, in s.
    blinding
        Samples at the begin and the end of a patch without picks.

    Raises
    ------
    ConfigError
        A threshold or separation that is not above zero, blinding that is not two counts, or (in
        `setup`) no threshold for a phase.

    Examples
    --------
    >>> import quakeline
    >>> import xdas.synthetics
    >>> data = xdas.synthetics.randn_wavefronts()[:4000, :4]
    >>> callback = quakeline.DASPickingCallback(thresholds={"P": 0.3, "S": 0.3})
    >>> report = quakeline.DASWaveformModelWrapper("phasenet").annotate(data, callback)
    >>> callback.get_results_dataframe().columns.tolist()
    ['time', 'confidence', 'channel', 'phase']
    """

    def __init__(
        self,
        thresholds: float | dict[str, float] = 0.2,
        min_time_separation: float = 1.0,
        blinding: tuple[int, int] = (100, 100),
    ) -> None:
        given = thresholds.values() if isinstance(thresholds, dict) else [thresholds]
        for threshold in given:
            if not (_above_zero(threshold) and threshold < np.inf):
                raise ConfigError(
                    f"thresholds: {threshold!r} given; allowed: a number above 0, for all phases or"
                    " each by its name"
                )
        if not _above_zero(min_time_separation):
            raise ConfigError(
                f"min_time_separation: {min_time_separation!r} given; allowed: seconds above 0"
            )
        if not _two_counts(blinding):
            raise ConfigError(
                f"blinding: {blinding!r} given; allowed: two counts of samples, 0 or more"
            )
        self.thresholds = thresholds
        self.min_time_separation = min_time_separation
        self.blinding = blinding
        self.reset()

    def reset(self) -> None:
        """Forget all picks."""
        self._tables: dict[str, list[dict[str, np.ndarray]]] = {}

    def setup(
        self, data: SectionData, patching_structure: PatchingStructure, annotate_keys: Sequence[str]
    ) -> None:
        """See `DASAnnotateCallback.setup`."""
        super().setup(data, patching_structure, annotate_keys)
        if isinstance(self.thresholds, dict):
            absent = [key for key in annotate_keys if key not in self.thresholds]
            if absent:
                raise ConfigError(
                    f"thresholds: none for {', '.join(absent)}; given: {', '.join(self.thresholds)}"
                )
            self._thresholds = dict(self.thresholds)
        else:
            self._thresholds = dict.fromkeys(annotate_keys, float(self.thresholds))
        self._separation = max(int(self.min_time_separation / data.dt), 1)
        self._coords = output_coords(data, patching_structure)[1]
        self.channel_coord_name = data.channel_coord_name
        self._peaks: dict[str, list[_Peaks]] = {key: [] for key in annotate_keys}
        for key in annotate_keys:
            self._tables.setdefault(key, [])

    def handle_patch(
        self,
        annotations: dict[str, np.ndarray],
        in_coords: PatchCoordinate,
        out_coords: PatchCoordinate,
    ) -> None:
        """See `DASAnnotateCallback.handle_patch`."""
        first = self.blinding[0]
        for key, found in self._peaks.items():
            values = annotations[key]
            curves = values[first : max(values.shape[0] - self.blinding[1], first)].T
            if curves.shape[1] == 0:
                continue
            rows, columns = highest_peaks(curves, self._thresholds[key], self._separation)
            if len(rows):
                at = columns + (out_coords.sample + first)
                height = np.asarray(curves[rows, columns])
                found.append(_Peaks(rows + round(out_coords.channel), at, height))

    def finalize(self) -> None:
        """Keep the most confident of the picks that lie too close, over all patches."""
        for key, found in self._peaks.items():
            if not found:
                continue
            channel = np.concatenate([peaks.channel for peaks in found])
            sample = np.concatenate([peaks.sample for peaks in found])
            confidence = np.concatenate([peaks.confidence for peaks in found])
            order = np.lexsort((sample, channel))
            channel, sample, confidence = channel[order], sample[order], confidence[order]
            time = _at(self._coords[TIME], sample)
            near = np.timedelta64(int(self.min_time_separation * 1e9), "ns")
            keep = _highest(channel, time, confidence, near)
            self._tables[key].append(
                {
                    "time": time[keep],
                    "confidence": confidence[keep],
                    "channel": _at(self._coords[self.channel_coord_name], channel[keep]),
                }
            )
        self._peaks = {}

    def get_results_dataframe(self) -> pd.DataFrame:
        """All picks: time (UTC), confidence, channel (its coordinate), phase, by channel, time."""
        import pandas as pd

        tables = [
            pd.DataFrame(table).assign(phase=phase)
            for phase, parts in self._tables.items()
            for table in parts
        ]
        if not tables:
            columns = {"time": "datetime64[ns]", "confidence": "f4", "channel": "f8"}
            return pd.DataFrame({name: pd.Series(dtype=d) for name, d in columns.items()}).assign(
                phase=pd.Series(dtype=str)
            )
        return pd.concat(tables, ignore_index=True)

    def get_results_dict(self) -> dict[str, PickList]:
        """Sequences of `DASPick` by phase, by channel and then time in each gapless section."""
        return {
            phase: PickList(phase, **_joined(parts)) if parts else PickList.empty(phase)
            for phase, parts in self._tables.items()
        }


def _joined(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Tables with the same columns as one."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _at(coord: Any, index: np.ndarray) -> np.ndarray:
    """Values of a coordinate at indices that may be fractions."""
    whole = np.floor(index).astype(np.int64)
    values = np.asarray(coord[whole].values)
    part = index - whole
    if not part.any():
        return values
    following = np.asarray(coord[np.minimum(whole + 1, len(coord) - 1)].values)
    step = following - values
    if np.issubdtype(step.dtype, np.timedelta64):
        return np.asarray(values + np.round(step.astype(np.int64) * part).astype(step.dtype))
    return np.asarray(values + step * part)


def _above_zero(value: object) -> bool:
    return isinstance(value, int | float | np.number) and bool(value > 0)


def _two_counts(value: object) -> bool:
    if not isinstance(value, Sequence) or len(value) != 2:
        return False
    return all(isinstance(n, int | np.integer) and n >= 0 for n in value)


def _highest(
    channel: np.ndarray, time: np.ndarray, confidence: np.ndarray, near: np.timedelta64
) -> np.ndarray:
    """Which picks have no more confident one of their channel within a time; sorted by both."""
    keep = np.ones(len(time), bool)
    for step in range(1, len(time)):
        pair = (channel[step:] == channel[:-step]) & (time[step:] - time[:-step] <= near)
        if not pair.any():
            break
        keep[:-step] &= ~(pair & (confidence[step:] > confidence[:-step]))
        keep[step:] &= ~(pair & (confidence[:-step] > confidence[step:]))
    return keep

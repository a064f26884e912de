"""Curves of one instrument to picks, as they come: those of archives, as soon as they are sure."""

from __future__ import annotations

import numpy as np
import pandas as pd

from quakeline.live.preparing import Motion
from quakeline.picking.extraction import BlockPicker, Samples
from quakeline.signal.peaks import find_peaks

#: Widths of probability peaks are measured this far around them, in seconds.
_WIDTH_S = 1.0


class Picking:
    """Holds what picks that are still to come depend on; samples are counted since 1970.

    `begin` is the first sample of the curves, `silent_until` the one from which on picks are given.
    """

    def __init__(self, picker: BlockPicker, label: str, begin: int, silent_until: int) -> None:
        self._picker, self._label = picker, label
        self._silent_until = silent_until
        self._start = begin
        self._curves = np.zeros((len(picker.origin.phases), 0), np.float32)
        #: Picks before this sample were made.
        self.done = begin
        self._waiting: list[int] = []
        rules = picker.rules
        nearest_s = max(rules.min_distance_s, _WIDTH_S)
        self._reach = round(nearest_s * picker.origin.rate_hz) + 1

    @property
    def context(self) -> int:
        """Samples of motion around a pick that count for it."""
        return self._picker.context

    @property
    def curves(self) -> tuple[int, np.ndarray]:
        """First sample and probabilities, (phases, n), that are held."""
        return self._start, self._curves

    def add(self, start: int, curves: np.ndarray) -> None:
        """Take the next probabilities, (phases, n), which begin at a sample."""
        missing = start - (self._start + self._curves.shape[1])
        if missing > 0:
            curves = np.pad(curves, ((0, 0), (missing, 0)))
        self._curves = np.concatenate([self._curves, curves], axis=1)
        self._waiting = self._candidates()

    def _candidates(self) -> list[int]:
        """Samples at which there will be picks, as far as the curves are known, in order."""
        origin, rules = self._picker.origin, self._picker.rules
        distance = max(round(rules.min_distance_s * origin.rate_hz), 1)
        found = [
            find_peaks(row, rules.thresholds[phase], distance)
            for row, phase in zip(self._curves, origin.phases, strict=True)
        ]
        at = np.sort(np.concatenate(found)) + self._start
        last = self._start + self._curves.shape[1] - self._reach
        first = max(self.done, self._silent_until)
        return [int(one) for one in at[(at >= first) & (at < last)]]

    @property
    def wanted(self) -> int | None:
        """The first sample that must be known for the next pick; None: no pick is waiting."""
        return self._waiting[0] + self.context + 1 if self._waiting else None

    def make(self, motion: Motion) -> pd.DataFrame | None:
        """Picks that nothing can change any more; None: no new ones."""
        known = motion.end - self.context
        last = min(self._start + self._curves.shape[1] - self._reach, known)
        return self._make(last, motion) if last > self.done else None

    def preliminary(self, ahead: np.ndarray, motion: Motion) -> tuple[pd.DataFrame | None, int]:
        """Picks that something may still change, and the sample before which these are all.

        None: there are no such picks. `ahead` are probabilities beyond the final ones, (phases, n).
        What is not known yet counts as data without motion: ratios and amplitudes are those of what
        is there.
        """
        curves = np.concatenate([self._curves, ahead], axis=1)
        rules, phases = self._picker.rules, self._picker.origin.phases
        nearest = round(rules.min_distance_s * self._picker.origin.rate_hz) + 1
        first, last = max(self.done, self._silent_until), self._start + curves.shape[1] - nearest
        new = curves[:, max(first - self._start, 0) :]
        high = [
            (row >= rules.thresholds[phase]).any() for row, phase in zip(new, phases, strict=True)
        ]
        if first >= last or not any(high):
            return None, max(first, last)
        wide = first - self.context, last + self.context
        known = Samples(curves, self._start).cut(*wide)
        data, valid = (Samples(one, motion.start).cut(*wide) for one in (motion.data, motion.valid))
        unknown = max(motion.end - wide[0], 0)
        valid[:, unknown:] = motion.valid[:, -1:] if motion.valid.shape[1] else False
        picks = self._picker.pick(
            self._label, motion.units, first, known, data, valid, motion.clipped
        )
        return (picks if len(picks) else None), last

    def _make(self, last: int, motion: Motion) -> pd.DataFrame | None:
        first, self.done = max(self.done, self._silent_until), max(last, self.done)
        if first >= last:
            self._trim()
            return None
        there = [one for one in self._waiting if one < last]
        self._waiting = self._waiting[len(there) :]
        if not there:
            self._trim()
            return None
        wide = first - self.context, last + self.context
        curves = Samples(self._curves, self._start).cut(*wide)
        data, valid = (Samples(one, motion.start).cut(*wide) for one in (motion.data, motion.valid))
        picks = self._picker.pick(
            self._label, motion.units, first, curves, data, valid, motion.clipped
        )
        self._trim()
        return picks if len(picks) else None

    def _trim(self) -> None:
        n = self.done - self._reach - self._start
        if n > 0:
            self._curves = self._curves[:, n:]
            self._start += n

"""Raw pieces of an instrument to samples on the network's grid, stretch by stretch.

A stretch is prepared as a chunk of an archive is, by the same code, from the raw samples around it:
what is prepared does not depend on how it is cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from quakeline.core.clock import REACH_S
from quakeline.core.reasons import Code, Reason, reasons_in
from quakeline.core.timeline import SECOND, Span, first_sample, sample_time
from quakeline.live.channel import Channel
from quakeline.live.remarks import Remarks
from quakeline.signal.quality import idle as is_idle
from quakeline.signal.resample import reach_s
from quakeline.waveforms.preparation.components import Codes, Judge, Preparer, by_channel
from quakeline.waveforms.preparation.coverage import united
from quakeline.waveforms.preparation.orientation import COMPONENTS
from quakeline.waveforms.preparation.raw import RawPieces
from quakeline.waveforms.preparation.settings import Response

#: Faults of single samples are found from so many raw samples around them.
_FAULT_SAMPLES = 40
#: Raw samples are read this much farther back than anything reaches, in seconds.
_SPARE_S = 10.0
_NO_RUNS = np.zeros((0, 2), np.int64)


#: Channel codes that are used, and COVERAGE rows of the others.
_Chosen = tuple[list[str], list[dict[str, Any]]]


@dataclass(frozen=True)
class Preparation:
    """Those settings of the section `prepare` that hold for packets.

    `instruments` are the band and instrument codes that are used; empty: all.
    """

    bridge_gap_s: float
    mend_spikes: bool
    response: Response
    instruments: tuple[str, ...] = ()


class SoFar(Judge):
    """What holds of the channels of an instrument as far as the session has seen them."""

    def __init__(self, channels: Mapping[tuple[str, ...], Channel]) -> None:
        self._channels = channels

    def counts(self, codes: tuple[str, ...]) -> bool | None:
        """See `Judge.counts`."""
        return self._channels[codes].whole

    def unused(
        self, codes: tuple[str, ...], data: np.ndarray, valid: np.ndarray, idle: Reason | None
    ) -> Reason | None:
        """See `Judge.unused`."""
        if not valid.any():
            return Reason.of(Code.NO_USABLE_SAMPLES)
        one = self._channels[codes]
        if np.float32(one.low) == np.float32(one.high):
            return Reason.of(Code.DEAD, value=one.low)
        if is_idle(one.low, one.high, one.whole):
            return Reason.of(Code.IDLE, low=one.low, high=one.high)
        return None


@dataclass(frozen=True)
class Stretch:
    """Prepared samples and mask (components, n), their units (None: nothing is usable).

    `clipped` are runs [first, end) of samples since 1970 in which amplitudes are wrong.
    """

    data: np.ndarray
    valid: np.ndarray
    units: str | None
    clipped: np.ndarray


class Choice:
    """Which channels of an instrument may become components, by their codes and rates.

    It is made once for all instruments with the same channels: hundreds of stations begin at once.
    """

    def __init__(self, preparer: Preparer) -> None:
        self._preparer = preparer
        self._made: dict[tuple[tuple[str, float], ...], _Chosen] = {}

    def of(self, rates: Mapping[tuple[str, ...], float]) -> _Chosen:
        """Channel codes that are used, in order, and COVERAGE rows of the others.

        `rates` (Hz) have the codes, from network to channel, of all channels of an instrument.
        """
        key = tuple(sorted((codes[3], rate_hz) for codes, rate_hz in rates.items()))
        if key not in self._made:
            frame = rows_of([*rates])
            frame["sampling_rate_hz"] = [*rates.values()]
            groups, report = self._preparer.instruments(frame, [])
            used = [codes[3] for rows in groups.values() for codes, _ in by_channel(rows)]
            self._made[key] = used, report
        return self._made[key]


def rows_of(codes: list[tuple[str, ...]]) -> pd.DataFrame:
    """Rows of a manifest that name channels (codes from network to channel)."""
    frame = pd.DataFrame(codes, columns=["network", "station", "location", "channel"])
    return frame.assign(path=None)


class Preparing:
    """The raw channels of one instrument, and how they become components.

    `label` is NET.STA.LOC.BI; `preparer` and `choice` are those of all instruments.
    """

    def __init__(
        self, label: str, preparer: Preparer, remarks: Remarks, choice: Choice | None = None
    ) -> None:
        self.label, self._remarks = label, remarks
        self._choice = choice or Choice(preparer)
        self.channels: dict[tuple[str, ...], Channel] = {}
        self.rates: dict[tuple[str, ...], float] = {}
        self._rows: list[tuple[Codes, pd.DataFrame]] | None = None
        self._used: set[tuple[str, ...]] = set()
        self._preparer = preparer.judged(SoFar(self.channels))

    def add(self, codes: tuple[str, ...], channel: Channel, rate_hz: float) -> None:
        """Begin with a channel."""
        self.channels[codes], self.rates[codes] = channel, rate_hz
        self._rows = None

    @property
    def used(self) -> set[tuple[str, ...]]:
        """Codes of the channels that may become components."""
        self._usable_rows()
        return self._used

    def _usable_rows(self) -> list[tuple[Codes, pd.DataFrame]]:
        if self._rows is None:
            used, report = self._choice.of({codes: self.rates[codes] for codes in self.channels})
            place = self.label.split(".")[:3]
            chosen = [(*place, channel) for channel in used]
            self._rows = [(codes, rows_of([codes])) for codes in chosen]
            self._used = set(chosen)
            for row in report:
                self._note(row)
        return self._rows

    @property
    def reach_s(self) -> float:
        """Seconds of raw samples behind a prepared one, and before it, on which it depends."""
        preparer = self._preparer
        reach = 0.0
        for codes, rate_hz in self.rates.items():
            own = reach_s(rate_hz, preparer.rate_hz) + _FAULT_SAMPLES / rate_hz
            if preparer.knows(codes):
                own += preparer.response.reach_s or 0.0
            reach = max(reach, own)
        even = all(one.even for one in self.channels.values())
        return reach + preparer.bridge_gap_s + (0.0 if even else REACH_S)

    @property
    def back_s(self) -> float:
        """Seconds of raw samples that are kept before the first that is not prepared yet."""
        return self.reach_s + _SPARE_S

    def stretch(self, first: int, last: int) -> Stretch | None:
        """Grid samples [first, last); None where there is nothing at all."""
        rate_hz = self._preparer.rate_hz
        span = Span(sample_time(first, rate_hz), sample_time(last, rate_hz))
        wide = span.widen(self.back_s)
        rows = self._usable_rows()
        near = {
            ".".join(codes): [
                one for one in c.pieces if one.start_ns < wide.end_ns and one.end_ns > wide.start_ns
            ]
            for codes, c in self.channels.items()
        }
        if not len(rows) or not any(near.values()):
            return None
        preparer = self._preparer.at(span, partial(RawPieces, near))
        made = preparer.prepared_of(self.label, rows)
        for row in made.coverage:
            self._note(row)
        data, valid = made.stacked()
        begin = first - preparer.grid.start_sample
        inner = slice(begin, begin + last - first)
        units = made.units if made.usable else None
        return Stretch(data[:, inner], valid[:, inner], units, made.clipped)

    def _note(self, row: Mapping[str, object]) -> None:
        where = self.label
        if row["status"] == "unused":
            channels = str(row["channels"])
            where = ".".join([*self.label.split(".")[:3], channels])
        self._remarks.found(where, reasons_in(row["notes"], row["notes_codes"]))

    def memory(self) -> dict[str, list[Any]]:
        """Of each channel smallest and largest sample, and whether all are whole numbers."""
        return {
            ".".join(codes): [one.low, one.high, one.whole]
            for codes, one in self.channels.items()
            if one.low <= one.high
        }

    def drop(self, before_ns: int) -> None:
        """Forget raw samples before a time."""
        for channel in self.channels.values():
            channel.drop(before_ns)


class Motion:
    """Prepared samples of an instrument, (components, time) in the order of COMPONENTS.

    They begin at the absolute sample `start`, on the grid of the network; `clipped` are runs
    [first, end) in which amplitudes are wrong.
    """

    def __init__(self, start: int) -> None:
        self.start = start
        self.data = np.zeros((len(COMPONENTS), 0), np.float32)
        self.valid = np.zeros((len(COMPONENTS), 0), bool)
        self.clipped = _NO_RUNS
        self.units = "counts"

    @property
    def end(self) -> int:
        """The first sample that is not prepared yet."""
        return self.start + self.data.shape[1]

    def add(self, made: Stretch | None, n: int) -> None:
        """Append a stretch of n samples; None: without any data."""
        if made is None:
            shape = (len(COMPONENTS), n)
            made = Stretch(np.zeros(shape, np.float32), np.zeros(shape, bool), None, _NO_RUNS)
        self.units = made.units or self.units
        self.clipped = united(np.concatenate([self.clipped, made.clipped]))
        self.data = np.concatenate([self.data, made.data], axis=1)
        self.valid = np.concatenate([self.valid, made.valid], axis=1)

    def drop(self, before: int) -> None:
        """Forget samples before one."""
        n = before - self.start
        if n > 0:
            self.data, self.valid = self.data[:, n:], self.valid[:, n:]
            self.clipped = self.clipped[self.clipped[:, 1] > before]
            self.start = before


def after(time_ns: int, reach: float, rate_hz: float) -> int:
    """The first grid sample that depends on raw samples at or after a time."""
    return first_sample(time_ns - round(reach * SECOND), rate_hz)

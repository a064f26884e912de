"""The recording of a fibre in a chunk: its files as virtual arrays, read on one absolute grid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from quakeline.core.clock import STEP, drift_notes
from quakeline.core.errors import DataError
from quakeline.core.reasons import Code, Reason
from quakeline.core.timeline import SECOND, Span, first_sample, iso
from quakeline.fibres.recordings.description import Format
from quakeline.fibres.recordings.files import Stretch, missing_members, open_file, unread
from quakeline.fibres.recordings.leaps import late
from quakeline.fibres.recordings.runs import Run, runs
from quakeline.fibres.recordings.virtual_files import filled
from quakeline.signal.clocked import on_grid
from quakeline.signal.gaps import runs_of
from quakeline.signal.resample import reach_s

__all__ = ["Recording", "Run", "SurveyedFile", "runs", "survey"]

#: Raw numbers in memory at once; channels that are resampled at once.
_MOST_VALUES = 30_000_000
_CHANNELS_AT_ONCE = 256


@dataclass(frozen=True)
class SurveyedFile:
    """A part of a file and what is to be done with it: status and reasons as in MANIFEST."""

    path: Path
    stretch: Stretch | None
    status: str
    reasons: tuple[Reason, ...] = ()


def survey(paths: list[Path], form: Format, span: Span) -> list[SurveyedFile]:
    """Open the files of a fibre and say of every part that touches the span whether it serves.

    Files with other channels than most of the chunk's are refused by name; a part that lies inside
    an earlier one is not used.
    """
    found: list[SurveyedFile] = []
    for path in paths:
        try:
            parts = open_file(path, form)
            told = (*_missing(missing_members(path)), *_unread(unread(path, parts)))
        except DataError as error:
            why = Reason.of(Code.UNREADABLE, why=str(error))
            found.append(SurveyedFile(path, None, "unreadable", (why,)))
            continue
        found += [
            SurveyedFile(path, part, "data", (*told, *part.warned))
            for part in parts
            if part.start_ns < span.end_ns and part.end_ns > span.start_ns
        ]
    return _without_repeats(_of_one_layout(found))


def _missing(members: list[str]) -> tuple[Reason, ...]:
    if not members:
        return ()
    more = f" and {len(members) - 3} more" if len(members) > 3 else ""
    return (Reason.of(Code.MEMBERS_MISSING, members=", ".join(members[:3]) + more),)


def _unread(names: list[str]) -> tuple[Reason, ...]:
    return (Reason.of(Code.ARRAYS_UNREAD, names=", ".join(names[:3])),) if names else ()


def of_one_layout(parts: Sequence[Stretch]) -> list[Stretch]:
    """Parts of files that have the channels of most of them."""
    found = _of_one_layout([SurveyedFile(part.path, part, "data") for part in parts])
    return [one.stretch for one in found if one.stretch and one.status == "data"]


def _of_one_layout(found: list[SurveyedFile]) -> list[SurveyedFile]:
    votes: Counter[int] = Counter()
    for item in found:
        if item.stretch:
            votes[len(item.stretch.distances)] += item.stretch.n_samples
    if not votes:
        return found
    most = votes.most_common(1)[0][0]
    like = next(i.stretch for i in found if i.stretch and len(i.stretch.distances) == most)
    return [_compared(item, like.distances) for item in found]


def _compared(item: SurveyedFile, distances: np.ndarray) -> SurveyedFile:
    if item.stretch is None:
        return item
    own = item.stretch.distances
    reason = None
    if len(own) != len(distances):
        reason = Reason.of(Code.OTHER_CHANNELS, own=len(own), most=len(distances))
    elif len(own) > 1 and np.abs(own - distances).max() > np.median(np.abs(np.diff(distances))) / 2:
        ends = {"own_first": own[0], "own_last": own[-1]}
        ends |= {"first": distances[0], "last": distances[-1]}
        reason = Reason.of(Code.OTHER_DISTANCES, **ends)
    return SurveyedFile(item.path, item.stretch, "unused", (reason,)) if reason else item


def _without_repeats(found: list[SurveyedFile]) -> list[SurveyedFile]:
    result = [item for item in found if item.status != "data" or item.stretch is None]
    used = sorted(
        ((i.stretch.start_ns, -i.stretch.n_samples, str(i.path), i) for i in found
         if i.status == "data" and i.stretch), key=lambda entry: entry[:3],
    )  # fmt: skip
    leaps = late([item.stretch for _, _, _, item in used if item.stretch])
    end = -(1 << 62)
    for number, (_, _, _, item) in enumerate(used):
        part = item.stretch
        assert part is not None
        true_end = part.end_ns - (SECOND if number in leaps else 0)
        overlap = end - part.start_ns
        if true_end <= end:
            result.append(SurveyedFile(item.path, part, "unused", (Reason.of(Code.SAME_TIME),)))
            continue
        if number in leaps:
            note = Reason.of(Code.LEAP_SECOND)
            item = SurveyedFile(item.path, part, "data", (*item.reasons, note))
        if overlap > STEP * SECOND / part.rate_hz:
            note = Reason.of(Code.BEGINS_EARLY, seconds=overlap / SECOND)
            item = SurveyedFile(item.path, part, "data", (*item.reasons, note))
        result.append(item)
        end = true_end
    return result


@dataclass
class Recording:
    """Runs of a fibre read at one rate on the absolute sample grid.

    `notes` gathers what was found on the way, with the number of samples in `counts`, and
    `changed` which channels ever changed.
    """

    runs: list[Run]
    channels: np.ndarray
    rate_hz: float
    notes: set[Reason] = field(default_factory=set)
    counts: Counter[Code] = field(default_factory=Counter)
    changed: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))

    def __post_init__(self) -> None:
        self.changed = np.zeros(len(self.channels), bool)

    @property
    def found(self) -> list[Reason]:
        """All that was found on the way, in order of words."""
        counted = [Reason.of(code, n) for code, n in self.counts.items()]
        drifts = drift_notes(run.clock for run in self.runs)
        return sorted([*self.notes, *counted, *drifts], key=str)

    def read(self, first: int, stop: int) -> np.ndarray:
        """Samples [first, stop) since 1970 at the rate, (samples, channels) float32; gaps NaN."""
        page = np.full((stop - first, len(self.channels)), np.nan, np.float32)
        for run in self.runs:
            margin = reach_s(run.rate_hz, self.rate_hz) + 2 / run.rate_hz
            lo = first_sample(run.start_ns, self.rate_hz)
            hi = first_sample(run.end_ns, self.rate_hz) + 1
            at, end = max(first, lo), min(stop, hi)
            per = max(_MOST_VALUES // max(int(run.array.sizes["distance"] * run.rate_hz), 1), 1)
            step = max(int(per * self.rate_hz), 1)
            for begin in range(at, end, step):
                self._lay(page, first, run, (begin, min(begin + step, end)), margin)
        return page

    def _lay(
        self, page: np.ndarray, first: int, run: Run, part: tuple[int, int], margin: float
    ) -> None:
        """Resample one part of a run onto the page."""
        wanted = [round((i / self.rate_hz) * SECOND) - run.start_ns for i in part]
        places = run.clock.places(np.array(wanted, float), run.start_ns)
        begin = max(int(places[0] - margin * run.rate_hz), 0)
        end = min(int(places[1] + margin * run.rate_hz) + 2, run.n_samples)
        raw = self._raw(run, begin, end)
        if raw is None:
            return
        lost = ~np.isfinite(raw).all(axis=1) if raw.dtype.kind == "f" else np.zeros(len(raw), bool)
        lost = self._gaps(raw, lost)
        for a, b in runs_of(~lost):
            clock = run.clock.after(begin + a)
            for k in range(0, raw.shape[1], _CHANNELS_AT_ONCE):
                some = raw[a:b, k : k + _CHANNELS_AT_ONCE].T
                at, values = on_grid(some, clock, self.rate_hz)
                lo, hi = max(at, part[0]), min(at + values.shape[1], part[1])
                if lo < hi:
                    columns = slice(k, k + some.shape[0])
                    page[lo - first : hi - first, columns] = values[:, lo - at : hi - at].T

    def _raw(self, run: Run, begin: int, end: int) -> np.ndarray | None:
        """The used channels of samples [begin, end) of a run; None where they cannot be read."""
        try:
            block = run.members.read(begin, end)
        except Exception as error:  # every library raises its own errors for a damaged file
            place = iso(run.clock.time_ns(begin), 0)
            why = " ".join(str(error).split())[:120]
            self.notes.add(Reason.of(Code.UNREADABLE_NEAR, time=place, why=why))
            return None
        self.notes.update(run.members.absent)
        lost = filled(block)
        block = block[:, self.channels]
        if lost.any():
            block = block.astype(np.result_type(block.dtype, np.float32))
            block[lost] = np.nan
        return block

    def _gaps(self, raw: np.ndarray, partly: np.ndarray) -> np.ndarray:
        """Samples without data: NaN or zero in all channels; single NaN become zero."""
        varies = np.ptp(np.nan_to_num(raw), axis=0) > 0 if len(raw) > 1 else np.zeros(0, bool)
        if len(varies):
            self.changed |= varies
        empty = ~np.nan_to_num(raw).any(axis=1)
        if raw.dtype.kind == "f":
            rest = partly & ~empty
            if rest.any():
                self.counts[Code.ZEROED] += int((~np.isfinite(raw[rest])).sum())
                raw[...] = np.where(np.isfinite(raw) | empty[:, None], raw, 0)
        lengths = [b - a for a, b in runs_of(empty)]
        long = np.zeros(len(empty), bool)
        for (a, b), length in zip(runs_of(empty), lengths, strict=True):
            if length > 1 or raw.dtype.kind == "f":
                long[a:b] = True
        if long.any():
            self.counts[Code.EMPTY_SAMPLES] += int(long.sum())
        return long

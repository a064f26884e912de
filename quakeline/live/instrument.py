"""One instrument of a live session: raw pieces, prepared samples, windows, curves, picks."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from quakeline.core.timeline import SECOND, first_sample, sample_time
from quakeline.inference.engine import Block, Engine, Piece, Session
from quakeline.inference.ensemble import RULES
from quakeline.inference.waveforms import Waveforms
from quakeline.inference.windows import window_starts
from quakeline.live.channel import Channel, Taken
from quakeline.live.measuring import Measuring
from quakeline.live.picks import Picking
from quakeline.live.preparing import Motion, Preparing, after
from quakeline.models.cards import FILTER_CONTEXT_S
from quakeline.picking.extraction import BlockPicker
from quakeline.signal.segments import Segment

#: At most so many seconds are prepared at once.
_STEP_S = 120.0
#: Filtered samples come in pages of this length on an absolute grid, in seconds.
PAGE_S = 30.0


@dataclass(frozen=True)
class Member:
    """A network, its engine at work on all instruments, and where it reads."""

    engine: Engine
    session: Session
    source: Waveforms

    @property
    def page(self) -> int:
        """Samples of a page of filtered samples; 1 where the network has no filter."""
        card = self.engine.card
        return round(PAGE_S * card.sampling_rate_hz) if card.filter else 1

    @property
    def context(self) -> int:
        """Samples that the filter sees beyond a page."""
        card = self.engine.card
        return round(FILTER_CONTEXT_S * card.sampling_rate_hz) if card.filter else 0

    def known(self, end: int) -> int:
        """The first filtered sample that can change, where unfiltered ones are known to an end."""
        return (end - self.context) // self.page * self.page

    def needed(self, sample: int) -> int:
        """The first unfiltered sample that a filtered one depends on."""
        return sample // self.page * self.page - self.context


class Instrument:
    """What a session knows of an instrument.

    `number` names it among the engines; picks before the sample `silent_until` are not given: they
    were given before. `rule` joins the curves of several networks, `measuring` takes picks.
    """

    def __init__(
        self,
        number: int,
        preparing: Preparing,
        members: Sequence[Member],
        picker: BlockPicker,
        rule: str,
        silent_until: int = 0,
        measuring: Measuring | None = None,
    ) -> None:
        self._rule = RULES[rule]
        self.number, self.preparing, self._members = number, preparing, members
        self._picker, self._silent_until, self._measuring = picker, silent_until, measuring
        self.rate_hz = picker.origin.rate_hz
        self.clock_ns = 0
        #: When its last packet came, on the session's clock without pauses of the whole feed.
        self.last_busy_ns = 0
        self._paused_ns = 0
        self._longest_ns = 0
        #: Samples before this time were used, or given up.
        self.committed_ns: int | None = None
        self.motion: Motion | None = None
        self._picking: Picking | None = None
        self._next: list[int] = []
        self._told: list[int] = []
        self._first: list[int] = []
        self._heads: list[list[np.ndarray]] = []
        self._late_since_ns: int | None = None
        self._trail: deque[tuple[int, int, float]] = deque()

    @property
    def label(self) -> str:
        """NET.STA.LOC.BI."""
        return self.preparing.label

    @property
    def done(self) -> int:
        """The sample before which all picks were made; 0 before the first samples."""
        return self._picking.done if self._picking else 0

    @property
    def end_ns(self) -> int:
        """Where its last sample ends."""
        return max((one.end_ns for one in self.preparing.channels.values()), default=0)

    @property
    def begin_ns(self) -> int:
        """Where the first sample lies that is still there; 0 where there is none."""
        pieces = [one for c in self.preparing.channels.values() for one in c.pieces]
        return min((one.start_ns for one in pieces), default=0)

    def add(
        self, codes: tuple[str, ...], piece: Segment, arrived_ns: int, patience_ns: int
    ) -> Taken:
        """Take a piece of a channel."""
        if codes not in self.preparing.channels:
            self.preparing.add(codes, Channel(patience_ns), piece.rate_hz)
        self._pass(piece, arrived_ns, patience_ns)
        if codes not in self.preparing.used:
            return Taken()
        own_ns = arrived_ns - self._paused_ns
        taken = self.preparing.channels[codes].add(piece, own_ns, self.committed_ns)
        if taken.new or taken.repeated:
            self._late_since_ns = None
        elif self._late_since_ns is None:
            self._late_since_ns = arrived_ns
        return taken

    def _pass(self, piece: Segment, arrived_ns: int, patience_ns: int) -> None:
        """Let time pass up to an arrival; a cut of the whole instrument is no time of waiting.

        After it channels come one after the other: those that are still to come are not silent.
        """
        self._longest_ns = max(self._longest_ns, piece.end_ns - piece.start_ns)
        passed_ns = max(arrived_ns - self.clock_ns, 0)
        self.clock_ns += passed_ns
        self._paused_ns += max(passed_ns - max(patience_ns, self._longest_ns), 0)

    def went_back(self, patience_ns: int) -> bool:
        """Whether all that came for longer than the patience was too late."""
        since = self._late_since_ns
        return since is not None and self.clock_ns > since + patience_ns

    def waits_no_longer(self) -> bool:
        """Wait no longer for samples before the first ones; whether a channel did until now."""
        begun = [one.begin() for one in self.preparing.channels.values()]
        return any(begun)

    def known(self) -> int | None:
        """The first grid sample that can still change; None: nothing is known yet."""
        used = self.preparing.used
        times = [
            one.known_ns(self.clock_ns - self._paused_ns)
            for codes, one in self.preparing.channels.items()
            if codes in used
        ]
        sure = [time for time in times if time is not None]
        if not sure or len(sure) < len(times):
            return None
        return after(min(sure), self.preparing.reach_s, self.rate_hz)

    def came(self, known: int | None, arrived_ns: int, moment: float) -> None:
        """Note when a packet came, and which sample can still change since then."""
        last = self._trail[-1][0] if self._trail else -1
        sample = last if known is None else known
        if not self._trail or sample > last:
            self._trail.append((sample, arrived_ns, moment))
        while len(self._trail) > 1 and self._trail[1][0] <= self.done:
            self._trail.popleft()

    def waited(self, sample: int) -> tuple[int, float]:
        """When the last packet came for which a pick at a sample had to wait: arrival and moment.

        The first is the time of the feed in ns, the second that of `came`.
        """
        needed = [sample + self._picker.context + 1]
        for member in self._members:
            card, hop = member.engine.card, member.engine.hop
            last = (sample + round(card.sampling_rate_hz) - card.blind_samples) // hop * hop
            needed.append(last + card.window_samples)
        for known, arrived_ns, moment in self._trail:
            if known >= max(needed):
                return arrived_ns, moment
        _, arrived_ns, moment = self._trail[-1]
        return arrived_ns, moment

    def commit(self, known: int) -> None:
        """Let samples on which grid samples before `known` depend be the last word."""
        reach_ns = round(self.preparing.reach_s * SECOND)
        time_ns = sample_time(known - 1, self.rate_hz) + reach_ns
        self.committed_ns = max(self.committed_ns or time_ns, time_ns)

    def begin(self) -> None:
        """Begin at the first sample that is there."""
        starts = [p.start_ns for one in self.preparing.channels.values() for p in one.pieces]
        first = first_sample(min(starts), self.rate_hz) - 1
        self.motion = Motion(first)
        self._next, self._first = [], []
        for member in self._members:
            window = member.engine.card.window_samples
            grid = window_starts(first, first + 1, window, member.engine.hop)
            self._next.append(grid[0])
            self._first.append(first - window + 1)
            member.session.begin(self.number, grid[0])
        begin = min(self._next)
        self._heads = [[] for _ in self._members]
        self._joined = max(self._next)
        self._starts = list(self._next)
        self._picking = Picking(self._picker, self.label, begin, self._silent_until)

    def prepare(self, known: int) -> bool:
        """Prepare up to a sample, or a step of it; whether there is more."""
        if self.motion is None:
            self.begin()
        motion = self.motion
        assert motion is not None
        last = min(known, motion.end + round(_STEP_S * self.rate_hz))
        if last > motion.end:
            self.commit(last)
            motion.add(self.preparing.stretch(motion.end, last), last - motion.end)
        return last < known

    def due(self, known: int) -> int:
        """Windows and picks that could be made if samples were prepared up to one."""
        if self.motion is None or self._picking is None:
            return 1
        return int(self.has_picks(known)) + sum(
            len(member.engine.ready(start, member.known(known)))
            for member, start in zip(self._members, self._next, strict=True)
        )

    def has_picks(self, known: int) -> bool:
        """Whether a pick could be made if samples were prepared up to one."""
        wanted = self._picking.wanted if self._picking else None
        return wanted is not None and wanted <= known

    def block(self, index: int) -> Block | None:
        """The next windows of a network; None: there are none yet."""
        assert self.motion is not None
        member, start = self._members[index], self._next[index]
        grid = member.engine.ready(start, member.known(self.motion.end))
        if not grid:
            return None
        end = grid[-1] + member.engine.hop
        span = self._first[index], end
        self._next[index], self._first[index] = end, end
        return member.engine.block(member.source, self.number, span, grid)

    def take(self, index: int, piece: Piece) -> None:
        """Take what a network made of a block."""
        if piece.curves.shape[1]:
            self._heads[index].append(piece.curves)

    def picks(self) -> pd.DataFrame | None:
        """Picks that are sure; forgets what nothing depends on any more."""
        picking, motion = self._picking, self.motion
        if picking is None or motion is None:
            return None
        self._join(picking)
        made = picking.make(motion)
        back = picking.context
        if self._measuring is not None:
            back = max(back, -self._measuring.before)
            if made is not None:
                self._measuring.add(made)
        edges = [
            member.needed(first - round(11 * self.rate_hz))
            for member, first in zip(self._members, self._first, strict=True)
        ]
        motion.drop(min(*edges, min(picking.done, self.waits or picking.done) - back))
        back_ns = round(self.preparing.back_s * SECOND)
        self.preparing.drop(sample_time(motion.end, self.rate_hz) - back_ns)
        return made

    @property
    def waits(self) -> int | None:
        """The sample of the first pick around which nothing was measured; None: there is none."""
        first = self._measuring.needed if self._measuring is not None else None
        return None if first is None or self._measuring is None else first - self._measuring.before

    def measured(self, *, is_last: bool = False) -> pd.DataFrame | None:
        """What was measured since the last call (MEASUREMENTS)."""
        if self._measuring is None or self.motion is None:
            return None
        return self._measuring.make(self.motion, is_last=is_last)

    def has_new_windows(self) -> bool:
        """Whether windows were computed since the last call."""
        told, self._told = self._told, list(self._next)
        return told != self._told

    def preliminary(self) -> tuple[pd.DataFrame | None, int]:
        """Picks that are not sure yet, after `picks`, and the sample before which these are all.

        None: there are no such picks.
        """
        if self._picking is None or self.motion is None:
            return None, 0
        session = self._members[0].session
        alone = len(self._members) == 1
        none = np.zeros((len(self._picker.origin.phases), 0), np.float32)
        return self._picking.preliminary(session.ahead(self.number) if alone else none, self.motion)

    def recent(self) -> dict[str, tuple[int, np.ndarray]]:
        """What is held of motion (`z`, the first component with data) and of each phase's curve.

        Of each the first sample and the samples after it, (n,).
        """
        motion, picking = self.motion, self._picking
        if motion is None or picking is None:
            return {}
        row = int(motion.valid.any(axis=1).argmax())
        start, curves = picking.curves
        phases = zip(self._picker.origin.phases, curves, strict=True)
        return {"z": (motion.start, motion.data[row])} | {k: (start, v) for k, v in phases}

    def latest(self) -> tuple[int, float]:
        """When its last packet came that made more known: arrival and moment, as in `waited`."""
        _, arrived_ns, moment = self._trail[-1]
        return arrived_ns, moment

    def _join(self, picking: Picking) -> None:
        """Combine the curves of all networks as far as every one has them."""
        if len(self._heads) == 1:
            for curves in self._heads[0]:
                picking.add(self._starts[0], curves)
                self._starts[0] += curves.shape[1]
            self._heads[0].clear()
            return
        whole = [np.concatenate(some, axis=1) if some else None for some in self._heads]
        cut = [
            None if one is None else one[:, max(self._joined - start, 0) :]
            for one, start in zip(whole, self._starts, strict=True)
        ]
        if any(one is None or not one.shape[1] for one in cut):
            return
        parts = [one for one in cut if one is not None]
        n = min(one.shape[1] for one in parts)
        curves = self._rule(np.stack([one[:, :n] for one in parts])).astype(np.float32)
        picking.add(self._joined, curves)
        self._joined += n
        self._heads = [[one[:, n:]] if one.shape[1] > n else [] for one in parts]
        self._starts = [self._joined] * len(parts)

    def close(self) -> None:
        """Give back what the engines hold of it."""
        for member in self._members:
            member.session.forget(self.number)

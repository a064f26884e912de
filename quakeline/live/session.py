"""A live session: packets of any size and order in, picks out as soon as nothing can change them.

The computation is that of archives, bit by bit: the same preparation, windows of the same absolute
grid, the same batches and joined curves, the same rules for picks. Memory is that of the seconds on
which what is to come still depends. Only what comes in time counts: see `quakeline.live.channel`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import obspy
import pandas as pd

from quakeline.core.errors import ConfigError
from quakeline.core.reasons import Code, Reason
from quakeline.core.schemas import PICKS
from quakeline.core.timeline import SECOND, Span, first_sample, iso, sample_time
from quakeline.events.measurement.settings import Settings as Measure
from quakeline.inference.annotator import Annotator
from quakeline.inference.engine import Block
from quakeline.io.products import tables
from quakeline.live.checks import codes_of, piece_of
from quakeline.live.feeds.protocol import Packet
from quakeline.live.instrument import PAGE_S, Instrument
from quakeline.live.measuring import Measuring
from quakeline.live.members import members_of
from quakeline.live.preparing import Choice, Preparation, Preparing
from quakeline.live.progress import Progress
from quakeline.live.remarks import Remarks
from quakeline.live.results import Counts, Picks
from quakeline.picking.extraction import BlockPicker, Origin
from quakeline.picking.settings import Settings
from quakeline.signal.segments import Segment
from quakeline.waveforms.preparation.components import Preparer
from quakeline.waveforms.preparation.orientation import COMPONENTS
from quakeline.waveforms.preparation.settings import READ_AHEAD_S

#: An instrument that is silent for so long, while others are not, is ended, in seconds.
SILENCE_S = 300.0
#: Of a pause of the whole feed so much counts as silence of its stations, in ns.
_LONGEST_PAUSE_NS = 30 * SECOND
#: Stations that are worked on at once, before new packets are looked at.
_AT_ONCE = 64
#: Prepared stretches overlap by this on both sides, beyond the longest gap that is bridged.
_MARGIN_S = 1.0


@dataclass
class Session:
    """Turns packets into picks.

    Parameters
    ----------
    annotator
        The network, ready.
    rules
        The section `pick` with all thresholds.
    preparation
        How raw samples become waveforms.
    patience_s
        How long a gap is waited for, in seconds of arrivals.
    inventory
        Responses and orientations.
    silent_until
        Samples by NET.STA.LOC.BI before which picks were given by an earlier session.
    remarks
        Takes what is said of data that cannot be used, or only in part.
    hurry
        Give preliminary picks too, after each step of windows.
    silence_s
        An instrument of which nothing comes for so long while others go on is picked to its end,
        in seconds. Pauses of the whole feed do not count.
    measure
        What is measured around picks; None: nothing.
    unmeasured
        Picks by NET.STA.LOC.BI that an earlier session gave, and did not measure.

    Raises
    ------
    ConfigError
        Settings that need more than the seconds around a sample.
    """

    annotator: Annotator
    rules: Settings
    preparation: Preparation
    patience_s: float = 10.0
    inventory: obspy.Inventory = field(default_factory=obspy.Inventory)
    silent_until: dict[str, int] = field(default_factory=dict)
    remarks: Remarks = field(default_factory=Remarks)
    silence_s: float = SILENCE_S
    hurry: bool = False
    measure: Measure | None = None
    unmeasured: dict[str, pd.DataFrame] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.rules.rule != "local":
            raise ConfigError(
                f"pick.rule: {self.rules.rule!r} given; allowed with live data: local"
            )
        if self.preparation.response.reach_s is None and len(self.inventory):
            raise ConfigError(
                "prepare.response.reach_s: null given; allowed with live data: a number"
            )
        card = self.annotator.card
        origin = Origin(
            card.name, self.annotator.weights_id, list(card.phases), card.sampling_rate_hz
        )
        self._picker = BlockPicker(self.rules, origin, list(COMPONENTS))
        self._patience_ns = round(self.patience_s * SECOND)
        self._by_label: dict[str, Instrument] = {}
        self._by_number: dict[int, Instrument] = {}
        self._numbers = 0
        self._members = members_of(self.annotator, self._by_number)
        self._preparer = Preparer(
            span=Span(0, 0),
            margin_s=self.preparation.bridge_gap_s + _MARGIN_S,
            rate_hz=card.sampling_rate_hz,
            bridge_gap_s=self.preparation.bridge_gap_s,
            response=self.preparation.response,
            inventory=self.inventory,
            mend_spikes=self.preparation.mend_spikes,
        )
        self._choice = Choice(self._preparer)
        self._dues: dict[int, int] = {}
        self._due_since: dict[int, float] = {}
        self.progress = Progress(self._by_label, card.sampling_rate_hz, self.silent_until)
        self._measured: list[pd.DataFrame] = []
        self.clock_ns = 0
        #: Time in which packets came: the clock without the pauses of the whole feed.
        self._busy_ns = 0
        self.counts = Counts()

    @property
    def _engines(self) -> tuple[Any, ...]:
        return self.annotator.engines

    @property
    def _rate_hz(self) -> float:
        return self.annotator.card.sampling_rate_hz

    # --- packets

    def add(self, packet: Packet) -> None:
        """Take a packet; what cannot be used of it is a remark."""
        self.counts.packets += 1
        passed_ns = max(packet.arrived_ns - self.clock_ns, 0)
        self.clock_ns += passed_ns
        self._busy_ns += min(passed_ns, _LONGEST_PAUSE_NS)
        codes = codes_of(packet)
        piece = codes if isinstance(codes, Reason) else piece_of(packet, self._rate_hz)
        if isinstance(codes, Reason) or isinstance(piece, Reason):
            self.counts.unused += 1
            reason = codes if isinstance(codes, Reason) else piece
            assert isinstance(reason, Reason)
            self.remarks.add(packet.codes, reason)
            return
        self._take(codes, piece, packet)

    def _take(self, codes: tuple[str, ...], piece: Segment, packet: Packet) -> None:
        label = ".".join([*codes[:3], codes[3][:-1]])
        wanted = self.preparation.instruments
        if wanted and codes[3][:-1] not in wanted:
            self.counts.unused += 1
            why = Reason.of(Code.NOT_IN_INSTRUMENTS, instruments=", ".join(wanted))
            self.remarks.add(".".join(codes), why)
            return
        one = self._by_label.get(label) or self._new(label)
        before = one.preparing.rates.get(codes)
        if before is not None and before != piece.rate_hz:
            told = {"before_hz": before, "after_hz": piece.rate_hz}
            self.remarks.add(packet.codes, Reason.of(Code.RATE_CHANGED, **told))
            one.preparing.rates[codes] = piece.rate_hz
        known = self.progress.recall(".".join(codes))
        taken = one.add(codes, piece, packet.arrived_ns, self._patience_ns)
        one.last_busy_ns = self._busy_ns
        if known:
            one.preparing.channels[codes].knows(*known)
        self.counts.samples += taken.new
        self.counts.repeated += taken.repeated
        self.counts.late += taken.late
        if taken.late:
            why = Reason.of(Code.CAME_LATE, taken.late, time=iso(piece.start_ns))
            self.remarks.add(".".join(codes), why)
            if one.went_back(self._patience_ns):
                why = Reason.of(Code.TIME_WENT_BACK, time=iso(piece.start_ns, 0))
                self.remarks.add(label, why)
        self._note(one, packet.arrived_ns)

    def _note(self, one: Instrument, arrived_ns: int) -> None:
        """Note what is due of an instrument."""
        sample = one.known()
        self._dues[one.number] = 0 if sample is None else one.due(sample)
        now = time.perf_counter()
        if self._dues[one.number]:
            self._due_since.setdefault(one.number, now)
        one.came(sample, arrived_ns, now)

    def idle(self, seconds: float) -> None:
        """Nothing came for so long: what came first waits for nothing earlier after `patience_s`.

        Gaps are waited for as before: a cut of the whole feed gives nothing up.
        """
        if seconds >= self.patience_s:
            for one in self._by_number.values():
                if one.waits_no_longer():
                    self._note(one, self.clock_ns)

    def _new(self, label: str) -> Instrument:
        self._numbers += 1
        rule = self.annotator.card.options.get("rule", "mean")
        one = Instrument(
            self._numbers,
            Preparing(label, self._preparer, self.remarks, self._choice),
            self._members,
            self._picker,
            rule,
            self.silent_until.get(label, 0),
            self._measuring(label),
        )
        self._by_label[label] = self._by_number[one.number] = one
        return one

    def _measuring(self, label: str) -> Measuring | None:
        if self.measure is None:
            return None
        return Measuring(self.measure, self._rate_hz, self.unmeasured.pop(label, None))

    # --- work

    @property
    def due(self) -> int:
        """Windows that can be computed now."""
        return sum(self._dues.values())

    @property
    def behind_s(self) -> float:
        """How long the oldest windows that can be computed have waited, in seconds."""
        oldest = next(iter(self._due_since.values()), None)  # they are in the order of time
        return 0.0 if oldest is None else time.perf_counter() - oldest

    @property
    def batch(self) -> int:
        """Windows that are computed together at best."""
        return max(int(engine.backend.batch) for engine in self._engines)

    def work(self) -> Iterator[Picks]:
        """Compute windows that are due, and give the picks that are sure then.

        Windows of all stations are due at the same times: so that picks need not wait for all of
        them, those stations come first that have picks, and those that have waited longest; the
        rest stays due.
        """
        known: dict[Instrument, int] = {}
        for number, windows in self._dues.items():
            one = self._by_number.get(number)
            sample = one.known() if one is not None and windows else None
            if one is not None and sample is not None:
                known[one] = sample
        since = self._due_since
        order = sorted(known, key=lambda one: (not one.has_picks(known[one]), since[one.number]))
        yield from self._compute({one: known[one] for one in order[:_AT_ONCE]})
        yield from self._ended()

    def _compute(self, known: dict[Instrument, int]) -> Iterator[Picks]:
        """Prepare instruments up to samples, step by step, and give their picks."""
        left = dict(known)
        while left:
            more = {one: sample for one, sample in left.items() if one.prepare(sample)}
            for index, member in enumerate(self._members):
                for piece in member.session.run(self._blocks(list(left), index)):
                    self._by_number[piece.instrument].take(index, piece)
            for one in left:
                yield from self._given(one)
            left = more
        for one in known:
            self._dues[one.number] = 0
            self._due_since.pop(one.number, None)

    def _blocks(self, instruments: list[Instrument], index: int) -> Iterator[Block]:
        for one in instruments:
            block = one.block(index)
            if block is not None:
                self.counts.windows += len(block.starts)
                yield block

    def _given(self, one: Instrument) -> Iterator[Picks]:
        frame = one.picks()
        self._note_measured(one)
        if frame is not None:
            times = frame["time"].astype("datetime64[ns, UTC]").astype("int64").tolist()
            waited = [one.waited(first_sample(time_ns, self._rate_hz)) for time_ns in times]
            now = time.perf_counter()
            data_ns = np.array([arrived for arrived, _ in waited], np.int64)
            waits = np.array([now - moment for _, moment in waited])
            yield Picks(frame, data_ns, waits, one.label)
        if self.hurry and one.has_new_windows():
            yield from self._preliminary(one)

    def _preliminary(self, one: Instrument) -> Iterator[Picks]:
        found, last = one.preliminary()
        frame = found if found is not None else tables.empty(PICKS)
        arrived_ns, moment = one.latest()
        waited = np.full(len(frame), time.perf_counter() - moment)
        arrived = np.full(len(frame), arrived_ns)
        yield Picks(frame, arrived, waited, one.label, True, self.time_of(last))

    def _note_measured(self, one: Instrument, *, is_last: bool = False) -> None:
        measured = one.measured(is_last=is_last)
        if measured is not None and len(measured):
            self._measured.append(measured)

    def measurements(self) -> list[pd.DataFrame]:
        """What was measured since the last call: tables of MEASUREMENTS."""
        made, self._measured = self._measured, []
        return made

    def _ended(self) -> Iterator[Picks]:
        """End instruments that fell silent while others went on, or whose clock went back."""
        silent_ns = round(self.silence_s * SECOND)
        for label, one in list(self._by_label.items()):
            back = one.went_back(self._patience_ns)
            if not back and self._busy_ns <= one.last_busy_ns + silent_ns:
                continue
            if not back:
                told = {"seconds": self.silence_s, "time": iso(one.end_ns, 0)}
                self.remarks.add(label, Reason.of(Code.FELL_SILENT, **told))
            yield from self._closed([one])

    def finish(self) -> Iterator[Picks]:
        """Nothing more will come: give the picks that are left."""
        yield from self._closed(list(self._by_label.values()))

    def _closed(self, instruments: list[Instrument]) -> Iterator[Picks]:
        card = self.annotator.card
        tail = round((card.margin_s + 3 * PAGE_S) * self._rate_hz) + 2 * card.window_samples
        hops = max(engine.hop for engine in self._engines)
        known = {}
        for one in instruments:
            if one.preparing.used:
                known[one] = round(one.end_ns * self._rate_hz / SECOND) + tail + 2 * hops
        yield from self._compute(known)
        for one in instruments:
            self._note_measured(one, is_last=True)
            one.close()
            self.progress.close(one)
            del self._by_label[one.label], self._by_number[one.number]
            self._dues.pop(one.number, None)
            self._due_since.pop(one.number, None)

    @property
    def reach_ns(self) -> int:
        """What lies so far before a sample has no say in its picks."""
        seconds = self.annotator.card.margin_s + READ_AHEAD_S + PAGE_S
        if self.measure is not None:
            seconds = max(seconds, self.measure.margin_s + READ_AHEAD_S)
        return round(seconds * SECOND)

    def time_of(self, sample: int) -> int:
        """Time of a sample (ns)."""
        return sample_time(sample, self._rate_hz)

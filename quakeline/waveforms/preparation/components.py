"""Channels of raw files to the components of an instrument, on one absolute sample grid."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import obspy
import pandas as pd

from quakeline.core.reasons import Code, Reason, cells, reasons_in
from quakeline.core.schemas import COVERAGE, WAVEFORMS
from quakeline.core.timeline import Span, first_sample
from quakeline.io.products import stores, tables
from quakeline.signal.clocked import on_grid
from quakeline.signal.gaps import Canvas, bridge
from quakeline.signal.quality import dead
from quakeline.signal.segments import Segment
from quakeline.waveforms.preparation.coverage import Window, united, unused_row
from quakeline.waveforms.preparation.faults import mended
from quakeline.waveforms.preparation.flags import Flags
from quakeline.waveforms.preparation.orientation import (
    COMPONENTS,
    SETS,
    Orientations,
    fills_of,
    is_seismic,
    letters_of,
)
from quakeline.waveforms.preparation.parallel import in_threads
from quakeline.waveforms.preparation.preference import Preference
from quakeline.waveforms.preparation.raw import Opener, RawFiles, Source
from quakeline.waveforms.preparation.responses import Responses
from quakeline.waveforms.preparation.rotation import Channel, Component, components_of
from quakeline.waveforms.preparation.settings import Response

#: Codes of a channel from network to channel.
Codes: TypeAlias = tuple[str, ...]
_CODES = ["network", "station", "location", "channel"]
#: Rows of COVERAGE.
Report: TypeAlias = list[dict[str, Any]]
#: Prepares an instrument: its label, itself, and COVERAGE rows of others of its station.
Work: TypeAlias = Callable[[], tuple[str, "Instrument", Report]]
#: A preferred instrument needs this share of the data that the fullest one has.
_ENOUGH = 0.5
#: Channels below this share of the network's rate are not used, below the other one it is noted.
_SLOWEST, _SLOW = 0.1, 0.5

_NOTHING_HERE = Reason.of(Code.CHUNK_EMPTY)
#: What makes samples that were there unusable.
_LOST = (Code.UNREADABLE, Code.NOT_FINITE, Code.OVERLAPS_DIFFER)


@dataclass(frozen=True)
class Instrument:
    """Waveforms of an instrument on the grid of its chunk, and what was found (COVERAGE rows).

    `parts` are samples (float32, ground motion or counts as `units` says) and their mask, each of
    shape (n_samples,), by component. `clipped` are runs [first, end) of samples since 1970, (m, 2),
    in which amplitudes are wrong.
    """

    parts: dict[str, tuple[np.ndarray, np.ndarray]]
    n_samples: int
    units: str
    clipped: np.ndarray
    coverage: list[dict[str, Any]]

    @property
    def usable(self) -> bool:
        """Whether any component serves."""
        return any(row["status"] == "used" for row in self.coverage)

    @property
    def n_components(self) -> int:
        """How many components serve."""
        return sum(row["status"] == "used" for row in self.coverage)

    @property
    def share(self) -> float:
        """Share of the chunk that its fullest component covers."""
        return max((float(row["coverage"]) for row in self.coverage), default=0.0)

    def stacked(self) -> tuple[np.ndarray, np.ndarray]:
        """Samples and mask (components, time) in the order of COMPONENTS, zero where missing."""
        shape = (len(COMPONENTS), self.n_samples)
        data, valid = np.zeros(shape, np.float32), np.zeros(shape, bool)
        for name, part in self.parts.items():
            data[COMPONENTS.index(name)], valid[COMPONENTS.index(name)] = part
        return data, valid


class Judge:
    """What holds of a channel as a whole: here as far as its samples of one chunk tell."""

    def counts(self, codes: tuple[str, ...]) -> bool | None:
        """Whether its samples are whole numbers; None: as those at hand say."""
        return None

    def unused(
        self, codes: tuple[str, ...], data: np.ndarray, valid: np.ndarray, idle: Reason | None
    ) -> Reason | None:
        """Why it cannot be used, None where it can: prepared samples, mask, whether it is idle."""
        if not valid.any():
            return Reason.of(Code.NO_USABLE_SAMPLES)
        return Reason.of(Code.DEAD, value=data[valid][0]) if dead(data, valid) else idle


@dataclass(frozen=True)
class Preparer:
    """Prepares the waveforms of one chunk with `margin_s` seconds on both sides.

    `source` opens the raw data of a span of time: by default the files that the manifest names.
    """

    span: Span
    margin_s: float
    rate_hz: float
    bridge_gap_s: float
    response: Response
    inventory: obspy.Inventory
    source: Opener = RawFiles
    prefer: Preference = field(default_factory=Preference)
    mend_spikes: bool = True
    judge: Judge = field(default_factory=Judge)

    def at(self, span: Span, source: Opener) -> Preparer:
        """The same of another span and source."""
        return replace(self, span=span, source=source)._sharing(self)

    def judged(self, judge: Judge) -> Preparer:
        """The same with another judge."""
        return replace(self, judge=judge)._sharing(self)

    def _sharing(self, other: Preparer) -> Preparer:
        """With what another one has read of the same inventory and files."""
        for name in ("_responses", "_orientations", "_flags"):
            vars(self)[name] = getattr(other, name)
        return self

    def knows(self, codes: tuple[str, ...]) -> bool:
        """Whether the response of a channel (codes from network to channel) is removed."""
        return self._responses.knows(codes)

    @property
    def grid(self) -> stores.Grid:
        """The sample grid of the chunk and its margins."""
        wide = self.span.widen(self.margin_s)
        start = first_sample(wide.start_ns, self.rate_hz)
        return stores.Grid(start, first_sample(wide.end_ns, self.rate_hz) - start, self.rate_hz)

    def write(
        self, rows: pd.DataFrame, wanted: list[str], path: Path, threads: int = 1
    ) -> pd.DataFrame:
        """Write the store of a chunk; returns the COVERAGE table.

        `rows` are the manifest's rows with data, `wanted` the instrument codes to use (empty: all).
        Where a preference is given, a station's first instrument with enough data is written.
        """
        labels, work, report = self._work(rows, wanted)
        attributes = {"instruments": labels, "components": list(COMPONENTS)}
        units: dict[str, str] = {}
        clipped: dict[str, list[list[int]]] = {}
        with stores.create(
            path, WAVEFORMS, self.grid, attributes, units=units, clipped=clipped
        ) as store:
            for index, (label, made, rest) in enumerate(in_threads(work, threads)):
                report += made.coverage + rest
                labels[index] = label
                units[label] = made.units
                clipped[label] = made.clipped.tolist()
                _store(store, index, made)
            store.attrs.update({**attributes, "units": units, "clipped": clipped})
        return _coverage_of(report)

    def in_memory(
        self, rows: pd.DataFrame, wanted: list[str], threads: int = 1
    ) -> tuple[dict[str, Instrument], pd.DataFrame]:
        """The instruments that `write` would store, by their labels, and the COVERAGE table."""
        _, work, report = self._work(rows, wanted)
        instruments = {}
        for label, made, rest in in_threads(work, threads):
            report += made.coverage + rest
            instruments[label] = made
        return instruments, _coverage_of(report)

    def _work(self, rows: pd.DataFrame, wanted: list[str]) -> tuple[list[str], list[Work], Report]:
        """Labels of the instruments that are tried first, calls that prepare, COVERAGE so far."""
        groups, report = self.instruments(rows, wanted)
        choices = self.prefer.groups(groups)
        work: list[Work] = [partial(self._chosen, choice, groups) for choice in choices]
        return [one[0] for one in choices], work, report

    def instruments(
        self, rows: pd.DataFrame, wanted: list[str]
    ) -> tuple[dict[str, pd.DataFrame], Report]:
        """Rows of each instrument by its label NET.STA.LOC.BI, and COVERAGE rows of the others.

        Arguments as for `write`.
        """
        channels = rows["channel"].astype(str)  # no rows at all have numbers
        letters = channels.str[-1]
        codes = rows.assign(instrument=channels.str[:-1], letter=letters)
        codes = codes.fillna({"location": ""})
        codes["seismic"] = codes["channel"].map(is_seismic).astype(bool)
        keys = ["network", "station", "location", "instrument"]
        codes["fills"] = _fills(codes, keys)
        first = codes["letter"].isin(list("".join(SETS)))
        has_first = first.groupby([codes[key] for key in keys]).transform("any").astype(bool)
        codes["spare"] = codes["seismic"] & has_first & ~first & (codes["letter"] != "Z")
        slow = codes["seismic"] & (codes["sampling_rate_hz"] < _SLOWEST * self.rate_hz)
        report = self._too_slow(codes[slow]) + self._refused(codes[~slow], wanted)
        served = codes["seismic"] & ~codes["spare"] & ~slow
        chosen = codes[served & self._is_wanted(codes, wanted)]
        groups = {".".join(map(str, key)): rows for key, rows in chosen.groupby(keys)}
        return groups, report

    def prepared(self, label: str, rows: pd.DataFrame) -> Instrument:
        """Prepare one of `instruments`."""
        return self.prepared_of(label, by_channel(rows))

    def prepared_of(self, label: str, rows: Sequence[tuple[Codes, pd.DataFrame]]) -> Instrument:
        """Prepare one of `instruments`, whose rows were given to `by_channel`."""
        grid, key = self.grid, tuple(label.split("."))
        channels = _in_common_units([self._channel(codes, own) for codes, own in rows])
        components = components_of(channels, self._orientations, grid.start_sample, self.rate_hz)
        live = [one for one in components if not one.unused]
        _note_missing(live)
        runs = [one.clipped for one in live] or [np.zeros((0, 2), dtype=np.int64)]
        window = Window(
            first_sample(self.span.start_ns, self.rate_hz) - grid.start_sample,
            first_sample(self.span.end_ns, self.rate_hz) - grid.start_sample,
            self.rate_hz,
        )
        return Instrument(
            {one.name: (one.data, one.valid) for one in live},
            grid.n_samples,
            _common_units(live),
            united(np.concatenate(runs)) + grid.start_sample,
            [window.row(key, one) for one in components],
        )

    def _chosen(
        self, choice: Sequence[str], groups: dict[str, pd.DataFrame]
    ) -> tuple[str, Instrument, list[dict[str, Any]]]:
        """The first instrument of a station with enough data, and COVERAGE rows of its others."""
        made = self._tried(choice, groups)
        least = _ENOUGH * max(one.share for one in made)
        enough = [n for n, one in enumerate(made) if one.usable and one.share >= least]
        most = max((made[n].n_components for n in enough), default=0)
        place = next((n for n in enough if made[n].n_components == most), len(made) - 1)
        rest, why = [], []
        for n, label in enumerate(choice):
            reason = Reason.of(Code.NOT_PREFERRED, instrument=choice[place])
            if n < place:
                over, reason = self._passed_over(made[n], made[place], n in enough, choice[place])
                why.append(Reason.of(over, instrument=label))
            if n < len(made) and not made[n].usable and n != place:
                rest += made[n].coverage
            elif n != place:
                rows = groups[label].drop_duplicates(_CODES)
                rest += [unused_row(row, reason) for _, row in rows.iterrows()]
        if why and made[place].usable:
            for row in made[place].coverage:
                noted = reasons_in(row["notes"], row["notes_codes"])
                row.update(cells("notes", [*noted, *why]))
        return choice[place], made[place], rest

    @staticmethod
    def _passed_over(
        one: Instrument, taken: Instrument, enough: bool, label: str
    ) -> tuple[Code, Reason]:
        """What is said of the instrument that is taken, and of one that comes before it."""
        if enough:
            told = {"components": taken.n_components, "own": one.n_components}
            why = Reason.of(Code.FEWER_COMPONENTS, instrument=label, **told)
            return Code.PREFERRED_TO_FEWER, why
        over = Code.PREFERRED_TO_SCARCE if one.usable else Code.PREFERRED_TO_UNUSABLE
        shares = {"share": taken.share, "own": one.share}
        return over, Reason.of(Code.LESS_DATA, instrument=label, **shares)

    def _tried(self, choice: Sequence[str], groups: dict[str, pd.DataFrame]) -> list[Instrument]:
        """Instruments in order, up to the first that wins whatever the ones after it hold."""
        made: list[Instrument] = []
        for label in choice:
            made.append(self.prepared(label, groups[label]))
            share = made[-1].share
            full = made[-1].n_components == len(COMPONENTS)
            if share >= _ENOUGH and full and all(one.share < _ENOUGH * share for one in made[:-1]):
                break
        return made

    @staticmethod
    def _is_wanted(codes: pd.DataFrame, wanted: list[str]) -> pd.Series:
        return codes["instrument"].isin(wanted) if wanted else codes["instrument"].notna()

    def _too_slow(self, codes: pd.DataFrame) -> list[dict[str, Any]]:
        """Coverage rows of channels that hold nothing of what the network looks at."""
        told = {"network_hz": self.rate_hz}
        return [
            unused_row(row, Reason.of(Code.RATE_TOO_LOW, rate_hz=row["sampling_rate_hz"], **told))
            for _, row in codes.drop_duplicates(_CODES).iterrows()
        ]

    def _refused(self, codes: pd.DataFrame, wanted: list[str]) -> list[dict[str, Any]]:
        """Coverage rows of channels whose code keeps them out."""
        codes = codes.drop_duplicates(_CODES)
        strange = codes[~codes["seismic"]]
        rows = [unused_row(row, _letter_unknown(row["channel"])) for _, row in strange.iterrows()]
        named = self._is_wanted(codes, wanted)
        reason = Reason.of(Code.OTHER_AXES)
        rows += [unused_row(row, reason) for _, row in codes[codes["spare"] & named].iterrows()]
        other = codes[codes["seismic"] & ~named]
        reason = Reason.of(Code.NOT_IN_INSTRUMENTS, instruments=", ".join(wanted))
        return rows + [unused_row(row, reason) for _, row in other.iterrows()]

    @cached_property
    def _responses(self) -> Responses:
        return Responses(self.inventory, self.response)

    @cached_property
    def _orientations(self) -> Orientations:
        return Orientations(self.inventory)

    @cached_property
    def _flags(self) -> Flags:
        return Flags()

    @cached_property
    def _own(self) -> threading.local:
        return threading.local()

    @property
    def _raw(self) -> Source:
        """The source of this thread: it holds files that several instruments share."""
        if not hasattr(self._own, "source"):
            reach_s = self.margin_s + self.response.read_ahead_s
            self._own.source = self.source(self.span.widen(reach_s))
        source: Source = self._own.source
        return source

    def _on_grid(
        self, codes: tuple[str, ...], segments: list[Segment]
    ) -> tuple[list[tuple[int, np.ndarray]], list[Reason]]:
        """Samples of a channel on the grid, as ground motion where it has a response, and notes."""
        rate_hz = self.rate_hz
        if self._responses.knows(codes):
            return self._responses.on_grid(codes, segments, rate_hz)
        pieces = [on_grid(s.samples, s.clock, rate_hz) for s in segments]
        return pieces, self._responses.near(codes)

    def _is_elsewhere(self, segments: Sequence[Segment], notes: Sequence[Reason]) -> bool:
        """Whether raw data lie outside of the grid alone: in what is read around it, or nowhere."""
        here = self.span.widen(self.margin_s)
        inside = any(s.start_ns < here.end_ns and s.end_ns > here.start_ns for s in segments)
        return not inside and not any(one.code in _LOST for one in notes)

    def _units(self, codes: tuple[str, ...]) -> str:
        return self.response.units if self._responses.knows(codes) else "counts"

    def _channel(self, codes: tuple[str, ...], rows: pd.DataFrame) -> Channel:
        """One channel: faults looked for, response removed, on the grid, short gaps bridged."""
        grid = self.grid
        canvas = Canvas.blank(grid.start_sample, grid.n_samples, np.float32)
        segments, notes = self._raw.segments(rows)
        rates = {segment.rate_hz for segment in segments}
        if self._is_elsewhere(segments, notes):
            none = canvas.finish()
            return Channel(codes, *none, self._units(codes), rates, [], unused=_NOTHING_HERE)
        segments, faults = mended(segments, self.mend_spikes, self.judge.counts(codes))
        paths = [path for path in rows["path"].tolist() if isinstance(path, str)]
        notes += faults.notes + self._flags.notes(paths, codes)
        if rates and min(rates) < _SLOW * self.rate_hz:
            told = {"rate_hz": min(rates), "network_hz": self.rate_hz}
            notes.append(Reason.of(Code.RATE_LOW, **told))
        pieces, found = self._on_grid(codes, segments)
        notes += found
        for piece in pieces:
            canvas.lay(*piece)
        if canvas.conflicts:
            seconds = canvas.conflicts / self.rate_hz
            notes.append(Reason.of(Code.OVERLAP_TIMES_DIFFER, seconds=seconds))
        data, valid = bridge(*canvas.finish(), round(self.bridge_gap_s * self.rate_hz))
        return Channel(
            codes=codes,
            data=data,
            valid=valid,
            units=self._units(codes),
            rates=rates,
            notes=notes,
            clipped=faults.clipped(grid.start_sample, self.rate_hz),
            unused=self.judge.unused(codes, data, valid, faults.unused),
        )


def _coverage_of(report: Report) -> pd.DataFrame:
    return pd.DataFrame(report) if report else tables.empty(COVERAGE)


def by_channel(rows: pd.DataFrame) -> list[tuple[Codes, pd.DataFrame]]:
    """Rows of each channel of an instrument, with its codes."""
    return [(tuple(map(str, codes)), own) for codes, own in rows.groupby(_CODES, sort=True)]


def _store(store: Any, index: int, made: Instrument) -> None:
    for name, (data, valid) in made.parts.items():
        store["data"][index, COMPONENTS.index(name)] = data
        store["valid"][index, COMPONENTS.index(name)] = valid


def _in_common_units(channels: list[Channel]) -> list[Channel]:
    """Channels in counts are not used where others are ground motion."""
    if len({one.units for one in channels}) == 1:
        return channels
    why = Reason.of(Code.NO_RESPONSE_AMONG_OTHERS)
    return [replace(one, unused=why) if one.units == "counts" else one for one in channels]


def _fills(codes: pd.DataFrame, keys: list[str]) -> pd.Series:
    """The component that each row's letter fills among those of its instrument."""
    parts = [
        rows["letter"].map(fills_of(set(rows["letter"]))).fillna(rows["letter"])
        for _, rows in codes.groupby(keys)
    ]
    return pd.concat(parts) if parts else codes["letter"]


def _letter_unknown(channel: str) -> Reason:
    return Reason.of(Code.LETTER_UNKNOWN, letters=", ".join(letters_of(channel)))


def _note_missing(live: list[Component]) -> None:
    names = {one.name for one in live}
    missing = ", ".join(name for name in COMPONENTS if name not in names)
    for component in live if missing else ():
        component.notes.append(Reason.of(Code.COMPONENTS_MISSING, components=missing))


def _common_units(components: list[Component]) -> str:
    units = {one.units for one in components}
    return units.pop() if len(units) == 1 else "counts"

"""Channels of raw files to the components of an instrument, on one absolute sample grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import obspy
import pandas as pd

from quakeline.io import stores, tables
from quakeline.preparation.raw import Opener, RawFiles, Source
from quakeline.preparation.responses import Responses
from quakeline.preparation.settings import Response
from quakeline.schemas import COVERAGE, WAVEFORMS
from quakeline.signal.gaps import Canvas, bridge, runs_of
from quakeline.signal.quality import dead
from quakeline.signal.resample import to_grid
from quakeline.signal.segments import Segment
from quakeline.timeline import Span, first_sample

COMPONENTS = ("Z", "N", "E")
#: Component codes and the component that they fill; 1 and 2 are used as they are, with a note.
_FILLS = {"Z": "Z", "N": "N", "E": "E", "1": "N", "2": "E", "3": "Z"}


@dataclass
class Component:
    """One component of an instrument: samples, mask, and what was found on the way."""

    data: np.ndarray
    valid: np.ndarray
    units: str
    rates: set[float]
    notes: list[str]
    unused: str


@dataclass(frozen=True)
class Instrument:
    """Waveforms of an instrument on the grid of its chunk, and what was found (COVERAGE rows).

    `data` (float32, ground motion or counts as `units` says) and `valid` have the shape
    (components, time) in the order of COMPONENTS.
    """

    data: np.ndarray
    valid: np.ndarray
    units: str
    coverage: list[dict[str, Any]]


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

    @property
    def grid(self) -> stores.Grid:
        """The sample grid of the chunk and its margins."""
        wide = self.span.widen(self.margin_s)
        start = first_sample(wide.start_ns, self.rate_hz)
        return stores.Grid(start, first_sample(wide.end_ns, self.rate_hz) - start, self.rate_hz)

    def write(self, rows: pd.DataFrame, wanted: list[str], path: Path) -> pd.DataFrame:
        """Write the store of a chunk; returns the COVERAGE table.

        `rows` are the manifest's rows with data, `wanted` the instrument codes to use (empty: all).
        """
        groups, report = self.instruments(rows, wanted)
        labels = {"instruments": list(groups), "components": list(COMPONENTS)}
        units: dict[str, str] = {}
        with stores.create(path, WAVEFORMS, self.grid, labels, units=units) as store:
            for index, (label, group) in enumerate(groups.items()):
                made = self.prepared(label, group)
                report += made.coverage
                units[label] = made.units
                _store(store, index, made)
            store.attrs["units"] = units
        return pd.DataFrame(report) if report else tables.empty(COVERAGE)

    def instruments(
        self, rows: pd.DataFrame, wanted: list[str]
    ) -> tuple[dict[str, pd.DataFrame], list[dict[str, Any]]]:
        """Rows of each instrument by its label NET.STA.LOC.BI, and COVERAGE rows of the others.

        Arguments as for `write`.
        """
        codes = rows.assign(
            instrument=rows["channel"].str[:-1],
            fills=rows["channel"].str[-1].map(_FILLS).fillna(""),
        ).fillna({"location": ""})
        chosen = codes[(codes["fills"] != "") & self._is_wanted(codes, wanted)]
        keys = ["network", "station", "location", "instrument"]
        groups = {".".join(map(str, key)): rows for key, rows in chosen.groupby(keys)}
        return groups, self._refused(codes, wanted)

    def prepared(self, label: str, rows: pd.DataFrame) -> Instrument:
        """Prepare one of `instruments`."""
        components = self._instrument(rows)
        shape = (len(COMPONENTS), self.grid.n_samples)
        data, valid = np.zeros(shape, np.float32), np.zeros(shape, bool)
        for name, component in components.items():
            if not component.unused:
                at = COMPONENTS.index(name)
                data[at], valid[at] = component.data, component.valid
        key = tuple(label.split("."))
        coverage = [self._coverage(key, rows, name, c) for name, c in components.items()]
        return Instrument(data, valid, _common_units(components), coverage)

    @staticmethod
    def _is_wanted(codes: pd.DataFrame, wanted: list[str]) -> pd.Series:
        return codes["instrument"].isin(wanted) if wanted else codes["instrument"].notna()

    def _refused(self, codes: pd.DataFrame, wanted: list[str]) -> list[dict[str, Any]]:
        """Coverage rows of channels whose code keeps them out."""
        codes = codes.drop_duplicates(["network", "station", "location", "channel"])
        unknown = codes[codes["fills"] == ""]
        reason = "the last letter of the channel code is none of Z, N, E, 1, 2, 3"
        rows = [_unused_row(row, reason) for _, row in unknown.iterrows()]
        other = codes[(codes["fills"] != "") & ~self._is_wanted(codes, wanted)]
        reason = f"prepare.instruments names only {', '.join(wanted)}"
        return rows + [_unused_row(row, reason) for _, row in other.iterrows()]

    def _instrument(self, group: pd.DataFrame) -> dict[str, Component]:
        components = {
            str(name): self._component(rows) for name, rows in group.groupby("fills", sort=True)
        }
        physical = any(component.units != "counts" for component in components.values())
        for component in components.values():
            if physical and component.units == "counts":
                component.unused = "no response, while other components have one"
        live = {name: one for name, one in components.items() if not one.unused}
        missing = ", ".join(name for name in COMPONENTS if name not in live)
        for component in live.values() if missing else ():
            component.notes.append(f"no component {missing}: zeros for the network")
        return components

    @cached_property
    def _raw(self) -> Source:
        return self.source(self.span.widen(self.margin_s + self.response.read_ahead_s))

    @cached_property
    def _responses(self) -> Responses:
        return Responses(self.inventory, self.response)

    def _on_grid(
        self, codes: tuple[str, ...], segments: list[Segment]
    ) -> tuple[list[tuple[int, np.ndarray]], list[str]]:
        """Samples of a channel on the grid, as ground motion where it has a response, and notes."""
        rate_hz = self.rate_hz
        if self._responses.knows(codes):
            return self._responses.on_grid(codes, segments, rate_hz)
        return [to_grid(s.samples, s.start_ns, s.rate_hz, rate_hz) for s in segments], []

    def _component(self, rows: pd.DataFrame) -> Component:
        canvas = Canvas.blank(self.grid.start_sample, self.grid.n_samples)
        codes_of = ["network", "station", "location", "channel"]
        channels = {tuple(map(str, key)): group for key, group in rows.groupby(codes_of)}
        known = [codes for codes in channels if self._responses.knows(codes)]
        notes: list[str] = []
        rates: set[float] = set()
        for codes, group in channels.items():
            if known and codes not in known:
                notes.append(f"channel {codes[-1]} has no response, another one has: unused")
                continue
            segments, found = self._raw.segments(group)
            rates |= {segment.rate_hz for segment in segments}
            notes += found
            pieces, found = self._on_grid(codes, segments)
            notes += found
            for piece in pieces:
                canvas.lay(*piece)
        if canvas.conflicts:
            seconds = canvas.conflicts / self.rate_hz
            notes.append(f"overlaps with different sample times became gaps: {seconds:.2f} s")
        notes += _unrotated(set(rows["channel"]))
        data, valid = canvas.finish()
        data, valid = bridge(data, valid, round(self.bridge_gap_s * self.rate_hz))
        units = self.response.units if known else "counts"
        return Component(data, valid, units, rates, notes, _unusable(data, valid))

    def _coverage(
        self, key: tuple[str, ...], group: pd.DataFrame, name: str, component: Component
    ) -> dict[str, Any]:
        """One row of COVERAGE, for the chunk itself without its margins."""
        begin = first_sample(self.span.start_ns, self.rate_hz) - self.grid.start_sample
        end = first_sample(self.span.end_ns, self.rate_hz) - self.grid.start_sample
        valid = component.valid[begin:end]
        gaps = [] if component.unused else _inner_gaps(valid)
        share = 0.0 if component.unused else float(valid.mean())
        notes = [component.unused] if component.unused else _note_response(component)
        return {
            **dict(zip(("network", "station", "location", "instrument"), key, strict=True)),
            "component": name,
            "channels": ", ".join(sorted(set(group.loc[group["fills"] == name, "channel"]))),
            "input_rate_hz": max(component.rates, default=None),
            "coverage": share,
            "n_gaps": len(gaps),
            "longest_gap_s": max(gaps, default=0) / self.rate_hz,
            "units": component.units,
            "status": "unused" if component.unused else "used",
            "notes": "; ".join(dict.fromkeys([*notes, *component.notes])),
        }


def _store(store: Any, index: int, made: Instrument) -> None:
    for at in np.flatnonzero(made.valid.any(axis=1)):
        store["data"][index, at] = made.data[at]
        store["valid"][index, at] = made.valid[at]


def _inner_gaps(valid: np.ndarray) -> list[int]:
    """Lengths in samples of the gaps between valid samples."""
    present = np.flatnonzero(valid)
    if len(present) == 0:
        return []
    inner = valid[present[0] : present[-1] + 1]
    return [int(stop - start) for start, stop in runs_of(~inner)]


def _note_response(component: Component) -> list[str]:
    return ["response: none"] if component.units == "counts" else ["response removed"]


def _unrotated(channels: set[str]) -> list[str]:
    """A note where channels are not simply Z, N or E."""
    if len(channels) == 1 and not {code[-1] for code in channels} & {"1", "2"}:
        return []
    return [f"channels {', '.join(sorted(channels))} used as they are, without rotation"]


def _unusable(data: np.ndarray, valid: np.ndarray) -> str:
    """Why a component cannot be used; empty where it can."""
    if not valid.any():
        return "no usable samples in the chunk"
    if dead(data, valid):
        return f"dead channel: every sample is {data[valid][0]:g}"
    return ""


def _common_units(components: dict[str, Component]) -> str:
    units = {c.units for c in components.values() if not c.unused}
    return units.pop() if len(units) == 1 else "counts"


def _unused_row(row: pd.Series, reason: str) -> dict[str, Any]:
    return {
        "network": row["network"],
        "station": row["station"],
        "location": row["location"],
        "instrument": row["instrument"],
        "component": row["channel"][-1:],
        "channels": row["channel"],
        "input_rate_hz": row["sampling_rate_hz"],
        "coverage": 0.0,
        "n_gaps": 0,
        "longest_gap_s": 0.0,
        "units": "counts",
        "status": "unused",
        "notes": reason,
    }

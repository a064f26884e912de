"""Channels of raw files to the components of an instrument, on one absolute sample grid."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import obspy
import pandas as pd

from quakeline.errors import DataError
from quakeline.io import stores, tables
from quakeline.io.headers import read_stream
from quakeline.preparation.settings import Response
from quakeline.schemas import COVERAGE, WAVEFORMS
from quakeline.signal.gaps import Canvas, bridge, runs_of
from quakeline.signal.quality import dead
from quakeline.signal.resample import to_grid
from quakeline.timeline import Span, first_sample

logger = logging.getLogger("quakeline")

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
    notes: list[str] = field(default_factory=list)
    unused: str = ""


@dataclass(frozen=True)
class Preparer:
    """Prepares the waveforms of one chunk with `margin_s` seconds on both sides."""

    span: Span
    margin_s: float
    rate_hz: float
    bridge_gap_s: float
    response: Response
    inventory: obspy.Inventory

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
        codes = rows.assign(
            instrument=rows["channel"].str[:-1],
            fills=rows["channel"].str[-1].map(_FILLS).fillna(""),
        ).fillna({"location": ""})
        chosen = codes[(codes["fills"] != "") & self._is_wanted(codes, wanted)]
        keys = ["network", "station", "location", "instrument"]
        groups = {tuple(map(str, key)): rows for key, rows in chosen.groupby(keys)}
        labels = {
            "instruments": [".".join(key) for key in groups],
            "components": list(COMPONENTS),
        }
        report = self._refused(codes, wanted)
        units: dict[str, str] = {}
        with stores.create(path, WAVEFORMS, self.grid, labels, units=units) as store:
            for index, (key, group) in enumerate(groups.items()):
                components = self._instrument(group)
                report += [self._coverage(key, group, n, c) for n, c in components.items()]
                units[".".join(key)] = _common_units(components)
                self._store(store, index, components)
            store.attrs["units"] = units
        return pd.DataFrame(report) if report else tables.empty(COVERAGE)

    @staticmethod
    def _is_wanted(codes: pd.DataFrame, wanted: list[str]) -> pd.Series:
        return codes["instrument"].isin(wanted) if wanted else codes["instrument"].notna()

    def _refused(self, codes: pd.DataFrame, wanted: list[str]) -> list[dict[str, Any]]:
        """Coverage rows of channels whose code keeps them out."""
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
        units = {c.units for c in components.values() if not c.unused}
        missing = ", ".join(name for name in COMPONENTS if name not in components)
        for component in components.values():
            if len(units) > 1 and component.units == "counts":
                component.unused = "no response, while other components have one"
            if missing:
                component.notes.append(f"no component {missing}: zeros for the network")
        return components

    def _component(self, rows: pd.DataFrame) -> Component:
        canvas = Canvas.blank(self.grid.start_sample, self.grid.n_samples)
        result = Component(canvas.data, canvas.valid, "", set())
        conflicts = 0
        for row in rows.itertuples():
            for trace in self._segments(str(row.path), str(row.channel), row, result):
                conflicts += self._lay(canvas, trace, result)
        if conflicts:
            seconds = conflicts / self.rate_hz
            result.notes.append(f"overlaps with different samples became gaps: {seconds:.2f} s")
        if len(set(rows["channel"])) > 1 or set(rows["channel"].str[-1]) & {"1", "2"}:
            codes = ", ".join(sorted(set(rows["channel"])))
            result.notes.append(f"channels {codes} used as they are, without rotation")
        data, valid = canvas.finish()
        longest = round(self.bridge_gap_s * self.rate_hz)
        result.data, result.valid = bridge(data, valid, longest)
        _judge(result)
        return result

    def _segments(self, path: str, channel: str, row: Any, result: Component) -> list[obspy.Trace]:
        """Gapless traces of one channel of one file around the chunk, response removed."""
        wide = self.span.widen(self.margin_s + 5)
        limits = {
            "starttime": obspy.UTCDateTime(ns=wide.start_ns),
            "endtime": obspy.UTCDateTime(ns=wide.end_ns),
        }
        try:
            stream, notes = read_stream(Path(path), **limits)
        except DataError as error:
            result.notes.append(f"{path}: {error}")
            return []
        if notes:
            result.notes.append(f"{path}: {notes}")
        traces = [
            trace
            for trace in stream.select(
                network=row.network, station=row.station, location=row.location, channel=channel
            ).split()
            if trace.stats.npts
        ]
        return [self._corrected(trace, result) for trace in traces]

    def _corrected(self, trace: obspy.Trace, result: Component) -> obspy.Trace:
        """The trace in m/s where its response is known and wanted, else in counts."""
        units = "counts"
        if self.response.remove and self._has_response(trace):
            length = trace.stats.npts * trace.stats.delta
            if length > 2 * self.response.taper_s:
                trace = trace.copy()
                trace.remove_response(
                    self.inventory,
                    output="VEL",
                    water_level=self.response.water_level_db,
                    pre_filt=self.response.pre_filter_hz,
                    taper=self.response.taper_s > 0,
                    taper_fraction=2 * self.response.taper_s / length,
                )
                units = "m/s"
            else:
                result.notes.append(f"segment of {length:.1f} s too short to remove the response")
                trace.data = np.full(trace.stats.npts, np.nan)
                units = result.units or "m/s"
        result.units = result.units or units
        return trace

    def _has_response(self, trace: obspy.Trace) -> bool:
        try:
            response = self.inventory.get_response(trace.id, trace.stats.starttime)
        except Exception:  # obspy raises a bare Exception where nothing matches
            return False
        return bool(response and response.response_stages)

    def _lay(self, canvas: Canvas, trace: obspy.Trace, result: Component) -> int:
        rate = float(trace.stats.sampling_rate)
        result.rates.add(rate)
        data = np.ma.filled(trace.data.astype(float), np.nan)
        finite = np.isfinite(data)
        if not finite.all():
            result.notes.append(f"{int((~finite).sum())} samples are not finite: gaps")
        start_ns = int(trace.stats.starttime.ns)
        conflicts = 0
        for start, stop in runs_of(finite):
            begin = start_ns + round(int(start) * 1e9 / rate)
            first, values = to_grid(data[start:stop], begin, rate, self.rate_hz)
            conflicts += canvas.lay(first, values)
        return conflicts

    def _store(self, store: Any, index: int, components: dict[str, Component]) -> None:
        for name, component in components.items():
            if not component.unused:
                at = COMPONENTS.index(name)
                store["data"][index, at] = component.data.astype(np.float32)
                store["valid"][index, at] = component.valid

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
            "units": component.units or "counts",
            "status": "unused" if component.unused else "used",
            "notes": "; ".join(dict.fromkeys([*notes, *component.notes])),
        }


def _inner_gaps(valid: np.ndarray) -> list[int]:
    """Lengths in samples of the gaps between valid samples."""
    present = np.flatnonzero(valid)
    if len(present) == 0:
        return []
    inner = valid[present[0] : present[-1] + 1]
    return [int(stop - start) for start, stop in runs_of(~inner)]


def _note_response(component: Component) -> list[str]:
    return ["response: none"] if component.units == "counts" else ["response removed"]


def _judge(component: Component) -> None:
    """Set why a component cannot be used, if it cannot."""
    if not component.valid.any():
        component.unused = "; ".join(["no usable samples in the chunk", *component.notes])
    elif dead(component.data, component.valid):
        value = component.data[component.valid][0]
        component.unused = f"dead channel: every sample is {value:g}"


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

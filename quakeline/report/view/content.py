"""What the browser asks for: the catalog, and the waveforms and picks of any span of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from quakeline.core.errors import ConfigError, DataError
from quakeline.core.schemas import PROBABILITIES, WAVEFORMS
from quakeline.core.timeline import SECOND, Span
from quakeline.report import record_sections, traces
from quakeline.report.catalog import Catalog, load
from quakeline.report.formatting import signed, utc
from quakeline.report.kept_stores import Archive
from quakeline.report.view.picks import AUTHOR, EDITED, RevisedPicks

#: Samples that one answer holds at most, and seconds of a span.
MOST_SAMPLES, MOST_S = 4_000_000, 3600.0
#: Seconds shown before the first and after the last arrival of an event.
_BEFORE_S, _AFTER_S = 5.0, 15.0


@dataclass(frozen=True)
class Content:
    """A run: its tables, its kept waveforms and probabilities, and its revised picks."""

    catalog: Catalog
    waveforms: Archive
    probabilities: Archive
    picks: RevisedPicks

    def event(self, number: int, stations: str = "") -> dict[str, Any]:
        """The record section of an event, the nearest instruments first.

        `stations` are parts of the names of instruments, apart by spaces; all where it is empty.
        Raises DataError for a number that no event has.
        """
        rows = self.catalog.events[self.catalog.events["number"] == number].to_dict("records")
        if not rows:
            raise DataError(f"event {number} given; 1 to {len(self.catalog.events)} are allowed")
        event = {str(key): value for key, value in rows[0].items()}
        own = self.catalog.arrivals[self.catalog.arrivals["event_id"] == event["event_id"]]
        lost = int(own["time_ns"].isna().sum())
        own = own[own["time_ns"].notna()]
        drawing = record_sections.Drawing(1, _BEFORE_S, _AFTER_S, 0, None)
        window = record_sections.window_of(event, own, drawing)
        labels = record_sections.labels_in(self.waveforms, window)
        order = record_sections.by_distance(event, own, self.catalog, labels)
        places = [
            (label, record_sections.where_of(km, azimuth))
            for label, km, azimuth in order
            if _is_asked(label, stations)
        ]
        residuals = dict(zip(own["pick_id"], own["residual_s"], strict=True))
        name = f"Event {number}, seconds after {utc(event['time_ns'], 2)} UTC"
        made = self._section(name, int(event["time_ns"]), window, places, residuals)
        return made | {"without_pick": lost}

    def span(self, start_ns: int, end_ns: int, stations: str = "") -> dict[str, Any]:
        """Instruments of a span, by name; `stations` as in `event`.

        Raises DataError for a span that is empty or too long.
        """
        seconds = (end_ns - start_ns) / SECOND
        if not 0 < seconds <= MOST_S:
            raise DataError(f"{seconds:g} s given; up to {MOST_S:g} s are shown at once")
        window = Span(start_ns, end_ns)
        labels = record_sections.labels_in(self.waveforms, window)
        name = f"{utc(start_ns, 1)} to {utc(end_ns, 1)} UTC"
        places = [(label, "") for label in labels if _is_asked(label, stations)]
        return self._section(name, start_ns, window, places, {}) | {"utc": True}

    def _section(
        self,
        name: str,
        zero_ns: int,
        window: Span,
        places: list[tuple[str, str]],
        residuals: dict[str, float],
    ) -> dict[str, Any]:
        """Traces and picks of instruments, and the names or number of those that are not shown.

        `silent` have no sample in the window, `left_out` are too many samples.
        """
        start, end = ((t - zero_ns) / SECOND for t in (window.start_ns, window.end_ns))
        near = self.picks.within(window.start_ns, window.end_ns)
        rows: list[dict[str, Any]] = []
        silent: list[str] = []
        samples, left_out = 0, 0
        for position, (label, where) in enumerate(places):
            curves = record_sections.curves_of(self.waveforms, label, window, None)
            samples += sum(len(curve.samples) for curve in curves)
            if rows and samples > MOST_SAMPLES:
                left_out = len(places) - position
                break
            if not curves:
                silent.append(label)
                continue
            here = [pick for pick in near if pick["label"] == label]
            rows.append(
                {
                    "label": label,
                    "where": where,
                    "picks": [_pick(pick, zero_ns, residuals) for pick in here],
                    "traces": [traces.trace_of(one, start, end - start) for one in curves],
                }
            )
        return {
            "zero": zero_ns / 1e6,
            "name": name,
            "start": start,
            "end": end,
            "rows": rows,
            "silent": silent,
            "left_out": left_out,
        }


def opened(root: Path, table: Path | None, author: str) -> Content:
    """A finished run. Raises DataError where it has no catalog, or a damaged one."""
    catalog = root / "catalog"
    if not (catalog / "picks.parquet").is_file():
        raise DataError(f"{root} has no catalog/picks.parquet: it is no finished run")
    text = catalog / "config.yaml"
    loaded = load(
        catalog / "events.parquet",
        catalog / "arrivals.parquet",
        catalog / "picks.parquet",
        root / "stations.parquet",
        sorted((root / "raw").glob("*.parquet")),
        text.read_text(encoding="utf-8") if text.is_file() else "",
    )
    picks = RevisedPicks(loaded.picks, table, author)
    _require_of_run(picks, loaded)
    return Content(
        loaded,
        Archive(sorted((root / "waveforms").glob("*.zarr")), WAVEFORMS),
        Archive(sorted((root / "probabilities").glob("*.zarr")), PROBABILITIES),
        picks,
    )


def _is_asked(label: str, stations: str) -> bool:
    """Whether the name of an instrument holds one of some words; with no words it does."""
    words = stations.upper().split()
    return not words or any(word in label.upper() for word in words)


def _require_of_run(picks: RevisedPicks, catalog: Catalog) -> None:
    """Refuse a table of revised picks that belongs to another run.

    Its stations and times must be those of the run, and some pick that nobody changed one of it.
    Raises ConfigError that says what is not.
    """
    rows, span, own = picks.rows(), catalog.span, catalog.picks
    known = {*catalog.stations["site"], *(own["network"] + "." + own["station"])}
    strange = sorted({f"{row['network']}.{row['station']}" for row in rows} - known)
    untouched = {row["pick_id"]: row["time_ns"] for row in rows if not row[AUTHOR]}
    outside = sum(not span.contains(time_ns) for time_ns in untouched.values())
    why = f"{strange[0]} is no station of the run" if strange else ""
    if outside and not why:
        why = f"{outside} of its {len(rows)} picks are not of the time of this run"
    if untouched and not untouched.keys() & {*own["pick_id"]} and not why:
        why = "none of its picks is one of the run"
    if why:
        raise ConfigError(f"--picks {picks.file} given; it was written for another run: {why}")


def _pick(pick: dict[str, Any], zero_ns: int, residuals: dict[str, float]) -> dict[str, Any]:
    residual = residuals.get(pick["pick_id"])
    known = residual is not None and bool(np.isfinite(residual))
    said = [f"{pick['phase']} {utc(pick['time_ns'], 3)}", f"probability {pick['probability']:.2f}"]
    said += [f"residual {signed(residual, 3)} s"] if known else []
    said += [f"by {pick[AUTHOR]}, {pick[EDITED]}"] if pick[AUTHOR] else []
    return {
        "id": pick["pick_id"],
        "phase": pick["phase"],
        "t": (pick["time_ns"] - zero_ns) / SECOND,
        "own": pick["pick_id"] in residuals or bool(pick[AUTHOR]),
        "title": ", ".join(said),
    }

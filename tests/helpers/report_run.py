"""A run as the pipeline leaves it: real Unterhaching waveforms, written by quakeline's own io."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import obspy
import pandas as pd
import yaml
from pyproj import Geod

from quakeline.core.schemas import (
    ARRIVALS,
    EVENTS,
    MANIFEST,
    MATCHES,
    MECHANISMS,
    PICKS,
    POLARITIES,
    PROBABILITIES,
    STATIONS,
    WAVEFORMS,
)
from quakeline.core.timeline import SECOND, Span, first_sample, split, to_ns
from quakeline.io.products import provenance, stores, tables
from quakeline.workflow.stages import report

RATE = 100.0
MARGIN_S = 45.0
START = to_ns(pd.Timestamp("2010-05-27T16:24:00Z").to_pydatetime())
SPAN = Span(START, START + 240 * SECOND)
ORIGINS = ("2010-05-27T16:24:31.75Z", "2010-05-27T16:27:00.60Z", "2010-05-27T16:27:29.06Z")
HYPOCENTRE = (48.04707, 11.64554, 4.58)
STATIONS_OF_RUN = {
    "BW.UH1": (48.081506, 11.636035),
    "BW.UH2": (48.057873, 11.682011),
    "BW.UH3": (48.030801, 11.638762),
    "BW.UH4": (48.032293, 11.535572),
}
RAW = Path(obspy.__file__).parent / "signal/tests/data"
VP, VS = 4.4, 4.4 / 1.83


@cache
def recordings() -> dict[str, dict[str, np.ndarray]]:
    """Real samples at 100 Hz on the grid of SPAN with its margins; NaN where there are none."""
    low = first_sample(SPAN.start_ns, RATE) - round(MARGIN_S * RATE)
    grid = (low + np.arange(round((240 + 2 * MARGIN_S) * RATE))) / RATE
    found: dict[str, dict[str, np.ndarray]] = {}
    for path in sorted(RAW.glob("BW.UH?._.?H?.D.2010.147.cut.slist.gz")):
        trace = obspy.read(str(path))[0]
        label = f"{trace.stats.network}.{trace.stats.station}..{trace.stats.channel[:2]}"
        values = np.interp(grid, trace.times("timestamp"), trace.data, np.nan, np.nan)
        found.setdefault(label, {})[trace.stats.channel[-1]] = values
    return found


def site(label: str) -> str:
    """Network and station of an instrument."""
    return ".".join(label.split(".")[:2])


def arrival(label: str, speed: float) -> tuple[float, float, float]:
    """Travel time in s, epicentral distance in km and azimuth of a station, straight ray."""
    latitude, longitude = STATIONS_OF_RUN[site(label)]
    azimuth, _, metres = Geod(ellps="WGS84").inv(HYPOCENTRE[1], HYPOCENTRE[0], longitude, latitude)
    return float(np.hypot(metres / 1000, HYPOCENTRE[2])) / speed, metres / 1000, azimuth % 360


def pick_rows() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Picks of three events on four stations and a lone pick; arrivals of all but the last."""
    rng = np.random.default_rng(7)
    picks, arrivals = [], []
    for number, origin in enumerate(ORIGINS, 1):
        for label in recordings():
            for phase, speed in (("P", VP), ("S", VS)):
                if phase == "S" and number == 2 and label != "BW.UH3..SH":
                    continue
                travel, distance, azimuth = arrival(label, speed)
                residual = float(rng.normal(0, 0.05))
                time = pd.Timestamp(origin) + pd.Timedelta(seconds=travel + residual)
                pick = _pick(label, phase, time, f"e{number}")
                picks.append(pick)
                arrivals.append(
                    {
                        "event_id": f"e{number}",
                        "pick_id": pick["pick_id"],
                        "phase": phase,
                        "residual_s": residual,
                        "distance_km": distance,
                        "azimuth_deg": azimuth,
                        "weight": 1.0,
                    }
                )
    picks.append(_pick("BW.UH3..SH", "P", pd.Timestamp("2010-05-27T16:25:26.6Z"), None))
    return picks, arrivals


def _pick(label: str, phase: str, time: pd.Timestamp, event: str | None) -> dict[str, Any]:
    network, station, location, instrument = label.split(".")
    return {
        "pick_id": f"{label}.{phase}.{time.isoformat()}",
        "source": "waveform",
        "network": network,
        "station": station,
        "location": location,
        "instrument": instrument,
        "phase": phase,
        "time": time,
        "time_sigma_s": 0.06,
        "probability": 0.9,
        "model": "phasenet",
        "weights_id": "0123456789ab",
        "event_id": event,
    }


def event_rows() -> list[dict[str, Any]]:
    """Three events near the analyst's location of their sibling."""
    return [
        {
            "event_id": f"e{number}",
            "time": pd.Timestamp(origin),
            "time_sigma_s": 0.1,
            "latitude": HYPOCENTRE[0] + 0.004 * number,
            "longitude": HYPOCENTRE[1] - 0.006 * number,
            "depth_km": HYPOCENTRE[2] + 0.4 * number,
            "horizontal_sigma_km": 0.4,
            "depth_sigma_km": 0.8,
            "rms_s": 0.05,
            "azimuthal_gap_deg": 133.0,
            "n_p": 4,
            "n_s": 1 if number == 2 else 4,
            "n_stations": 4,
            "min_distance_km": 1.9,
            "associator": "pyocto",
            "locator": "grid",
            "quality": "few picks" if number == 2 else "good",
        }
        for number, origin in enumerate(ORIGINS, 1)
    ]


def station_rows() -> list[dict[str, Any]]:
    """The four stations."""
    return [
        {
            "network": name.split(".")[0],
            "station": name.split(".")[1],
            "location": "",
            "latitude": latitude,
            "longitude": longitude,
            "elevation_m": 560.0,
            "depth_m": 0.0,
            "response": "none",
        }
        for name, (latitude, longitude) in STATIONS_OF_RUN.items()
    ]


def manifest_rows() -> list[dict[str, Any]]:
    """What came: one file for each channel, and one that could not be used."""
    rows = []
    for label, components in recordings().items():
        network, station, location, instrument = label.split(".")
        for component in components:
            rows.append(
                {
                    "path": f"/data/{label}{component}.slist",
                    "network": network,
                    "station": station,
                    "location": location,
                    "channel": instrument + component,
                    "start": pd.Timestamp("2010-05-27T16:24:03.68Z"),
                    "end": pd.Timestamp("2010-05-27T16:27:54.00Z"),
                    "sampling_rate_hz": 50.0,
                    "n_samples": 11517,
                    "bytes": 40_000,
                    "sha256": "0" * 64,
                    "status": "data",
                }
            )
    return rows


@dataclass
class RunFiles:
    """The rows of a run's tables, to be changed by a test, and the files made from them."""

    folder: Path
    chunk_s: float = 86_400.0
    keep: tuple[str, ...] = ("waveforms", "probabilities")
    events: list[dict[str, Any]] = field(default_factory=event_rows)
    picks: list[dict[str, Any]] = field(default_factory=lambda: pick_rows()[0])
    arrivals: list[dict[str, Any]] = field(default_factory=lambda: pick_rows()[1])
    stations: list[dict[str, Any]] = field(default_factory=station_rows)
    manifest: list[dict[str, Any]] = field(default_factory=manifest_rows)
    gaps: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    settings: str = ""
    matches: list[dict[str, Any]] = field(default_factory=list)
    evaluation: dict[str, Any] | None = None
    weights: list[Path] = field(default_factory=list)
    diagnosis: dict[str, Any] = field(default_factory=dict)
    mechanisms: list[dict[str, Any]] = field(default_factory=list)
    polarities: list[dict[str, Any]] = field(default_factory=list)
    run_name: str = "unterhaching"

    def make(self, **config: Any) -> str:
        """Write all inputs, run the stage, give the page."""
        page = self.folder / "report.html"
        report.run(report.Config(**config), **self.inputs(), report=page)
        return page.read_text(encoding="utf-8")

    def inputs(self) -> dict[str, Any]:
        """Write all inputs and give the stage's arguments."""
        root = self.folder / "results" / self.run_name
        catalog = root / "catalog"
        self._table(self.events, EVENTS, catalog / "events.parquet", "merge")
        self._table(self.picks, PICKS, catalog / "picks.parquet", "merge")
        self._table(self.arrivals, ARRIVALS, catalog / "arrivals.parquet", "merge")
        self._table(self.stations, STATIONS, root / "stations.parquet", "stations")
        chunks = split(SPAN, self.chunk_s)
        manifests = [root / "raw" / f"{chunk.id}.parquet" for chunk in chunks]
        for path in manifests:
            self._table(self.manifest, MANIFEST, path, "fetch")
        made: dict[str, list[Path]] = {"waveforms": [], "probabilities": []}
        for kind in self.keep:
            made[kind] = [root / kind / f"{chunk.id}.zarr" for chunk in chunks]
            for chunk, path in zip(chunks, made[kind], strict=True):
                getattr(self, f"_{kind}")(chunk, path)
        diagnosis = root / "diagnosis.json"
        diagnosis.write_text(json.dumps(self.diagnosis), encoding="utf-8")
        return {
            "run_name": self.run_name,
            "choices": [],
            "chosen": json.dumps({"time.margin_s": 45.0}),
            "diagnosis": diagnosis,
            "settings": self.settings or self._settings(),
            "events": catalog / "events.parquet",
            "arrivals": catalog / "arrivals.parquet",
            "picks": catalog / "picks.parquet",
            "stations": root / "stations.parquet",
            "manifests": manifests,
            "coverage": [],
            **self._compared(root),
            **self._focal(catalog),
            **made,
            "benchmarks": self._benchmarks(root, chunks),
            "channels": [],
            "fibre_picks": [],
            "panels": [],
            "maps": [],
            "weights": self.weights,
        }

    def _compared(self, root: Path) -> dict[str, list[Path]]:
        """What the stage evaluate would have left, where a test gave it."""
        if self.evaluation is None:
            return {"matches": [], "evaluation": []}
        self._table(self.matches, MATCHES, root / "evaluation/matches.parquet", "evaluate")
        summary = root / "evaluation/evaluation.json"
        summary.write_text(json.dumps(self.evaluation))
        return {"matches": [root / "evaluation/matches.parquet"], "evaluation": [summary]}

    def _focal(self, catalog: Path) -> dict[str, list[Path]]:
        """What the stage mechanism would have left, where a test gave it."""
        kinds = {"mechanisms": MECHANISMS, "polarities": POLARITIES}
        if not self.mechanisms:
            return {name: [] for name in kinds}
        for name, table in kinds.items():
            rows = [dict.fromkeys(table.names) | row for row in getattr(self, name)]
            self._table(rows, table, catalog / f"{name}.parquet", "mechanism")
        return {name: [catalog / f"{name}.parquet"] for name in kinds}

    def _settings(self) -> str:
        settings = {
            "run": self.run_name,
            "time": {"start": "2010-05-27T16:24:00Z", "end": "2010-05-27T16:28:00Z"},
            "weights": {"model": "phasenet", "path": None},
            "pick": {"thresholds": {"P": 0.3, "S": 0.3}},
            "keep": list(self.keep),
        }
        return yaml.safe_dump(settings, sort_keys=False)

    def _table(self, rows: list[dict[str, Any]], schema: Any, path: Path, stage: str) -> None:
        frame = pd.DataFrame(rows) if rows else tables.empty(schema)
        with provenance.recording(provenance.Record(stage, 1, {"of": path.name})):
            tables.write(frame, schema, path)

    def _waveforms(self, chunk: Span, path: Path) -> None:
        grid, cut = _grid(chunk)
        labels = {"instruments": list(recordings()), "components": ["Z", "N", "E"]}
        record = provenance.Record("prepare", 1, {}, {"manifest": "m" * 64})
        with (
            provenance.recording(record),
            stores.create(path, WAVEFORMS, grid, labels, units=["counts"] * 4) as group,
        ):
            for i, (label, components) in enumerate(recordings().items()):
                for component, values in components.items():
                    part = values[cut].copy()
                    for begin, end in self.gaps.get(label, []):
                        part[_offset(begin, grid) : _offset(end, grid)] = np.nan
                    j = labels["components"].index(component)
                    group["valid"][i, j] = np.isfinite(part)  # type: ignore[index]
                    group["data"][i, j] = np.nan_to_num(part)  # type: ignore[index]

    def _probabilities(self, chunk: Span, path: Path) -> None:
        grid, cut = _grid(chunk)
        labels = {"instruments": list(recordings()), "classes": ["P", "S"]}
        record = provenance.Record("annotate", 1, {}, {"weights": "a" * 64})
        names = {"model": "phasenet", "weights_id": "0123456789ab", "thresholds": {"P": 0.3}}
        time = grid.start_sample / RATE + np.arange(grid.n_samples) / RATE
        with (
            provenance.recording(record),
            stores.create(path, PROBABILITIES, grid, labels, **names) as group,
        ):
            for i, label in enumerate(recordings()):
                group["valid"][i] = np.isfinite(recordings()[label]["Z"][cut])  # type: ignore[index]
                for j, phase in enumerate("PS"):
                    onsets = [
                        p["time"].timestamp()
                        for p in self.picks
                        if p["phase"] == phase
                        and label.startswith(f"{p['network']}.{p['station']}.")
                    ]
                    curve = np.zeros(len(time))
                    for onset in onsets:
                        here = slice(*np.searchsorted(time, [onset - 1, onset + 1]))
                        bump = 0.9 * np.exp(-(((time[here] - onset) / 0.1) ** 2))
                        curve[here] = np.maximum(curve[here], bump)
                    group["probability"][i, j] = curve  # type: ignore[index]

    def _benchmarks(self, root: Path, chunks: list[Span]) -> list[Path]:
        head = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
        paths = []
        for rule in ("prepare", "annotate"):
            for number, chunk in enumerate(chunks, 1):
                path = root / "benchmarks" / rule / f"{chunk.id}.tsv"
                path.parent.mkdir(parents=True, exist_ok=True)
                row = f"{number}.50\t0:00:01\t{100 * number}.00\t1\t1\t1\t1\t1\t75\t{number}.25\n"
                path.write_text(head + row)
                paths.append(path)
        path = root / "benchmarks/merge/all.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(head + "0.10\t0:00:00" + "\tNA" * 8 + "\n")
        return [*paths, path]


def _grid(chunk: Span) -> tuple[stores.Grid, slice]:
    """The grid of a chunk with its margins and its place in the recordings."""
    wide = chunk.widen(MARGIN_S)
    low, high = first_sample(wide.start_ns, RATE), first_sample(wide.end_ns, RATE)
    first = first_sample(SPAN.start_ns, RATE) - round(MARGIN_S * RATE)
    return stores.Grid(low, high - low, RATE), slice(low - first, high - first)


def _offset(seconds: float, grid: stores.Grid) -> int:
    """Sample of a store at seconds after the start of the run, not before the store's first."""
    return max(first_sample(SPAN.start_ns, RATE) + round(seconds * RATE) - grid.start_sample, 0)

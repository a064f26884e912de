"""What a picker gains that learns from the picks of its own catalog: one round, before and after.

`python -m benchmarks.own_catalog FOLDER [--quick]`: FOLDER has `stations.csv` and miniSEED of five
minutes at Hengill, Iceland, 2018-12-30T03:00 (20 stations in a swarm, the test set of MALMI). A run
with PhaseNet makes a catalog in the velocities of IASP91; a second one trains the picker on records
of the events before 03:03:40 and makes the catalog again. Counts are of all five minutes, and of
the 80 seconds that were not trained on; events are the same within 2 s. --quick trains one epoch
instead of ten.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks import measure

_END = pd.Timestamp("2018-12-30T03:03:40Z")
_TABLES = ("events", "arrivals", "picks")
_NEAR = pd.Timedelta("2s")
_RUN = """\
run: {name}
time: {{start: 2018-12-30T03:00:00Z, end: 2018-12-30T03:05:00Z}}
stations: {{table: {data}/stations.csv}}
fetch: {{source: {{kind: files, paths: ["{data}/*.mseed"]}}}}
"""
_TRAINED = """\
dataset: {{from_run: first, end: 2018-12-30T03:03:40Z, split: time, length_s: 12, before_s: 4}}
train: {{settings: {{epochs: {epochs}, batch: 16}}}}
"""


def main() -> None:
    """Run both and keep the figures in benchmarks/results/own_catalog.json."""
    parser = measure.parser_of(__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--quick", action="store_true", help="a short run, which keeps no figures")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        rows = round_of(words.folder.resolve(), Path(name), 1 if words.quick else 10)
    measure.finish("own_catalog", rows, words.quick)


def round_of(data: Path, folder: Path, epochs: int) -> list[dict[str, Any]]:
    """Rows of the first catalog and of that of the tuned picker, and what was learnt from."""
    runs = folder / "config/runs"
    runs.mkdir(parents=True)
    first, tuned = (_RUN.format(name=name, data=data) for name in ("first", "tuned"))
    (runs / "first.yaml").write_text(first, encoding="utf-8")
    (runs / "tuned.yaml").write_text(tuned + _TRAINED.format(epochs=epochs), encoding="utf-8")
    rows = []
    before: pd.DataFrame | None = None
    for name in ("first", "tuned"):
        program = Path(sys.executable).with_name("quakeline")
        words: list[str | Path] = [program, "run", name, "--cores", "1"]
        _, used = measure.spent(words, measure.environment_of(1), folder)
        tables = catalog(folder / "results" / name / "catalog")
        for part, since in (("all five minutes", None), ("not trained on", _END)):
            figures = counts(tables, since, before)
            rows.append({"case": f"{name}, {part}", **figures, "cpu_s": round(used["cpu_s"], 1)})
        before = tables["events"]
    metadata = pd.read_csv(folder / "results/tuned/training/dataset/metadata.csv")
    return [*rows, learnt(metadata)]


def catalog(folder: Path) -> dict[str, pd.DataFrame]:
    """The tables of a finished catalog."""
    return {name: pd.read_parquet(folder / f"{name}.parquet") for name in _TABLES}


def counts(
    tables: Mapping[str, pd.DataFrame], since: pd.Timestamp | None, before: pd.DataFrame | None
) -> dict[str, Any]:
    """Events and picks from a time on, and mean absolute residuals of their arrivals in ms."""
    events, arrivals, picks = (tables[name] for name in _TABLES)
    if since is not None:
        events = events[events["time"] >= since]
        picks = picks[picks["time"] >= since]
    arrivals = arrivals[arrivals["event_id"].isin(events["event_id"])]
    residuals = arrivals["residual_s"].abs().groupby(arrivals["phase"]).mean()
    found: dict[str, Any] = {
        "events": len(events),
        "arrivals": len(arrivals),
        "picks": len(picks),
        "residual_ms": {phase: round(1000 * float(residuals[phase])) for phase in ("P", "S")},
        "rms_s": [round(float(value), 3) for value in events["rms_s"].agg(["min", "max"])],
    }
    if before is not None:
        old = before if since is None else before[before["time"] >= since]
        found["again"] = int(
            sum((abs(events["time"] - time) <= _NEAR).any() for time in old["time"])
        )
    return found


def learnt(metadata: pd.DataFrame) -> dict[str, Any]:
    """Records, those with arrivals, and events of each part."""
    labelled = metadata[metadata["source_id"].notna()]
    parts = labelled.groupby("split")["source_id"].nunique()
    return {
        "case": "records learnt from",
        "records": len(metadata),
        "with_arrivals": len(labelled),
        "events": {str(part): int(count) for part, count in parts.items()},
    }


if __name__ == "__main__":
    main()

"""The stage classify_windows: all picks of a chunk, also those of a table for the whole run."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from event_network import blank
from workfolder import WorkFolder

from quakeline.core.schemas import PICKS, WAVEFORMS, WINDOW_CLASSES
from quakeline.core.timeline import SECOND, Span
from quakeline.io.products import stores, tables
from quakeline.workflow.stages import classify_windows

RATE, START = 100, 1_546_138_800


def picks_at(path: Path, *seconds: float) -> Path:
    """A table of P picks at an instrument of the store."""
    rows = [
        {"pick_id": f"{path.stem}{s:g}", "time": pd.Timestamp((START + s) * SECOND, tz="UTC"),
         "phase": "P", "network": "2C", "station": "A", "location": "", "instrument": "HH"}
        for s in seconds
    ]  # fmt: skip
    nothing = {"int": 0, "float": 0.5, "double": 0.5, "string": "", "bool": False}
    frame = pd.DataFrame(rows, columns=PICKS.names)
    for column in PICKS.columns:
        if not column.nullable and frame[column.name].isna().all():
            frame[column.name] = nothing[column.type]
    tables.write(tables.typed(frame, PICKS), PICKS, path)
    return path


def test_picks_of_a_table_are_looked_at_in_their_chunk(tmp_path: Path) -> None:
    span = Span(START * SECOND, (START + 200) * SECOND)
    labels = {"instruments": ["2C.A..HH"], "components": ["Z", "N", "E"]}
    grid = stores.Grid(START * RATE, 200 * RATE, float(RATE))
    with stores.create(tmp_path / "w.zarr", WAVEFORMS, grid, labels, units={}) as store:
        store["data"][:] = np.random.default_rng(0).standard_normal((1, 3, 200 * RATE))
        store["valid"][:] = True
    classify_windows.run(
        classify_windows.Config(path="blank.safetensors"),
        chunk=span.id,
        picks=[
            picks_at(tmp_path / "own.parquet", 60),
            picks_at(tmp_path / "more.parquet", 70, 400),
        ],
        waveforms=tmp_path / "w.zarr",
        weights=[blank(tmp_path / "blank.safetensors")],
        windows=tmp_path / "windows.parquet",
    )
    found = tables.read(tmp_path / "windows.parquet", WINDOW_CLASSES)
    judged = found.loc[found["event_class"].notna(), "pick_id"].unique()
    assert sorted(judged) == ["more70", "own60"]


def test_the_rule_hands_them_over(tmp_path: Path) -> None:
    folder = WorkFolder.furnished(tmp_path)
    blank(folder.folder / "blank.safetensors")
    (folder.folder / "picks.csv").write_text("station,phase,time\n")
    network = {"kind": "network", "weights": {"path": "blank.safetensors"}}
    for replaces, expected in ((False, {"pick", "import_picks"}), (True, {"import_picks"})):
        table = {"table": "picks.csv", "replaces": replaces}
        overlay = folder.demo_overlay(yaml.safe_dump({"import_picks": table, "classify": network}))
        done = folder.snakemake("--configfile", overlay, "--rulegraph")
        assert done.returncode == 0, done.stdout + done.stderr
        names = dict(re.findall(r'(\d+)\[label = "(\w+)"', done.stdout))
        edges = re.findall(r"(\d+) -> (\d+)", done.stdout)
        before = {names[one] for one, other in edges if names[other] == "classify_windows"}
        assert before & {"pick", "import_picks"} == expected

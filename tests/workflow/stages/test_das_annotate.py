"""Onsets of fibre channels: the same wherever chunks are cut; data that are not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from das_files import RATE, SPAN, START, write
from das_sequence import Burst

from quakeline.core.schemas import COVERAGE, ONSETS
from quakeline.core.timeline import SECOND, Span
from quakeline.fibres.section import Fibre
from quakeline.io.products import tables
from quakeline.models.named import weights_file
from quakeline.waveforms.sources.files import Files
from quakeline.workflow.stages import das_annotate, das_index

N = 12


@pytest.fixture(scope="module")
def fibre(tmp_path_factory: pytest.TempPathFactory) -> Fibre:
    """Two minutes of noise with an onset on all channels at 58 s, a gap of 10 s, a dead channel."""
    folder = tmp_path_factory.mktemp("fibre")
    times = np.arange(120 * RATE) / RATE
    data = np.random.default_rng(5).normal(size=(len(times), N))
    for channel in range(N):
        data[:, channel] += 60 * Burst(3, 4, 14, 1.2).at(times - 58 - 0.01 * channel)
    data[:, 3] = 1.0
    for k, (first, stop) in enumerate(((0, 3000), (3000, 8000), (9000, 12_000))):
        write(folder, f"f{k}", data[first:stop].astype(np.float32), first)
    return Fibre(name="F", source=Files(paths=[str(folder / "*.nc")]))


def annotated(fibre: Fibre, folder: Path, span: Span) -> tuple[pd.DataFrame, pd.DataFrame]:
    names = ("manifest", "channels", "onsets", "coverage")
    out = {name: folder / f"{name}_{span.id}.parquet" for name in names}
    common = {"chunk": span.id, "fibre": "F", "settings": fibre.model_dump_json()}
    das_index.run(
        das_index.Config(),
        **common,
        margin_s=60.0,
        archive="",
        manifest=out["manifest"],
        channels=out["channels"],
    )
    das_annotate.run(
        das_annotate.Config(thresholds={"P": 0.3, "S": 0.3}),
        **common,
        weights=weights_file("phasenet"),
        threads=1,
        **out,
    )
    return tables.read(out["onsets"], ONSETS), tables.read(out["coverage"], COVERAGE)


def test_onsets_do_not_depend_on_chunks(fibre: Fibre, tmp_path: Path) -> None:
    whole, coverage = annotated(fibre, tmp_path, Span(START, START + 120 * SECOND))
    near = (whole["time"] - pd.Timestamp(START + 58 * SECOND, tz="UTC")).abs().dt.total_seconds()
    found = whole[near < 0.6]
    assert set(found["channel_index"]) >= set(range(N)) - {3, 0, 11}
    assert 3 not in set(whole["channel_index"])
    (row,) = coverage.to_dict("records")
    assert row["coverage"] == pytest.approx(110 / 120, abs=1e-3)
    assert row["n_gaps"] == 1
    assert row["longest_gap_s"] == pytest.approx(10, abs=0.02)
    assert "1 of 12 channels never change" in row["notes"]
    assert "no positions of its channels" in row["notes"]
    halves = [Span(SPAN.start_ns, SPAN.end_ns), Span(SPAN.end_ns, SPAN.end_ns + 60 * SECOND)]
    parts = []
    for half in halves:
        onsets, _ = annotated(fibre, tmp_path, half)
        ns = onsets["time"].astype("int64")
        parts.append(onsets[(ns >= half.start_ns) & (ns < half.end_ns)])
    ns = whole["time"].astype("int64")
    inside = whole[(ns >= START) & (ns < START + 120 * SECOND)].reset_index(drop=True)
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), inside, atol=1e-5)


def test_channels_that_a_table_does_not_place_are_named(fibre: Fibre, tmp_path: Path) -> None:
    rows = ["channel,latitude,longitude,elevation_m", *(f"{k},46.0,8.{k:03d},0" for k in range(4))]
    table = tmp_path / "channels.csv"
    table.write_text("\n".join(rows) + "\n")
    channels = fibre.channels.model_copy(update={"table": str(table)})
    placed = fibre.model_copy(update={"channels": channels})
    _, coverage = annotated(placed, tmp_path, Span(START, START + 60 * SECOND))
    said = "8 of 12 channels have no position: their picks are not associated"
    assert said in coverage["notes"].iloc[0]


def test_a_chunk_without_files(fibre: Fibre, tmp_path: Path) -> None:
    onsets, coverage = annotated(fibre, tmp_path, Span(START + 900 * SECOND, START + 960 * SECOND))
    assert onsets.empty
    assert coverage.empty

"""The index of a fibre: what came, what did not, where its channels lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from das_files import SPAN, write

from quakeline.core.schemas import FIBRE_CHANNELS, MANIFEST
from quakeline.fibres.recordings.description import Channels
from quakeline.fibres.section import Fibre
from quakeline.io.products import tables
from quakeline.waveforms.sources.files import Files
from quakeline.workflow.stages import das_index


def run(folder: Path, fibre: Fibre) -> tuple:
    out = folder / "m.parquet", folder / "c.parquet"
    das_index.run(
        das_index.Config(),
        chunk=SPAN.id,
        fibre=fibre.name,
        settings=fibre.model_dump_json(),
        margin_s=10.0,
        archive=fibre.source.fingerprint(),
        manifest=out[0],
        channels=out[1],
    )
    return tables.read(out[0], MANIFEST), tables.read(out[1], FIBRE_CHANNELS)


def test_files_and_channels(tmp_path: Path) -> None:
    data = np.random.default_rng(0).normal(size=(1000, 4)).astype(np.float32)
    write(tmp_path, "a", data)
    write(tmp_path, "late", data, 100_000)
    (tmp_path / "junk.nc").write_text("no")
    source = Files(paths=[str(tmp_path / "*.nc")])
    fibre = Fibre(name="F", source=source, channels=Channels(first=1))
    manifest, channels = run(tmp_path, fibre)
    assert manifest["status"].tolist() == ["unreadable", "data"]
    row = manifest.iloc[1]
    assert (row["network"], row["station"], row["n_samples"]) == ("F", "*", 1000)
    assert "no reader opens it" in manifest["reason"].iloc[0]
    assert channels["used"].tolist() == [False, True, True, True]
    assert channels["distance_m"].tolist() == [0, 5, 10, 15]


def test_a_chunk_without_data(tmp_path: Path) -> None:
    write(tmp_path, "late", np.ones((1000, 4), np.float32), 100_000)
    fibre = Fibre(name="F", source=Files(paths=[str(tmp_path / "*.nc")]))
    manifest, channels = run(tmp_path, fibre)
    assert manifest["status"].tolist() == ["no data"]
    assert channels.empty

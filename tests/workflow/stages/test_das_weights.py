"""The network for fibres: from the section to onsets of `das_annotate`."""

from __future__ import annotations

from pathlib import Path

import blurred
import numpy as np
import pandas as pd
import pytest
import torch
from das_files import RATE, SPAN, START, write
from gpus import without_gpu

from quakeline.core.errors import ConfigError
from quakeline.core.schemas import COVERAGE, ONSETS
from quakeline.core.timeline import SECOND
from quakeline.fibres.das.weights_section import Fibres
from quakeline.fibres.section import Fibre
from quakeline.io.products import provenance, tables
from quakeline.models import weights
from quakeline.models.sections import Builtin
from quakeline.waveforms.sources.files import Files
from quakeline.workflow.stages import das_annotate, das_index, das_weights


def own(folder: Path, **options: int) -> Path:
    """A weights file of a network that sees several channels at once."""
    saved = blurred.Blurred(**options, scale=3.0).save(folder / "mine.safetensors")
    section = Fibres(
        model="blurred:Blurred", weights=str(saved), window_samples=1000, thresholds={"S": 0.9}
    )
    path = folder / "fibres.safetensors"
    with provenance.recording(provenance.Record("das_weights", 1, section.plain())):
        das_weights.run(section, weights=path)
    return path


def annotated(folder: Path, path: Path, **options: int | str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Onsets and coverage of a minute with one loud second that runs along 12 channels."""
    data = np.random.default_rng(1).normal(size=(60 * RATE, 12))
    for channel in range(12):
        data[3000 + 10 * channel : 3100 + 10 * channel, channel] *= 30
    write(folder, "f", data.astype(np.float32))
    fibre = Fibre(name="F", source=Files(paths=[str(folder / "*.nc")]))
    common = {"chunk": SPAN.id, "fibre": "F", "settings": fibre.model_dump_json()}
    out = {n: folder / f"{n}.parquet" for n in ("manifest", "channels", "onsets", "coverage")}
    index = {name: out[name] for name in ("manifest", "channels")}
    das_index.run(das_index.Config(), **common, margin_s=60.0, archive="", **index)
    das_annotate.run(das_annotate.Config(**options), **common, weights=path, threads=1, **out)
    return tables.read(out["onsets"], ONSETS), tables.read(out["coverage"], COVERAGE)


def test_a_network_of_many_channels_gives_onsets(tmp_path: Path) -> None:
    onsets, coverage = annotated(tmp_path, own(tmp_path))
    assert set(onsets["phase"]) == {"P"}
    assert set(onsets["model"]) == {"das-blurred-mine"}
    assert sorted(set(onsets["channel_index"])) == list(range(12))
    came = pd.Timestamp(START + 30 * SECOND, tz="UTC")
    late = (onsets["time"] - came).dt.total_seconds() - 0.1 * onsets["channel_index"]
    loud = onsets[onsets["probability"] > 0.8].index
    assert late[loud].between(-0.5, 1.5).all()
    assert len(set(onsets.loc[loud, "channel_index"])) == 12
    assert coverage["coverage"].tolist() == [1.0]


def test_the_batch_is_one_of_patches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Patches may be large: DeepSubDAS has 8 million samples in one."""
    path = own(tmp_path)
    sizes = []
    forward = blurred.Blurred.forward

    def noted(self: blurred.Blurred, x: torch.Tensor) -> dict[str, torch.Tensor]:
        sizes.append(len(x))
        return forward(self, x)

    monkeypatch.setattr(blurred.Blurred, "forward", noted)
    annotated(tmp_path, path, batch=1)
    assert set(sizes) == {1}
    sizes.clear()
    annotated(tmp_path, path, batch=5)
    assert max(sizes) == 5


@without_gpu
def test_a_gpu_that_is_not_there_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^device: 'cuda' given; this machine has no usable GPU"):
        annotated(tmp_path, own(tmp_path), device="cuda")


def test_a_fibre_with_fewer_channels_than_a_patch_is_told(tmp_path: Path) -> None:
    onsets, coverage = annotated(tmp_path, own(tmp_path, width=20))
    assert onsets.empty
    note = coverage["notes"].iloc[0]
    assert "not annotated: the array has 12 channels; a patch of Blurred has 20" in note


def test_any_other_kind_of_weights_serves(tmp_path: Path) -> None:
    path = tmp_path / "fibres.safetensors"
    section = Builtin(model="phasenet")
    with provenance.recording(provenance.Record("das_weights", 1, section.plain())):
        das_weights.run(section, weights=path)
    assert weights.card_of(path)[0].name == "phasenet"

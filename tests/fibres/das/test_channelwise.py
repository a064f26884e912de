"""A picker of single stations on a fibre, without PyTorch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import fibre
import pytest
import torch
from nobody import nobodys

import quakeline
from quakeline import DASPicker, DASPickingCallback, DASWaveformModelWrapper
from quakeline.core.errors import ConfigError, DataError, WeightsError
from quakeline.fibres.das import channelwise
from quakeline.models import weights
from quakeline.models.cards import GPD, PHASENET
from quakeline.models.graphs import graph_of
from quakeline.models.networks import build


@pytest.fixture(scope="module")
def phasenet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights file of PhaseNet with random weights, whose graph is in the cache."""
    torch.manual_seed(4)
    path = tmp_path_factory.mktemp("weights") / "phasenet.safetensors"
    weights.save(path, build(PHASENET).state_dict(), nobodys(PHASENET))
    graph_of(path)
    return path


@pytest.mark.parametrize("strategy", ["clone", "pad"])
@pytest.mark.parametrize("arguments", [{}, {"overlap_samples": 0.3, "blinding": (100, 200)}])
def test_picks_are_those_of_the_module_that_trains(
    phasenet: Path, strategy: str, arguments: dict[str, object]
) -> None:
    data = fibre.array(fibre.wave(7000, 5), (0, 3500), (60, 3500))
    found = []
    for kind in (DASPicker, DASWaveformModelWrapper):
        callback = DASPickingCallback(thresholds=0.2)
        model = kind(phasenet, strategy, threads=1, batch=4)
        report = model.annotate(data, callback, **arguments)
        assert len(report.of("gap")) == 1
        found.append(callback.get_results_dataframe())
    assert len(found[0])
    assert found[0].equals(found[1])


def test_classify_has_the_thresholds_of_the_weights(phasenet: Path) -> None:
    data = fibre.array(fibre.wave(4000, 3))
    model = DASPicker(phasenet, threads=1)
    assert model.default_args["thresholds"] == PHASENET.thresholds
    counts = [len(model.classify(data, P_threshold=level).P) for level in (0.05, 0.9)]
    assert counts[0] > counts[1]


def test_argument_without_effect_is_told(phasenet: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = DASPicker(phasenet, threads=1)
    model.annotate(fibre.array(fibre.wave(3000, 2)), DASPickingCallback(), stacking="max")
    assert "stacking given, without effect here" in caplog.text
    with pytest.raises(ConfigError, match="annotate: stack given; allowed: "):
        model.annotate(fibre.array(fibre.wave(3000, 2)), DASPickingCallback(), stack="max")


def test_what_it_does_not_take(phasenet: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="component_strategy: 'copy' given; allowed: clone, pad"):
        DASPicker(phasenet, "copy")
    with pytest.raises(ConfigError, match="model: 'nothing' given; allowed: phasenet"):
        DASPicker("nothing")
    with pytest.raises(ConfigError, match=r"a Linear given; .*DASWaveformModelWrapper takes"):
        DASPicker(torch.nn.Linear(1, 1))  # type: ignore[arg-type]
    with pytest.raises(WeightsError, match="does not exist"):
        DASPicker(tmp_path / "x.safetensors")
    gpd = tmp_path / "gpd.safetensors"
    weights.save(gpd, build(GPD).state_dict(), nobodys(GPD))
    with pytest.raises(ConfigError, match="gives one value per window"):
        DASPicker(gpd)


def test_f_k_filter_is_that_of_the_module_that_trains(phasenet: Path) -> None:
    data = fibre.array(fibre.wave(3000, 8))
    slow = {"v_min": 100.0, "v_max": 2000.0}
    found = []
    for kind in (DASPicker, DASWaveformModelWrapper):
        callback = DASPickingCallback(thresholds=0.2)
        kind(phasenet, threads=1, fk_filter_args=slow).annotate(data, callback)
        found.append(callback.get_results_dataframe())
    assert found[0].equals(found[1])


def test_picking_a_fibre_leaves_pytorch_out(phasenet: Path, tmp_path: Path) -> None:
    """Its import would take a CPU second."""
    fibre.array(fibre.wave(3000, 4)).to_netcdf(str(tmp_path / "fibre.nc"))
    program = f"""
import sys
import xdas
from quakeline import DASPicker, DASPickingCallback
model = DASPicker({str(phasenet)!r}, threads=1, device="cpu")
callback = DASPickingCallback(thresholds=0.2)
model.annotate(xdas.open_dataarray({str(tmp_path / "fibre.nc")!r}), callback)
print(len(callback.get_results_dataframe()) > 0)
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    some, loaded = done.stdout.splitlines()[-2:]
    assert some == "True", done.stderr
    assert "openvino" in loaded.split()
    assert not {"torch", "matplotlib", "zarr"} & set(loaded.split())


@pytest.mark.parametrize(
    ("module", "idle"),
    [
        ("quakeline.fibres.fronts.onsets", {"torch", "matplotlib"}),
        ("quakeline.fibres.fronts.panels", {"torch", "xdas", "scipy", "matplotlib"}),
    ],
)
def test_jobs_of_fibres_load_what_they_need(module: str, idle: set[str]) -> None:
    """Pictures are drawn where fronts were found, and only they need the files of a fibre."""
    program = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert module in done.stdout.split(), done.stderr
    assert not idle & set(done.stdout.split())


def test_it_is_a_public_name() -> None:
    assert quakeline.DASPicker is channelwise.DASPicker


@pytest.mark.parametrize("kind", [DASPicker, DASWaveformModelWrapper])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"device": "gpu"}, "device: 'gpu' given; allowed: auto, cpu, cuda"),
        ({"threads": -3}, "threads: -3 given; allowed: at least 1"),
        ({"batch": 0}, "batch: 0 given; allowed: at least 1"),
        ({"dx_range": 5}, "dx_range: 5 given; allowed: the least and the most step"),
        ({"dx_range": (20.0, 10.0)}, r"dx_range: \(20.0, 10.0\) given"),
    ],
)
def test_what_it_cannot_compute_on_is_refused_when_it_is_made(
    phasenet: Path, kind: type, given: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        kind(phasenet, **given)


@pytest.mark.parametrize("kind", [DASPicker, DASWaveformModelWrapper])
def test_channels_that_all_go_when_steps_become_longer_are_told(phasenet: Path, kind: type) -> None:
    data = fibre.array(fibre.wave(4000, 4))  # 10 m apart
    with pytest.raises(DataError, match="4 channels, of which none is left where 10 become 1"):
        kind(phasenet, dx_range=(100.0, 200.0)).classify(data)

"""A picker of single stations, channel by channel."""

import fibre
import numpy as np
import pytest
import torch
from nobody import nobodys

from quakeline import DASWaveformModelWrapper, InMemoryCollectionCallback
from quakeline.core.errors import ConfigError, WeightsError
from quakeline.fibres.das.training_windows import normalised
from quakeline.inference.windows import normalise
from quakeline.models import cache, weights
from quakeline.models.cards import EQTRANSFORMER_ORIGINAL, GPD, PHASENET
from quakeline.models.networks import build

N, CHANNELS = 7000, 5


@pytest.fixture(scope="module")
def phasenet(tmp_path_factory):
    """A weights file of PhaseNet with random weights that look at all components."""
    return random_file(PHASENET, tmp_path_factory.mktemp("weights"))


def random_file(card, folder):
    torch.manual_seed(4)
    network = build(card)
    for parameter in network.parameters():
        parameter.data *= 1.5
    path = folder / f"{card.name}.safetensors"
    weights.save(path, network.state_dict(), nobodys(card))
    return path


def annotated(model, data):
    callback = InMemoryCollectionCallback("avg")
    model.annotate(data, callback)
    return callback.annotations


def by_torch(model, samples):
    """The first window of each channel by the module that trains."""
    model.eval()
    with torch.inference_mode():
        found = model(torch.from_numpy(samples[:3000])[None])
    return {phase: values[0].numpy() for phase, values in found.items()}


@pytest.mark.parametrize("strategy", ["clone", "pad"])
def test_annotations_are_those_of_forward(phasenet, strategy):
    samples = fibre.wave(N, CHANNELS)
    model = DASWaveformModelWrapper(phasenet, strategy, threads=1, batch=4)
    found, expected = annotated(model, fibre.array(samples)), by_torch(model, samples)
    for phase in "PS":
        # the second window begins behind half of the first one
        assert found[phase].shape == (N - 500, CHANNELS)
        assert found[phase].values[:1500] == pytest.approx(expected[phase][:1500], abs=1e-5)
        assert expected[phase].std() > 1e-4
        assert found[phase]["time"].values[0] == fibre.START + np.timedelta64(2500, "ms")


def test_the_strategies_differ(phasenet):
    samples = fibre.wave(3000, CHANNELS)
    clone, pad = (
        by_torch(DASWaveformModelWrapper(phasenet, strategy, threads=1), samples)["P"]
        for strategy in ("clone", "pad")
    )
    assert np.abs(clone - pad).max() > 1e-3


def test_weights_of_now_are_applied(phasenet, tmp_path, monkeypatch):
    samples = fibre.wave(N, CHANNELS)
    model = DASWaveformModelWrapper(phasenet, threads=1, batch=4)
    before = annotated(model, fibre.array(samples))["P"].values
    optimizer = torch.optim.SGD(model.parameters(), lr=5.0)
    model.train()
    loss = -model(torch.from_numpy(samples[None, :3000]))["P"].log().mean()
    loss.backward()
    optimizer.step()
    after = annotated(model, fibre.array(samples))["P"].values
    assert model.training
    assert after[:1500] == pytest.approx(by_torch(model, samples)["P"][:1500], abs=1e-5)
    assert np.abs(after - before).max() > 1e-3
    again = DASWaveformModelWrapper.load(model.save(tmp_path / "x.safetensors", name="mine"))
    assert np.array_equal(by_torch(again, samples)["P"], by_torch(model, samples)["P"])
    assert cache.folder().is_dir()


def test_the_filter_of_the_weights(tmp_path):
    """EQTransformer was trained behind a zero-phase filter: what lies outside it does not count."""
    model = DASWaveformModelWrapper(random_file(EQTRANSFORMER_ORIGINAL, tmp_path), threads=1)
    samples = fibre.wave(7000, 2)
    slow = 1000 * np.sin(np.arange(7000) * 2 * np.pi * 0.02 / 100)[:, None].astype(np.float32)
    (filtering,) = model.transforms
    first, second = (filtering(data, 0.01, None) for data in (samples, samples + slow))
    assert second[2000:5000] == pytest.approx(first[2000:5000], abs=0.05)
    assert model.filter_at(100.0) is None


def test_channel_by_channel(phasenet):
    """More channels than a patch holds, and each gives what it gives alone."""
    samples = fibre.wave(3000, 1030)
    model = DASWaveformModelWrapper(phasenet, threads=1, batch=16)
    whole = annotated(model, fibre.array(samples))["S"].values
    some = [0, 513, 514, 515, 1029]
    alone = annotated(model, fibre.array(samples[:, some]))["S"].values
    assert whole[:, some] == pytest.approx(alone, abs=1e-6)


@pytest.mark.parametrize("rule", ["std", "std-live", "max", "scale", "none"])
def test_normalisation_for_training(rule):
    windows = np.random.default_rng(0).normal(3, 50, size=(4, 3, 200)).astype(np.float32)
    windows[1, 2] = 7.0
    windows[2] = 0.0
    expected = windows.copy()
    normalise(expected, None, rule)
    found = normalised(torch.from_numpy(windows), rule).numpy()
    assert found == pytest.approx(expected, abs=1e-5)


def test_what_cannot_be_wrapped(phasenet, tmp_path):
    with pytest.raises(ConfigError, match="component_strategy: 'copy' given; allowed: clone, pad"):
        DASWaveformModelWrapper(phasenet, "copy")
    with pytest.raises(ConfigError, match="gives one value per window"):
        DASWaveformModelWrapper(random_file(GPD, tmp_path))
    with pytest.raises(ConfigError, match="model: 'nothing' given; allowed: phasenet"):
        DASWaveformModelWrapper.from_pretrained("nothing")
    with pytest.raises(ConfigError, match="a Linear given"):
        DASWaveformModelWrapper(torch.nn.Linear(1, 1))
    with pytest.raises(WeightsError, match="does not exist"):
        DASWaveformModelWrapper(tmp_path / "x.safetensors")
    assert "phasenet" in DASWaveformModelWrapper.list_pretrained()

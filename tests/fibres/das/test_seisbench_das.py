"""The same data, networks and callbacks here and in SeisBench."""

from typing import Any

import fibre
import numpy as np
import pytest
import seisbench_material as sb
import torch

import quakeline
from quakeline import DASWaveformModelWrapper, SeisBenchDASModel
from quakeline.core.errors import ConfigError, DataError

seisbench = sb.seisbench()
das_base = pytest.importorskip("seisbench.models.das_base", reason="SeisBench has no DAS models")

N, CHANNELS = 12_000, 30
SAMPLES = fibre.wave(N, CHANNELS)
TOLERANCE = 1e-5


class Blurred(das_base.DASModel):
    """A SeisBench model of both axes whose output is coarser than its input."""

    def __init__(self, **options: Any) -> None:
        structure = das_base.PatchingStructure(
            in_samples=1000,
            in_channels=20,
            out_samples=400,
            out_channels=10,
            range_samples=(100, 900),
            range_channels=(0, 20),
        )
        super().__init__(
            citation="none", annotate_keys=["P"], patching_structure=structure, **options
        )
        torch.manual_seed(0)
        self.layer = torch.nn.Conv2d(1, 1, 5, padding=2)

    def forward(self, x, argdict=None):
        y = torch.sigmoid(self.layer(x[:, None]))[:, 0]
        return {"P": torch.nn.functional.avg_pool2d(y[:, None], 2)[:, 0, 50:450]}

    @property
    def classify_callback(self):
        return das_base.DASPickingCallback


def phasenet(**options: Any) -> Any:
    torch.manual_seed(1)
    return seisbench.models.PhaseNet(**options).eval()


def theirs(model, callback, data=None):
    model.annotate(fibre.array(SAMPLES) if data is None else data, callback, pbar=False)
    return callback


def ours(model, callback, data=None):
    model.annotate(fibre.array(SAMPLES) if data is None else data, callback)
    return callback


def arrays_equal(found, expected, tolerance=TOLERANCE):
    assert found.keys() == expected.keys()
    for key, array in expected.items():
        assert found[key].shape == array.shape
        assert found[key].values == pytest.approx(array.values, abs=tolerance)
        assert array.values.std() > 100 * tolerance
        for name in ("time", "distance"):
            ahead = found[key][name].values - array[name].values
            assert np.abs(ahead.astype(float)).max() < 10  # ns, or m / 1e9


def rows(callback):
    return {
        phase: sorted((p.channel, p.time, p.confidence) for p in picks)
        for phase, picks in callback.get_results_dict().items()
    }


def picks_equal(found, expected):
    found, expected = rows(found), rows(expected)
    assert found.keys() == expected.keys()
    for phase, picks in expected.items():
        assert len(picks) > 200
        assert found[phase] == picks


def picks_alike(found, expected):
    """Equal but for what annotations that differ by 1e-7 turn: the threshold, and rivals."""
    found, expected = rows(found), rows(expected)
    for phase, picks in expected.items():
        here = {pick[:2]: pick[2] for pick in found[phase]}
        there = {pick[:2]: pick[2] for pick in picks}
        assert len(here.keys() ^ there.keys()) <= len(there) / 500
        for pick in here.keys() & there.keys():
            assert here[pick] == pytest.approx(there[pick], abs=TOLERANCE)


@pytest.mark.parametrize("stacking", ["avg", "max", "weighted"])
def test_annotations_of_the_wrapper_and_callbacks_both_ways(stacking):
    network = phasenet()
    peer = seisbench.models.DASWaveformModelWrapper(network)
    here = DASWaveformModelWrapper(network, threads=1)
    expected = theirs(peer, das_base.InMemoryCollectionCallback(stacking)).annotations
    for model, callback, run in (
        (here, quakeline.InMemoryCollectionCallback(stacking), ours),
        (here, das_base.InMemoryCollectionCallback(stacking), ours),
        (peer, quakeline.InMemoryCollectionCallback(stacking), theirs),
        (SeisBenchDASModel(peer), quakeline.InMemoryCollectionCallback(stacking), ours),
    ):
        arrays_equal(run(model, callback).annotations, expected)


@pytest.mark.parametrize("strategy", ["clone", "pad"])
def test_picks_of_the_wrapper_and_callbacks_both_ways(strategy):
    network = phasenet()
    peer = seisbench.models.DASWaveformModelWrapper(network, component_strategy=strategy)
    here = DASWaveformModelWrapper(network, strategy, threads=1)
    options = {"thresholds": 0.3, "min_time_separation": 0.7, "blinding": (60, 90)}
    found = []
    for model, run in ((here, ours), (peer, theirs)):
        one, other = quakeline.DASPickingCallback(**options), das_base.DASPickingCallback(**options)
        run(model, quakeline.MultiCallback([one, other]))
        picks_equal(one, other)
        found.append(one)
    picks_alike(*found)


def test_no_pick_is_lost_above_1024_channels():
    """SeisBench counts channels from the begin of their patch; picks of two patches then meet."""
    samples = np.tile(fibre.wave(4000, 4), (1, 275))
    network = phasenet()
    found = ours(
        DASWaveformModelWrapper(network, threads=1),
        quakeline.DASPickingCallback(0.3),
        fibre.array(samples),
    ).get_results_dataframe()
    counts = found.groupby("channel").size().to_numpy()
    assert len(counts) == 1100
    assert np.array_equal(counts, np.tile(counts[:4], 275))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"dt_range": (0.015, 0.03)},
        {"dx_range": (15.0, 25.0)},
        {"filter_samples": ("butter", {"N": 4, "btype": "bandpass", "Wn": [2.0, 20.0]})},
        {"fk_filter_args": {"v_min": 300.0, "v_max": 5000.0}},
    ],
)
def test_models_of_both_axes(options):
    data = fibre.array(fibre.wave(N, 60))
    peer = Blurred(**options)
    expected = theirs(peer, das_base.InMemoryCollectionCallback(), data).annotations["P"]
    here = SeisBenchDASModel(peer)
    found = ours(here, quakeline.InMemoryCollectionCallback(), data).annotations["P"]
    other = ours(here, das_base.InMemoryCollectionCallback(), data).annotations["P"]
    assert found.shape == other.shape == expected.shape
    assert found.values == pytest.approx(expected.values, abs=TOLERANCE)
    assert other.values == pytest.approx(expected.values, abs=TOLERANCE)
    assert expected.values.std() > 1e-3


def test_data_at_another_rate():
    data = fibre.array(SAMPLES, rate=400.0)
    network = phasenet()
    peer = seisbench.models.DASWaveformModelWrapper(network)
    expected = theirs(peer, das_base.InMemoryCollectionCallback("avg"), data).annotations
    here = DASWaveformModelWrapper(network, threads=1)
    found = ours(here, quakeline.InMemoryCollectionCallback("avg"), data).annotations
    for key, array in expected.items():
        assert found[key].values == pytest.approx(array.values, abs=TOLERANCE)
    # on purpose: SeisBench stretches its times to the last sample of the original data
    steps = np.diff(found["P"]["time"].values)
    assert set(steps.astype(int)) == {5_000_000}


def test_written_by_their_callback(tmp_path):
    import xdas

    here = DASWaveformModelWrapper(phasenet(), threads=1)
    kept = quakeline.InMemoryCollectionCallback()
    (tmp_path / "o").mkdir()
    both = quakeline.MultiCallback([kept, das_base.WriterCallback(tmp_path / "o")])
    ours(here, both)
    found = xdas.open_mfdataarray(str(tmp_path / "o" / "P" / "*"))
    assert found.values == pytest.approx(kept.annotations["P"].values, abs=TOLERANCE)


def test_gaps_are_for_quakeline():
    """SeisBench refuses them; its callbacks keep one section, and that is said."""
    data = fibre.array(SAMPLES, (0, 6000), (100, 6000))
    peer = Blurred()
    with pytest.raises(ValueError, match="not uniformly spaced"):
        theirs(peer, das_base.DASPickingCallback(), data)
    ours(SeisBenchDASModel(peer), quakeline.DASPickingCallback(), data)
    with pytest.raises(DataError, match="2 gapless sections; DASPickingCallback keeps only one"):
        ours(SeisBenchDASModel(peer), das_base.DASPickingCallback(), data)


def test_classify():
    found = SeisBenchDASModel(Blurred()).classify(fibre.array(SAMPLES), thresholds=0.5)
    assert set(found.results) == {"P"}
    with pytest.raises(ConfigError, match="a PhaseNet given; allowed: a DASModel of SeisBench"):
        SeisBenchDASModel(phasenet())

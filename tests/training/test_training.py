"""Networks that learn: windows and labels, zero loss, the same bits, stopped and gone on with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from labelled_records import labelled, small, wavelets

from quakeline.core.errors import ConfigError, DataError, QuakelineError
from quakeline.models.cards import CARDS, GPD, PHASENET, Card
from quakeline.models.phasenet import PhaseNet
from quakeline.training import checkpoints, labels, loop, losses, scoring
from quakeline.training.augmentation import augmented
from quakeline.training.checkpoints import Progress
from quakeline.training.datasets.opening import in_parts, open_dataset
from quakeline.training.datasets.records import Dataset
from quakeline.training.jobs import Job, verdict_of
from quakeline.training.loop import Fit
from quakeline.training.settings import Augmentation, Settings
from quakeline.training.windows import Example, Windows, check

#: PhaseNet on short windows: as deep, but quick.
SHORT = replace(PHASENET, name="short", window_samples=320, hop_samples=151, blind_samples=20)
STILL = Augmentation(noise=0, drop=0, amplitude=0, flip=0)


def fit(data: Dataset, settings: Settings, card: Card = SHORT, recipe: str = "r") -> Fit:
    torch.manual_seed(5)
    network = PhaseNet()
    train = Windows(data, data.rows("train"), card, settings, training=True)
    dev = Windows(data, data.rows("dev") or data.rows("train"), card, settings, training=False)
    return Fit(network, card, train, dev, settings, torch.device("cpu"), recipe)


def trained(job: Fit, checkpoint: Path, last: int | None = None) -> Progress:
    """Train; with `last` it dies when that epoch is done."""

    def notify(row: dict[str, float]) -> None:
        if row["epoch"] == last:
            raise KeyboardInterrupt

    return job.run(checkpoint, notify)


def test_ten_records_are_learnt_by_heart(tmp_path: Path) -> None:
    data = wavelets(tmp_path / "ds", 10, split="train")
    settings = Settings(
        epochs=15, batch=5, learning_rate=0.03, norms="train", augmentation=STILL, patience=15
    )
    job = fit(data, settings)
    one = replace(job, dev=replace(job.dev, rows=[0]))
    done = trained(one, tmp_path / "c.safetensors")
    assert done.history[1]["train_loss"] > 0.5
    assert done.history[-1]["train_loss"] < 0.05


def test_one_seed_gives_the_same_bits_also_when_it_was_stopped(tmp_path: Path) -> None:
    data = wavelets(tmp_path / "ds", 12)
    settings = Settings(epochs=4, batch=2, learning_rate=0.003, step_epochs=2, step_factor=0.5)
    whole = trained(fit(data, settings), tmp_path / "a.safetensors")
    again = trained(fit(data, settings), tmp_path / "b.safetensors")
    with pytest.raises(KeyboardInterrupt):
        trained(fit(data, settings), tmp_path / "c.safetensors", last=2)
    torch.rand(7)  # another state of the random numbers
    resumed = trained(fit(data, settings), tmp_path / "c.safetensors")
    other = trained(
        fit(data, Settings(**{**dict(settings), "seed": 1})), tmp_path / "d.safetensors"
    )
    assert len(whole.history) == 5
    for one in (again, resumed):
        assert one.history == whole.history
        assert all(torch.equal(one.best[name], whole.best[name]) for name in whole.best)
    assert other.history[1] != whole.history[1]


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    data = wavelets(tmp_path / "ds", 4)
    settings = Settings(epochs=1, batch=4)
    place = tmp_path / "c.safetensors"
    trained(fit(data, settings), place)
    with pytest.raises(ConfigError, match="of a training with other settings, records or weights"):
        trained(fit(data, settings, recipe="other"), place)
    place.write_bytes(place.read_bytes()[:1000])
    with pytest.raises(DataError, match="is damaged: remove it to begin anew"):
        trained(fit(data, settings), place)
    assert checkpoints.Progress("x").epochs == 0


def test_kept_norms_do_not_follow_the_records(tmp_path: Path) -> None:
    data = wavelets(tmp_path / "ds", 4)
    job = fit(data, Settings(epochs=1, batch=2))
    before = job.network.first.norm.running_mean.clone()
    trained(job, tmp_path / "c.safetensors")
    assert torch.equal(job.network.first.norm.running_mean, before)


def test_windows_are_where_their_labels_say(tmp_path: Path) -> None:
    data = wavelets(tmp_path / "ds", 8, n=700)
    made = Windows(data, [0, 1, 2], SHORT, Settings(augmentation=STILL), training=True)
    places = set()
    for epoch in range(6):
        window, wanted, weight = made.made(Example(0), epoch)
        assert window.shape == (3, 320)
        np.testing.assert_allclose(wanted.sum(axis=0), 1, atol=1e-6)
        assert weight.all()
        places.add(int(wanted[1].argmax()))
        assert 20 <= wanted[1].argmax() < 300 or 20 <= wanted[2].argmax() < 300
        loudest = int(np.abs(window[:2]).max(axis=0).argmax())
        if wanted[2].max() == 1:
            assert abs(loudest - int(wanted[2].argmax())) < 30
    assert len(places) > 2
    np.testing.assert_array_equal(made.made(Example(0), 3)[0], made.made(Example(0), 3)[0])
    still = replace(made, training=False)
    np.testing.assert_array_equal(still.made(Example(1), 1)[0], still.made(Example(1), 2)[0])


def test_networks_of_one_class_get_a_window_around_each_onset(tmp_path: Path) -> None:
    data = wavelets(tmp_path / "ds", 4, n=900)
    made = Windows(data, [0], GPD, Settings(), training=False)
    assert [one.kind for one in made.examples()] == ["P", "S"]
    for number, one in enumerate(made.examples()):
        window, wanted, weight = made.made(one, 0)
        assert window.shape == (3, 400)
        assert wanted.tolist() == [float(name == "PS"[number]) for name in GPD.classes]
        assert weight == 1
        assert np.abs(window).max() == 1


def test_labels_as_published() -> None:
    onsets = {"P": (100.0,), "S": (150.0,)}
    gauss = labels.curves(PHASENET, onsets, 400, labels.shape_of("phasenet", Settings(), 100.0))
    assert gauss[1, 100] == pytest.approx(1, abs=1e-4)
    assert gauss[1, 110] == pytest.approx(np.exp(-0.5))
    assert gauss[0, 300] == 1
    card = CARDS["eqtransformer-original"]
    curves = labels.curves(card, onsets, 400, labels.shape_of(card.network, Settings(), 100.0))
    assert curves[1, 110] == pytest.approx(0.5)
    assert curves[1, 121] == 0
    assert (curves[0] > 0).nonzero()[0].tolist() == list(range(100, 221))


def test_nothing_is_learnt_where_a_label_may_lack() -> None:
    counted = labels.weights(PHASENET, {"P": (100.0,), "S": ()}, (), 400)
    assert counted[:151].all()
    assert not counted[151:].any()
    counted = labels.weights(PHASENET, {"P": (), "S": (200.0,)}, (), 400)
    assert not counted[:150].any()
    assert counted[150:].all()
    assert (labels.weights(PHASENET, {}, (200.0,), 400) == 0).sum() == 201


@pytest.mark.parametrize("name", ["phasenet", "eqtransformer-original", "gpd"])
def test_right_answers_have_no_loss(name: str) -> None:
    card = CARDS[name]
    onsets = {"P": (1100.0,), "S": (1150.0,)}
    wanted = labels.curves(card, onsets, 3000, ("gaussian", 10.0))
    if card.output == "window":
        wanted = np.eye(len(card.classes), dtype=np.float32)[0]
    right = torch.from_numpy(wanted)[None]
    weight = torch.ones((1, *right.shape[2:]))
    assert losses.loss_of(right, right, weight, card).item() == pytest.approx(0, abs=1e-5)
    wrong = right.flip(1)
    assert losses.loss_of(wrong, right, weight, card).item() > 0.1


def test_augmentation_keeps_a_component_and_what_is_not_there() -> None:
    random = np.random.default_rng(0)
    data, valid = np.ones((3, 50), np.float32), np.ones((3, 50), bool)
    valid[:, 40:] = False
    rules = Augmentation(noise=1, drop=1, amplitude=1, flip=1)
    for _ in range(20):
        _, left = augmented(data, valid, rules, random)
        assert 1 <= left.any(axis=1).sum() < 3
        assert not left[:, 40:].any()
    assert valid[:, :40].all()
    assert (data == 1).all()
    same, _ = augmented(data, valid, STILL, random)
    np.testing.assert_array_equal(same, data)


def test_gaps_clipping_and_lower_rates() -> None:
    random = np.random.default_rng(0)
    data = random.standard_normal((3, 1000)).astype(np.float32)
    valid = np.ones((3, 1000), bool)

    def only(**rules: float) -> tuple[np.ndarray, np.ndarray]:
        changed = STILL.model_copy(update=rules)
        return augmented(data, valid, changed, np.random.default_rng(1))

    gapped, there = only(gap=1)
    lost = np.flatnonzero(~there.any(axis=0))
    assert 1 <= len(lost) <= 250
    assert (np.diff(lost) == 1).all()
    assert not gapped[:, lost].any()
    np.testing.assert_array_equal(gapped[there], data[there])
    clipped, _ = only(clip=1)
    level = np.abs(clipped).max()
    assert 0.2 <= level / np.abs(data).max() <= 0.8
    np.testing.assert_array_equal(clipped, np.clip(data, -level, level))
    slow, _ = only(resample=1)
    spectrum = np.abs(np.fft.rfft(slow[0]))
    assert spectrum[-1:] < 1e-3
    low = np.fft.rfft(slow[0])[:150]
    np.testing.assert_allclose(low, np.fft.rfft(data[0])[:150], atol=1e-3)
    np.testing.assert_array_equal(only()[0], data)


def test_a_second_event_brings_its_labels(tmp_path: Path) -> None:
    data = wavelets(tmp_path / "ds", 8, n=320, split="train")
    rules = STILL.model_copy(update={"superpose": 1.0})
    alone = Windows(data, [0], SHORT, Settings(augmentation=STILL), training=True)
    both = Windows(data, list(range(8)), SHORT, Settings(augmentation=rules), training=True)
    more = 0
    for epoch in range(6):
        one, other = (w.made(Example(0), epoch) for w in (alone, both))
        rows = [SHORT.classes.index(phase) for phase in ("P", "S")]
        labelled_s = [label[1][rows].sum() for label in (one, other)]
        more += labelled_s[1] > 1.4 * labelled_s[0]  # but where it is the same record
        assert other[1].sum(axis=0) == pytest.approx(1)
        assert not np.array_equal(one[0], other[0])
    assert more >= 4


def test_thresholds_are_those_with_the_largest_f1() -> None:
    def record(label: float | None, *picks: tuple[float, float]) -> scoring.Found:
        at = np.array([label] if label is not None else [])
        found = np.array(picks).reshape(-1, 2)
        return scoring.Found(at, found[:, 0], found[:, 1])

    records = [record(5.0, (5.1, 0.62), (9.0, 0.31))] * 20 + [record(None, (3.0, 0.42))]
    assert scoring.thresholds({"P": records}, {"P": 0.3})["P"] == 0.45
    assert scoring.thresholds({"P": records[1:]}, {"P": 0.3})["P"] == 0.3
    one = scoring.score(records, 0.5)
    assert (one.recall, one.precision, one.f1) == (1, 1, 1)
    assert one.mae_ms == pytest.approx(100)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([labelled("1", 100, 700)], "1 records have a label outside their samples"),
        ([labelled("1", 100, None)], "has labels of P alone; phasenet would forget S"),
        ([{"split": "train"}], "has no labels of P or S: nothing to learn"),
    ],
)
def test_records_that_nothing_can_be_learnt_from(
    tmp_path: Path, rows: list[dict[str, object]], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        check(open_dataset(small(tmp_path, *rows)), PHASENET)


def test_another_rate_is_refused(tmp_path: Path) -> None:
    data = in_parts(open_dataset(small(tmp_path, labelled("1", 100, 200))))
    card = replace(PHASENET, sampling_rate_hz=50.0)
    with pytest.raises(DataError, match="has records at 100 Hz; phasenet takes 50 Hz"):
        check(data, card)


def test_settings_on_the_command_line() -> None:
    from quakeline.commands.training_jobs import settings_from

    found = settings_from({"epochs": 3, "label": None}, ["augmentation.drop=0.5", "clip=2"])
    assert (found.epochs, found.augmentation.drop, found.clip) == (3, 0.5, 2.0)
    for words in (["clip"], ["clip=x"], ["augmentation.x=1"]):
        with pytest.raises(QuakelineError):
            settings_from({}, words)


def test_earthquake_cnn_from_scratch(tmp_path: Path) -> None:
    from quakeline.models.blank_cards import EARTHQUAKE_CNN as CARD
    from quakeline.models.networks import build, save_network
    from quakeline.models.weights import card_of

    data = wavelets(tmp_path / "ds", 8, n=700).resampled(40.0)
    assert data.samples(0).shape == (3, 280)
    assert data.table["npts"].tolist() == [280] * 8
    assert data.onsets(0)["P"][0] == pytest.approx(data.table["P"][0][0])
    network = build(CARD)
    made = network.eval()(torch.randn(2, 3, 80))
    torch.testing.assert_close(made.sum(dim=1), torch.ones(2))
    assert sum(p.numel() for p in network.parameters()) == 33_795
    settings = Settings(epochs=2, learning_rate=0.001, norms="train")
    windows = Windows(data, data.rows("train"), CARD, settings, training=True)
    dev = Windows(data, data.rows("dev"), CARD, settings, training=False)
    job = Fit(network, CARD, windows, dev, settings, torch.device("cpu"), "r")
    done = trained(job, tmp_path / "c.safetensors")
    assert 0 <= done.history[-1]["dev_accuracy"] <= 1
    card = replace(CARD, name="mine")
    save_network(tmp_path / "mine.safetensors", done.best, card)
    assert card_of(tmp_path / "mine.safetensors")[0].network == "earthquake-cnn"


def test_resampled_onsets_stay_where_they_are(tmp_path: Path) -> None:
    folder = small(tmp_path, labelled("1", 100, 200), n=1001)
    found = open_dataset(folder).resampled(50.0)
    assert found.onsets(0) == {"P": (50.0,), "S": (100.0,)}
    assert found.samples(0).shape[1] == found.table["npts"][0] == 501
    assert set(found.table["rate_hz"]) == {50.0}


def test_a_file_for_training_is_checked(tmp_path: Path) -> None:
    from quakeline.commands.train import train

    path = tmp_path / "t.yaml"
    path.write_text("network: gpd\ndataset: ds\n")
    with pytest.raises(ConfigError, match=r"t.yaml: output: is required"):
        train(path)
    wavelets(tmp_path / "ds", 4)
    path.write_text("network: x\ndataset: ds\noutput: o.safetensors\n")
    with pytest.raises(ConfigError, match="network: 'x' given; allowed: "):
        train(path, threads=1)


def test_a_window_is_of_the_onset_that_is_nearest_to_its_middle(tmp_path: Path) -> None:
    data = wavelets(tmp_path / "ds", 4, n=900)
    onsets = {"P": 400.0, "S": 460.0}
    for phase, at in onsets.items():
        data.table.at[0, phase] = (at,)
    made = Windows(data, [0], GPD, Settings(jitter_s=0.5, augmentation=STILL), training=True)

    def places(phase: str) -> np.ndarray:
        """Where the middle of the window is, in samples behind the onset."""
        at = onsets[phase]
        own = [
            made._start(Example(0, phase, at), 900, np.random.default_rng(n)) for n in range(300)
        ]
        return np.array(own) + 200 - round(at)

    assert (places("P").min(), places("P").max()) == (-50, 30)
    assert (places("S").min(), places("S").max()) == (-30, 50)


def test_windows_of_noise_are_anywhere_before_the_first_onset(tmp_path: Path) -> None:
    data = wavelets(tmp_path / "ds", 4, n=1200)
    data.table.at[0, "P"], data.table.at[0, "S"] = (700.0,), (800.0,)
    made = Windows(data, [0], GPD, Settings(augmentation=STILL), training=True)
    (noise,) = (one for one in made.examples() if one.kind == "N")
    starts = [made._start(noise, 1200, np.random.default_rng(n)) for n in range(300)]
    assert min(starts) < 10
    assert 240 < max(starts) <= 700 - 50 - 400  # it ends half a second before P
    data.table.at[0, "P"] = (440.0,)
    assert [one.kind for one in replace(made, rows=[0]).examples()] == ["P", "S"]


@pytest.mark.parametrize(
    ("count", "size", "batches"),
    [(9, 4, [4, 5]), (8, 4, [4, 4]), (10, 4, [4, 4, 2]), (1, 4, [1]), (3, 1, [1, 1, 1])],
)
def test_no_window_is_left_alone(count: int, size: int, batches: list[int]) -> None:
    examples = [Example(row) for row in range(count)]
    made = list(loop._cut(examples, size))
    assert [len(some) for some in made] == batches
    assert [one for some in made for one in some] == examples


def test_worse_picks_outweigh_a_smaller_loss(tmp_path: Path) -> None:
    data = open_dataset(small(tmp_path, labelled("1", 100, 200)))
    job = Job(data, Settings(), tmp_path / "tuned.safetensors", "tuned", parent=tmp_path / "first")
    history = [{"dev_loss": 0.3}, {"dev_loss": 0.2}]
    progress = Progress("recipe", history, 1, 0.2)
    losses = "loss 0.2 on the part dev, before 0.3"
    assert verdict_of(job, progress) == f"better than the weights it began with: {losses}"
    said = verdict_of(job, progress, ["F1 of S is 0.765, that of phasenet 0.950"])
    assert said == (
        "not better than the weights it began with: F1 of S is 0.765, that of phasenet 0.950;"
        f" {losses}"
    )

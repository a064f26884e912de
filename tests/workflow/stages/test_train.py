"""A run that trains its picker: on given records, or on the catalog of an earlier run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from labelled_records import wavelets
from workfolder import WorkFolder, demo_like, on_demo

from quakeline.core.errors import ConfigError
from quakeline.core.installed import EXAMPLES
from quakeline.core.schemas import PICKS
from quakeline.io.products import tables
from quakeline.models.networks import save_network
from quakeline.models.weights import card_of
from quakeline.training.beginning import from_scratch
from quakeline.training.settings import Settings
from quakeline.workflow import networks_told, rounds
from quakeline.workflow.stages import train


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("train: {}", "none is given of train.dataset and dataset.from_run"),
        (
            "train: {dataset: a}\ndataset: {from_run: b}",
            "both are given of train.dataset and dataset.from_run",
        ),
        ("dataset: {from_run: b}", "without section train nothing uses its records"),
        ("train: {}\ndataset: {from_run: unterhaching}", "'unterhaching' is this run itself"),
        ("train: {dataset: a}\ndataset: {length_s: 5}", r"before_s \(25\) must be less than"),
        (
            "train: {dataset: a}\nweights: {kind: ensemble, members: [{model: gpd}, {}]}",
            "train: weights of kind ensemble given; allowed: builtin, seisbench, untrained",
        ),
        ("weights: {kind: untrained, network: gpd}", "'untrained' given; it needs section train"),
        (
            "train: {dataset: a}\nweights: {kind: untrained, network: gpd}",
            "norms: 'keep' given; allowed for weights of kind untrained",
        ),
        (
            "train: {dataset: a}\nweights: {kind: untrained, network: earthquake}",
            "did you mean earthquake-cnn",
        ),
        ("train: {dataset: a, settings: {epochs: -1}}", r"train\.settings\.epochs: -1 given"),
    ],
)
def test_what_no_run_can_train(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        demo_like(yaml.safe_load(text))


def test_an_earlier_run_comes_first_unless_it_has_its_catalog(tmp_path: Path) -> None:
    overlays = tmp_path / "config/runs"
    overlays.mkdir(parents=True)
    for name, earlier in (("one", None), ("two", "one"), ("three", "two")):
        overlay = on_demo({"run": name})
        if earlier:
            overlay |= {"train": {}, "dataset": {"from_run": earlier}}
        (overlays / f"{name}.yaml").write_text(yaml.safe_dump(overlay))
    names = [overlays / f"{name}.yaml" for name in ("one", "two", "three")]
    assert rounds.wanted(tmp_path, names[2]) == names
    catalog = tmp_path / "results/two/catalog/events.parquet"
    catalog.parent.mkdir(parents=True)
    catalog.write_bytes(b"")
    assert rounds.wanted(tmp_path, names[2]) == names[2:]
    catalog.unlink()
    names[0].write_text(yaml.safe_dump({"dataset": {"from_run": "three"}, "run": "one"}))
    with pytest.raises(ConfigError, match="two and one and three stand on each other"):
        rounds.wanted(tmp_path, names[2])


def test_a_run_that_follows_another_can_be_checked_before_either(tmp_path: Path) -> None:
    """`quakeline run` would make the first one, so its catalog need not be there."""
    overlays = tmp_path / "config/runs"
    overlays.mkdir(parents=True)
    shutil.copytree(EXAMPLES / "unterhaching", tmp_path / "config/unterhaching")
    (overlays / "one.yaml").write_text(yaml.safe_dump(on_demo({"run": "one"})))
    tuned = on_demo({"run": "two", "train": {}, "dataset": {"from_run": "one"}})
    (overlays / "two.yaml").write_text(yaml.safe_dump(tuned))
    earlier, run = rounds.planned(tmp_path, overlays / "two.yaml")
    assert (earlier.run, run.run) == ("one", "two")
    assert networks_told.planned(run) == {
        "train": "phasenet on the catalog of run one, 50 epochs at most",
        "classify": "by rules on picks",
    }
    tuned["dataset"] = {"from_run": "none"}
    (overlays / "two.yaml").write_text(yaml.safe_dump(tuned))
    with pytest.raises(ConfigError, match=r"dataset.from_run: 'none' has no catalog"):
        rounds.planned(tmp_path, overlays / "two.yaml")
    (overlays / "one.yaml").write_text(yaml.safe_dump(on_demo({"run": "one", "keep": ["all"]})))
    tuned["dataset"] = {"from_run": "one"}
    (overlays / "two.yaml").write_text(yaml.safe_dump(tuned))
    with pytest.raises(ConfigError, match=r"one.yaml, which comes first: keep.0: 'all' given"):
        rounds.planned(tmp_path, overlays / "two.yaml")


def test_a_stopped_training_begins_anew_with_other_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody has to remove a file of the run by hand; with the same settings it goes on."""
    wavelets(tmp_path / "ds", 8, n=900)
    begun = from_scratch("earthquake-cnn", "first", 0)
    save_network(tmp_path / "first.safetensors", begun.network.state_dict(), begun.result)
    place = tmp_path / "training"
    place.mkdir()

    def run(learning_rate: float) -> None:
        settings = Settings(epochs=2, batch=4, norms="train", learning_rate=learning_rate)
        train.run(
            train.Config(dataset=str(tmp_path / "ds"), resample=True, settings=settings),
            parent=tmp_path / "first.safetensors",
            records=[],
            run_name="mine",
            threads=1,
            weights=place / "picker.safetensors",
            epochs=place / "picker.csv",
            page=place / "picker_report/report.html",
        )

    def killed(row: dict[str, float]) -> str:
        if row["epoch"] == 1:
            raise KeyboardInterrupt
        return ""

    monkeypatch.setattr(train, "_words", killed)
    caplog.set_level("INFO", "quakeline")
    for learning_rate, begins_anew in ((0.001, False), (0.001, False), (0.002, True)):
        with pytest.raises(KeyboardInterrupt):
            run(learning_rate)
        assert (place / "picker.checkpoint.safetensors").is_file()
        assert ("begins anew" in caplog.text) == begins_anew
        rates = pd.read_csv(place / "picker.csv")["learning_rate"]
        assert rates.tolist()[1:] == [learning_rate]


@pytest.mark.slow
def test_training_and_use_are_rules_of_one_workflow(demo_copy: WorkFolder) -> None:
    wavelets(demo_copy.folder / "ds", 8)
    overlay = demo_copy.demo_overlay("train: {dataset: ds, settings: {epochs: 1, batch: 4}}")
    planned = demo_copy.planned("--configfile", overlay)
    assert {"train", "annotate", "pick", "merge"} <= set(planned)
    assert not {"weights", "prepare", "dataset"} & set(planned)
    done = demo_copy.quakeline("run", overlay, "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    results = demo_copy.folder / "results/unterhaching"
    card, weights_id = card_of(results / "training/picker.safetensors")
    assert card.parent is not None
    assert (card.name, card.parent.name) == ("unterhaching", "phasenet")
    assert card.training is not None
    assert card.training.data[0].startswith("ds (sha256 ")
    picks = tables.read(results / "catalog/picks.parquet", PICKS)
    assert set(picks["weights_id"]) == {weights_id}
    assert (results / "training/picker_report/report.html").is_file()
    page = (results / "report.html").read_text(encoding="utf-8")
    assert f"phasenet (tensors {card.parent.digest[:12]}" in page
    assert demo_copy.planned("--configfile", overlay) == {}

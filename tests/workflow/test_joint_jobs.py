"""`annotate` and `pick` as one job: when, and with what products."""

from __future__ import annotations

from pathlib import Path

import pytest
from workfolder import WorkFolder

from quakeline.core.errors import DataError
from quakeline.core.schemas import PICKS
from quakeline.io.products import provenance, tables
from quakeline.workflow import cluster, config
from quakeline.workflow.joint_jobs import apart_in
from quakeline.workflow.stages import annotate, pick

CHUNK = "20100527T162400_20100527T162800"
FILE = f"results/unterhaching/picks/{CHUNK}.parquet"
OVERLAY = "keep: []\n"


@pytest.fixture(scope="module")
def joint(tmp_path_factory: pytest.TempPathFactory) -> WorkFolder:
    """The demo without kept stores, as far as its picks are measured."""
    place = WorkFolder.furnished(tmp_path_factory.mktemp("joint"))
    done = place.snakemake("--configfile", place.demo_overlay(OVERLAY), "--until", "measure")
    assert done.returncode == 0, done.stdout + done.stderr
    return place


def test_picks_are_the_same_bytes_as_those_of_two_jobs(
    joint: WorkFolder, demo_run: WorkFolder
) -> None:
    results = joint.folder / "results/unterhaching"
    assert (joint.folder / FILE).read_bytes() == (demo_run.folder / FILE).read_bytes()
    made_by = provenance.read(joint.folder / FILE)
    store = demo_run.folder / f"results/unterhaching/probabilities/{CHUNK}.zarr"
    assert made_by["inputs"]["probabilities"] == provenance.read(store)["product_id"]
    assert len(tables.read(joint.folder / FILE, PICKS)) > 0
    assert not (results / "probabilities").exists()
    assert not (results / "logs/annotate").exists()
    log = (results / f"logs/pick/{CHUNK}.log").read_text(encoding="utf-8")
    assert "annotate: 4 instruments" in log or "annotate: 3 instruments" in log


@pytest.mark.parametrize(
    "setting", ["annotate: {batch: 8}", "pick: {min_distance_s: 1.0}"], ids=["annotate", "pick"]
)
def test_a_changed_setting_of_either_stage_picks_again(joint: WorkFolder, setting: str) -> None:
    overlay = joint.demo_overlay(OVERLAY + setting, "changed.yaml")
    planned = joint.planned("--configfile", overlay, "--until", "measure")
    assert set(planned) == {"prepare", "pick", "measure"}


def test_a_finished_run_is_not_planned_again(joint: WorkFolder) -> None:
    overlay = joint.demo_overlay(OVERLAY)
    assert joint.planned("--configfile", overlay, "--until", "measure") == {}


def test_the_version_of_annotate_counts_for_picks(joint: WorkFolder) -> None:
    run = config.read(config.read_yaml(Path(joint.demo_overlay(OVERLAY))))
    assert not run.annotates_apart
    assert run.params("annotate")["version"] == annotate.VERSION


@pytest.mark.parametrize(
    "text", ["keep: [probabilities]", "annotate: {device: cuda}"], ids=["kept", "GPU"]
)
def test_settings_ask_for_two_jobs(tmp_path: Path, text: str) -> None:
    path = WorkFolder(tmp_path).demo_overlay(OVERLAY + text if "keep" not in text else text)
    assert config.read(config.read_yaml(Path(path)), tmp_path / config.DEFAULT).annotates_apart


def test_networks_with_a_partition_of_their_own_have_jobs_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    site = tmp_path / cluster.SITE
    assert not apart_in(tmp_path, "mine")
    site.write_text("cpu: {partition: a}\n", encoding="utf-8")
    assert not apart_in(tmp_path, "mine")
    site.write_text("{cpu: {partition: a}, gpu: {partition: b}}\n", encoding="utf-8")
    assert apart_in(tmp_path, "mine")


@pytest.mark.parametrize(("stages", "apart"), [(("annotate", "pick"), True), (("pick",), False)])
def test_a_run_goes_on_as_it_began(tmp_path: Path, stages: tuple[str, ...], apart: bool) -> None:
    (tmp_path / "config").mkdir()
    text = "cpu: {partition: a}\n" if apart else "{cpu: {partition: a}, gpu: {partition: b}}\n"
    (tmp_path / cluster.SITE).write_text(text, encoding="utf-8")
    for stage in stages:
        (tmp_path / "results/mine/logs" / stage).mkdir(parents=True)
    assert apart_in(tmp_path, "mine") is apart


def test_the_stage_that_failed_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        pick.run_with_earlier(
            pick.Config(),
            earlier=annotate.Config(),
            chunk=CHUNK,
            waveforms=tmp_path / "none.zarr",
            weights=tmp_path / "none.safetensors",
            threads=1,
            picks=tmp_path / "picks.parquet",
        )
    assert caught.value.stage == "annotate"

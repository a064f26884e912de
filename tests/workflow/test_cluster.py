"""The site file: what a cluster gives, mistakes in it, and what the rules ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from runs import refused
from workfolder import WorkFolder, demo_like

from quakeline.core.errors import ConfigError
from quakeline.workflow import cluster

EXAMPLE = Path(__file__).resolve().parents[2] / "profiles/slurm/site.example.yaml"


def site(folder: Path, text: str) -> cluster.ClusterSite:
    (folder / "config").mkdir(exist_ok=True)
    (folder / cluster.SITE).write_text(text, encoding="utf-8")
    return cluster.read_site(folder)


def test_a_workstation_asks_for_memory_and_time_alone(tmp_path: Path) -> None:
    found = cluster.read_site(tmp_path).resources("gpu", memory_mb=1000, runtime_min=10)
    assert set(found) == {"mem_mb", "runtime"}
    assert [found["mem_mb"](None, attempt) for attempt in (1, 2, 3)] == [1000, 2000, 3000]


def test_requests_stop_growing_at_the_limit_of_the_partition(tmp_path: Path) -> None:
    found = site(tmp_path, "cpu: {partition: a, max_memory_mb: 1500, max_runtime_min: 12}")
    wanted = found.resources("cpu", memory_mb=1000, runtime_min=10)
    assert [wanted["mem_mb"](None, attempt) for attempt in (1, 2)] == [1000, 1500]
    assert [wanted["runtime"](None, attempt) for attempt in (1, 2)] == [10, 12]


def test_networks_go_to_the_gpu_partition_where_there_is_one(tmp_path: Path) -> None:
    text = "{account: me, qos: low, cpu: {partition: a}, gpu: {partition: b, gres: 'gpu:1'}}"
    found = site(tmp_path, text)
    both = {kind: found.resources(kind, memory_mb=1, runtime_min=1) for kind in ("cpu", "gpu")}
    assert both["cpu"]["slurm_partition"] == "a"
    assert "gres" not in both["cpu"]
    assert (both["gpu"]["slurm_partition"], both["gpu"]["gres"]) == ("b", "gpu:1")
    assert {(r["slurm_account"], r["qos"]) for r in both.values()} == {("me", "low")}


def test_without_a_gpu_partition_networks_run_with_the_others(tmp_path: Path) -> None:
    found = site(tmp_path, "cpu: {partition: a}")
    assert found.resources("gpu", memory_mb=1, runtime_min=1)["slurm_partition"] == "a"


GROUPED = "{cpu: {partition: a, max_memory_mb: 9000}, group_chunks: 5}"
FDSN = {"source": {"kind": "fdsn", "providers": ["SCEDC"]}}


def grouped(folder: Path, text: str, **overlay: Any) -> list[str]:
    """Arguments for Snakemake that join jobs of the demo with an overlay."""
    return site(folder, text).grouping(demo_like(overlay))


def test_small_jobs_are_joined_but_for_those_that_ask_servers(tmp_path: Path) -> None:
    words = grouped(tmp_path, GROUPED, fetch=FDSN)
    assert {"prepare=chunks", "annotate=chunks", "merge=catalog", "chunks=5"} < set(words)
    assert "fetch=chunks" not in words
    assert words[-2:] == ["--resources", "mem_mb=9000"]
    words = grouped(tmp_path, GROUPED.replace("group", "gpu: {partition: b}, group"))
    assert {"fetch=of_fetch", "of_fetch=5"} < set(words)
    assert not [word for word in words if word.startswith("annotate")]
    assert grouped(tmp_path, "cpu: {partition: a}") == []


def test_only_stages_of_the_run_are_joined(tmp_path: Path) -> None:
    fibre = {"name": "F", "source": {"kind": "files", "paths": ["a"]}}
    words = grouped(tmp_path, GROUPED, fibres=[fibre], fetch=None, stations=None)
    joined = {word.split("=")[0] for word in words if word.endswith("=chunks")}
    assert joined == {"das_index", "das_annotate", "das_pick"}
    assert not [word for word in words if word.startswith(("evaluate", "import_picks"))]


def test_no_group_waits_for_what_waits_for_it(tmp_path: Path) -> None:
    """A reference of a service is fetched here, between the catalog and the report."""
    words = grouped(tmp_path, GROUPED, evaluate={"reference": "theirs.csv"})
    assert {"merge=catalog", "evaluate=catalog", "report=catalog"} < set(words)
    words = grouped(tmp_path, GROUPED, evaluate={"reference": "fdsn:USGS"})
    assert {"merge=catalog", "report=after_evaluate", "crate=after_evaluate"} < set(words)
    assert not [word for word in words if word.startswith("evaluate=")]
    assert "fetch=chunks" in words


def test_measuring_at_picks_of_a_table_waits_for_the_channels_that_it_names(tmp_path: Path) -> None:
    fibre = {"name": "F", "source": {"kind": "files", "paths": ["a"]}}
    given = {"table": "revised.csv", "replaces": True}
    words = grouped(tmp_path, GROUPED, fibres=[fibre], import_picks=given)
    assert {"das_index=chunks", "pick=chunks", "measure=after_import_picks"} < set(words)
    assert {"chunks=5", "after_import_picks=5"} < set(words)
    assert "measure=chunks" in grouped(tmp_path, GROUPED, import_picks=given)


def test_the_example_is_a_site_and_its_commented_part_too() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    cluster.ClusterSite.model_validate(yaml.safe_load(text))
    lines = [line.removeprefix("# ") if line.startswith(("# g", "#   ")) else line
             for line in text.splitlines() if not line.startswith("gpu: null")]  # fmt: skip
    found = cluster.ClusterSite.model_validate(yaml.safe_load("\n".join(lines)))
    assert found.gpu is not None
    assert found.gpu.partition == "gpu"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cpu: {partition: a, nodes: 3}", ["cpu.nodes", "is no key"]),
        ("cpu: {}", ["cpu.partition", "is required"]),
        ("gpu: {partition: a, gres: 'gpu:1; rm x'}", ["gpu.gres", "gpu:1; rm x"]),
        ("account: 'a; rm x'", ["account", "a; rm x"]),
        ("cpu: {partition: $(x)}", ["cpu.partition", "$(x)"]),
        ("cpu: {partition: a, max_memory_mb: -1}", ["cpu.max_memory_mb", "-1"]),
        ("- a\n- b\n", ["site.yaml"]),
        ("cpu: [", ["site.yaml"]),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        site(tmp_path, text)
    for word in words:
        assert word in str(caught.value)


def test_the_variable_names_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "other.yaml"
    monkeypatch.setenv(cluster.VARIABLE, str(path))
    with pytest.raises(ConfigError, match="does not exist"):
        cluster.read_site(tmp_path)
    path.write_text("cpu: {partition: x}", encoding="utf-8")
    found = cluster.read_site(tmp_path)
    assert found.cpu is not None
    assert found.cpu.partition == "x"


def test_a_mistake_in_the_site_file_stops_a_run(workdir: WorkFolder) -> None:
    (workdir.folder / cluster.SITE).write_text("cpu: {}", encoding="utf-8")
    done = workdir.snakemake("--dry-run")
    assert done.returncode != 0
    assert "cpu.partition is required" in done.stdout + done.stderr


def test_a_profile_needs_the_programs_of_its_system(workdir: WorkFolder) -> None:
    refused(workdir.quakeline("run", "--profile", "lsf"), "profile lsf", "bsub, bjobs, bkill")


def test_an_unknown_profile_lists_the_known_ones(workdir: WorkFolder) -> None:
    done = workdir.quakeline("run", "--profile", "condor")
    assert done.returncode == 2
    assert "'condor'" in done.stderr
    assert "default, kubernetes, lsf, pbs, sge, slurm" in done.stderr

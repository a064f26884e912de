"""The crate of the demo: valid, whole, and enough to make the same catalog again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import obspy
import pytest
from catalogs import same_catalog
from rocrate.rocrate import ROCrate
from runs import refused
from workfolder import WorkFolder

from quakeline import reproduction
from quakeline.errors import ConfigError, DataError
from quakeline.io.provenance import digest_file

CATALOG = "results/unterhaching/catalog"


@pytest.fixture
def catalog(demo_copy: WorkFolder) -> Path:
    return demo_copy.folder / CATALOG


def test_the_crate_says_how_the_catalog_was_made(catalog: Path) -> None:
    crate = ROCrate(catalog)
    action = crate.dereference("#run-unterhaching")
    assert action["instrument"] == crate.mainEntity
    assert crate.mainEntity["name"] == "quakeline"
    made = {entity.id: entity for entity in action["result"]}
    assert set(made) == set(reproduction.crates.CATALOG)
    for name, entity in made.items():
        assert entity["sha256"] == digest_file(catalog / name)
    used = {entity["name"] for entity in action["object"]}
    assert {"config/unterhaching/stations.csv", "config/unterhaching/velocity.csv"} <= used
    assert len(crate.dereference("#weights")["identifier"]) == 12
    assert action["startTime"] < action["endTime"]
    assert crate.root_dataset["license"]["name"] == "not stated"


def test_inputs_are_listed_with_their_digests(catalog: Path) -> None:
    read = reproduction.read(catalog / "ro-crate-metadata.json")
    assert set(read.inputs["role"]) == {"named", "raw"}
    raw = read.inputs[read.inputs["role"] == "raw"]
    folder = Path(obspy.__file__).parent / "signal/tests/data"
    used = folder.glob("BW.UH?._.?H?.D.2010.147.cut.slist.gz")
    assert set(raw["path"]) == {str(path) for path in used}
    for path, sha256 in zip(raw["path"], raw["sha256"], strict=True):
        assert digest_file(Path(path)) == sha256
    assert not [line for line in reproduction.other_versions(read) if not line.startswith("code")]


def test_a_changed_crate_is_refused(catalog: Path) -> None:
    with (catalog / "config.yaml").open("a") as file:
        file.write("# more\n")
    with pytest.raises(DataError, match=r"changed since: config\.yaml$"):
        reproduction.read(catalog)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"@graph": [1]}', "[" * 100_000])
def test_what_is_no_crate_is_refused(catalog: Path, text: str) -> None:
    (catalog / "ro-crate-metadata.json").write_text(text)
    with pytest.raises(DataError, match="not the metadata"):
        reproduction.read(catalog)


def test_other_inputs_are_refused(catalog: Path, demo_copy: WorkFolder, tmp_path: Path) -> None:
    read = reproduction.read(catalog)
    table = demo_copy.folder / "config/unterhaching/velocity.csv"
    table.write_text(table.read_text() + "\n")
    with pytest.raises(DataError, match=r"velocity\.csv has another content"):
        reproduction.furnish(read, tmp_path / "again", demo_copy.folder)
    table.unlink()
    with pytest.raises(DataError, match=r"velocity\.csv is missing"):
        reproduction.furnish(read, tmp_path / "again", demo_copy.folder)
    with pytest.raises(ConfigError, match="holds something else"):
        reproduction.furnish(read, demo_copy.folder / "results", demo_copy.folder)


def test_versions_that_differ_are_named(catalog: Path) -> None:
    path = catalog / "ro-crate-metadata.json"
    crate = json.loads(path.read_text())
    for entity in crate["@graph"]:
        if entity["@id"] == "#software-numpy":
            entity["softwareVersion"] = "0.9"
    path.write_text(json.dumps(crate))
    (said,) = [
        line
        for line in reproduction.other_versions(reproduction.read(catalog))
        if not line.startswith("code")
    ]
    assert said.startswith("numpy 0.9 then, ")


def test_the_run_is_repeated_and_the_catalog_is_the_same(
    demo_copy: WorkFolder, demo_run: WorkFolder
) -> None:
    shutil.move(demo_copy.folder / CATALOG, demo_copy.folder / "published")
    done = demo_copy.quakeline("reproduce", "published", "--folder", "again", "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the catalogs are identical" in done.stdout
    again = demo_copy.folder / "again/results/unterhaching"
    same_catalog(again, demo_run.folder / "results/unterhaching")

    read = reproduction.read(demo_copy.folder / "published")
    (again / "catalog/catalog.csv").write_text("other\n")
    assert reproduction.differences(read, again / "catalog") == ["catalog.csv: other bytes"]


def test_a_crate_that_is_absent(workdir: WorkFolder) -> None:
    refused(workdir.quakeline("reproduce", "nowhere"), "crate nowhere", "No such file")

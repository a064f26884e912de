"""The crate of the demo: valid, whole, and enough to make the same catalog again."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import obspy
import pytest
import yaml
from catalogs import same_catalog
from rocrate.rocrate import ROCrate
from runs import refused
from workfolder import WorkFolder

from quakeline.core.errors import ConfigError, DataError
from quakeline.io.products.provenance import digest_file
from quakeline.workflow import reproduction

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


def forge(catalog: Path, path: str, text: str) -> None:
    """Change a file of a crate, and its digest in the metadata."""
    (catalog / path).write_text(text)
    metadata = catalog / "ro-crate-metadata.json"
    crate = json.loads(metadata.read_text())
    for entity in crate["@graph"]:
        if entity["@id"] == path:
            entity["sha256"] = digest_file(catalog / path)
    metadata.write_text(json.dumps(crate))


def with_input(catalog: Path, base: Path, name: str, text: str) -> None:
    """Let a crate name one more input, which lies where the person's data are."""
    (base / name).parent.mkdir(parents=True, exist_ok=True)
    (base / name).write_text(text)
    table = (catalog / "inputs.csv").read_text()
    columns = {"path": name, "bytes": str(len(text)), "sha256": digest_file(base / name)}
    header = table.splitlines()[0].split(",")
    row = ",".join(columns.get(key, "named" if key == "role" else "") for key in header)
    forge(catalog, "inputs.csv", f"{table}{row}\n")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Snakefile", "place of the program's own files"),
        ("snakefile.", "place of the program's own files"),
        ("workflow/rules/data.smk", "place of the program's own files"),
        ("profiles/local/config.yaml", "place of the program's own files"),
        ("config/site.yaml", "place of the program's own files"),
        ("config/runs/other.yaml", "place of the program's own files"),
        (".snakemake/locks/0", "place of the program's own files"),
        ("results/unterhaching/ids.parquet", "place of the program's own files"),
        ("data\\Snakefile", "no name that every system knows"),
        ("yaml.py", "would run code that it names: yaml.py"),
    ],
)
def test_a_crate_never_takes_the_place_of_the_program(
    catalog: Path, demo_copy: WorkFolder, tmp_path: Path, name: str, why: str
) -> None:
    """What a crate names ran as the workflow of the new folder, once."""
    proof = tmp_path / "proof"
    code = f"open({str(proof)!r}, 'w')\n"
    with_input(catalog, tmp_path / "data", name, code)
    words = ("reproduce", CATALOG, "--folder", "again", "--data", tmp_path / "data")
    refused(demo_copy.quakeline(*map(str, words)), why)
    assert not proof.exists()
    assert not (demo_copy.folder / "again").exists()


def test_a_loader_that_a_crate_names_needs_the_persons_word(
    catalog: Path, demo_copy: WorkFolder
) -> None:
    settings = yaml.safe_load((catalog / "config.yaml").read_text())
    settings["weights"] = {"kind": "custom", "loader": "hidden.networks", "window_samples": 3000}
    settings["weights"]["classes"] = ["P", "S", "N"]
    forge(catalog, "config.yaml", yaml.safe_dump(settings))
    refused(
        demo_copy.quakeline("reproduce", CATALOG, "--folder", "again"),
        "would run code that it names: the module hidden.networks",
        "--run-code",
    )


def test_a_module_of_the_working_folder_never_stands_for_one_of_python(
    demo_copy: WorkFolder,
) -> None:
    """Snakemake starts Python in the folder of the run, where anybody's files may lie."""
    for name in ("random.py", "yaml.py"):
        (demo_copy.folder / name).write_text("raise SystemExit(99)\n")
    done = demo_copy.quakeline("run", "--cores", "2", "--", "--forcerun", "merge")
    assert done.returncode == 0, done.stdout + done.stderr


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
    assert "rule " not in done.stdout + done.stderr, "what Snakemake says is for --verbose"
    again = demo_copy.folder / "again/results/unterhaching"
    same_catalog(again, demo_run.folder / "results/unterhaching")

    read = reproduction.read(demo_copy.folder / "published")
    quakeml = again / "catalog/catalog.qml"
    text = quakeml.read_text()
    (product,) = set(re.findall(r"catalog/([0-9a-f]{12})", text))
    quakeml.write_text(text.replace(product, "0" * len(product)))
    assert reproduction.differences(read, again / "catalog") == []
    quakeml.write_text(text.replace("BW", "XX"))
    assert reproduction.differences(read, again / "catalog") == ["catalog.qml: other bytes"]
    quakeml.write_text(text)
    (again / "catalog/catalog.csv").write_text("other\n")
    assert reproduction.differences(read, again / "catalog") == ["catalog.csv: other bytes"]


def test_a_crate_that_is_absent(workdir: WorkFolder) -> None:
    refused(workdir.quakeline("reproduce", "nowhere"), "crate nowhere", "No such file")

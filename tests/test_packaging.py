"""What is installed: pins that hold everywhere, and the entry point."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet
from workfolder import REPOSITORY, WorkFolder

PIN = re.compile(r"^[A-Za-z0-9._-]+==[A-Za-z0-9.]+$")


@pytest.fixture
def pins(repository: Path) -> list[str]:
    return (repository / "envs/constraints.txt").read_text(encoding="utf-8").splitlines()


def test_constraints_are_plain_pins(pins: list[str]) -> None:
    assert [pin for pin in pins if not PIN.match(pin)] == []


def test_every_dependency_is_pinned(repository: Path, pins: list[str]) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    names = {_normal(re.split(r"[^A-Za-z0-9._-]", requirement)[0]) for requirement in wanted}
    assert names - {"quakeline"} - {_normal(pin.split("==")[0]) for pin in pins} == set()


def test_pins_hold_for_the_oldest_python(repository: Path, pins: list[str]) -> None:
    """Debian 12 has Python 3.11.2, where releases that ask for a later 3.11 cannot be installed."""
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest = project["requires-python"].removeprefix(">=") + ".0"
    pinned = {_normal(pin.split("==")[0]) for pin in pins}
    asked = {
        f"{one.name} {one.version}": one.metadata.get("Requires-Python")
        for one in importlib.metadata.distributions()
        if _normal(one.name) in pinned
    }
    assert len(asked) > 100
    assert {
        name: python
        for name, python in asked.items()
        if python and not SpecifierSet(python).contains(oldest)
    } == {}


def _extras_installed(text: str) -> set[str]:
    """The extras that a recipe installs."""
    (found,) = re.findall(r"""(?:EXTRAS=|["']\.\[|editable \.\.\[)([a-z,]+)""", text)
    return set(found.split(","))


@pytest.mark.parametrize(
    "recipe", ["containers/Dockerfile", "containers/quakeline.def", "envs/environment.yml"]
)
def test_recipes_install_extras_that_there_are(repository: Path, recipe: str) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert _extras_installed((repository / recipe).read_text(encoding="utf-8")) <= set(
        project["optional-dependencies"]
    )


def test_the_definition_for_apptainer_copies_what_there_is(repository: Path) -> None:
    text = (repository / "containers/quakeline.def").read_text(encoding="utf-8")
    sections = {part.split("\n", 1)[0]: part for part in text.split("\n%")[1:]}
    assert set(sections) == {"files", "post", "environment", "runscript", "test"}
    copied = [line.split() for line in sections["files"].splitlines()[1:] if line.strip()]
    assert len(copied) == 5
    for source, target in copied:
        assert (repository / source).exists()
        assert target == f"/source/{source}"
    shell = subprocess.run(
        ["sh", "-n"], input=sections["post"].split("\n", 1)[1], text=True, check=False
    )
    assert shell.returncode == 0


def test_conda_takes_the_pins_of_the_tests(repository: Path) -> None:
    text = (repository / "envs/environment.yml").read_text(encoding="utf-8")
    pip = yaml.safe_load(text)["dependencies"][-1]["pip"]
    assert pip[0] == "--constraint constraints.txt"
    assert (repository / "envs/constraints.txt").is_file()
    assert pip[1].startswith("--editable ..[")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the wheel was unpacked into, as pip does, far from the repository."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    shutil.copytree(REPOSITORY / "quakeline", source / "quakeline")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(REPOSITORY / name, source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    words = ["--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "wheel", *words, "-w", folder, source], check=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", folder / "site", wheel], check=True)
    shutil.rmtree(source)
    return folder / "site"


def of_wheel(installed: Path, folder: Path) -> WorkFolder:
    """An empty folder in which the commands are those of the wheel."""
    folder.mkdir(exist_ok=True)
    return WorkFolder(folder, environment={"PYTHONPATH": str(installed)})


def test_everything_works_from_a_wheel(installed: Path, tmp_path: Path) -> None:
    place = of_wheel(installed, tmp_path)
    done = place.quakeline("run")
    assert done.returncode == 2
    assert done.stderr.startswith(f"quakeline: no run in {tmp_path}")
    assert place.quakeline("init", "demo").returncode == 0
    checked = place.quakeline("config", "check")
    assert str(tmp_path / "results/unterhaching") in checked.stdout
    planned = place.quakeline("run", "--", "--dry-run")
    assert planned.returncode == 0, planned.stderr
    assert re.search(r"^crate +1$", planned.stdout + planned.stderr, re.MULTILINE)


def test_the_workflow_of_a_wheel_is_that_of_the_source(installed: Path) -> None:
    for folder in ("workflow/dag", "workflow/examples"):
        source = REPOSITORY / "quakeline" / folder
        names = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
        shipped = installed / "quakeline" / folder
        assert {name for name in names if not (shipped / name).is_file()} == {
            name for name in names if "__pycache__" in name.parts
        }


@pytest.mark.slow
def test_the_demo_from_a_wheel(installed: Path, tmp_path: Path) -> None:
    place = of_wheel(installed, tmp_path)
    assert place.quakeline("init", "demo").returncode == 0
    done = place.quakeline("run", "--cores", "2")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "results/unterhaching/catalog/ro-crate-metadata.json").is_file()

"""What is installed: pins that hold everywhere, and the entry point."""

from __future__ import annotations

import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest

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


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

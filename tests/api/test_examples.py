"""Every public name is described, and its examples do what they say."""

from __future__ import annotations

import doctest
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from workfolder import WorkFolder

from benchmarks import public_api

PERFORMANCE = Path(__file__).resolve().parents[2] / "docs/performance.md"
#: What examples of a module need that the extra `test` does not install.
NEEDED = {
    "quakeline.fibres.das.deepsubdas": "torchvision",
    "quakeline.fibres.das.seisbench": "seisbench.models",
}


@pytest.mark.parametrize("module", public_api.modules(), ids=lambda module: module.__name__)
def test_examples(
    module: ModuleType, demo_run: WorkFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if module.__name__ in NEEDED:
        pytest.importorskip(NEEDED[module.__name__], reason=f"{module.__name__} needs it")
    for name in ("results", "config"):
        (tmp_path / name).symlink_to(demo_run.folder / name)
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(module)
    assert result.attempted >= 2
    assert result.failed == 0


def test_every_public_name_has_an_example() -> None:
    assert public_api.without_example() == []


def test_every_public_name_and_member_is_described() -> None:
    known = {name: one.__doc__ for name, one in public_api.names().items()}
    assert [
        name for name, text in {**known, **dict(public_api.members())}.items() if not text
    ] == []


def test_the_docs_give_the_figures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["public_api"])
    public_api.main()
    rows = [line for line in capsys.readouterr().out.splitlines() if re.match(r"\| \d", line)]
    assert len(rows) == 2
    text = PERFORMANCE.read_text(encoding="utf-8")
    assert [row for row in rows if row not in text] == []

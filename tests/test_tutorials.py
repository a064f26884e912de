"""The tutorials run as notebooks, each in an empty folder, and come to what their text says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("nbclient", reason="extra docs is not installed")
pytest.importorskip("jupytext", reason="extra docs is not installed")

SITE = Path(__file__).resolve().parents[1] / "docs/site"


@pytest.fixture(scope="module")
def notebooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("site_notebooks", SITE / "notebooks.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def said(cells: Any) -> str:
    """All that the cells of a notebook printed or showed as text."""
    outputs = [output for cell in cells.cells for output in cell.get("outputs", ())]
    return "\n".join(o.get("text") or o.get("data", {}).get("text/plain", "") for o in outputs)


def drawn(cells: Any) -> int:
    outputs = [output for cell in cells.cells for output in cell.get("outputs", ())]
    return sum("image/png" in output.get("data", {}) for output in outputs)


def test_demo(notebooks: ModuleType) -> None:
    cells = notebooks.executed(notebooks.PAGES / "demo.md")
    text = said(cells)
    away = [float(km) for km in re.findall(r"epicentre ([\d.]+) km away", text)]
    depths = re.findall(r"depth ([+-][\d.]+) km, stated error ([\d.]+) km", text)
    assert len(away) == len(depths) == 2
    assert max(away) < 0.2
    assert all(abs(float(deeper)) < 2 * float(stated) < 5 for deeper, stated in depths)
    assert "catalog.qml" in text
    assert drawn(cells) == 2


def test_das(notebooks: ModuleType) -> None:
    cells = notebooks.executed(notebooks.PAGES / "das.md")
    found = re.findall(r"([PS]): (\d+) picks, (\d+) m/s along", said(cells))
    assert [(phase, int(n)) for phase, n, _ in found] == [("P", 40), ("S", 40)]
    assert all(float(speed) == pytest.approx(2000, rel=0.05) for *_, speed in found)
    assert drawn(cells) == 1


def test_quality(notebooks: ModuleType) -> None:
    text = said(notebooks.executed(notebooks.PAGES / "quality.md"))
    assert "60 events of 60" in text
    inside = [int(share) for share in re.findall(r"(\d+)% within one", text)]
    assert len(inside) == 3
    # More than 68: the model is right here, which stated errors of 60 events cannot know.
    assert all(share >= 68 for share in inside)
    stated = [float(km) for km in re.findall(r"stated ([\d.]+) km", text)]
    assert len(stated) == 3
    assert max(stated) < 0.6
    (located, relocated) = re.findall(r"located ([\d.]+) km, relocated ([\d.]+) km", text)[0]
    assert float(relocated) < 1.2 * float(located) < 0.6
    first, later = (float(b) for b in re.findall(r"b ([\d.]+) with", text))
    assert first < later == pytest.approx(1, abs=0.04)


@pytest.mark.slow
def test_own_data(notebooks: ModuleType) -> None:
    cells = notebooks.executed(notebooks.PAGES / "own_data.md")
    text = said(cells)
    assert "run: mine" in text
    assert len(re.findall(r"2010-05-27 16:2[47]:", text)) == 2
    assert drawn(cells) == 1


@pytest.mark.slow
def test_pickers(notebooks: ModuleType) -> None:
    text = said(notebooks.executed(notebooks.PAGES / "pickers.md"))
    rows = re.findall(
        r"^(phasenet|eqtransformer-original|gpd) +(\d+) +(\d+) +(\d+)", text, re.MULTILINE
    )
    events = {model: int(n) for model, _, n, _ in rows}
    assert set(events) == {"phasenet", "eqtransformer-original", "gpd"}
    assert events["phasenet"] == 2


def test_live(notebooks: ModuleType) -> None:
    text = said(notebooks.executed(notebooks.PAGES / "live.md"))
    assert "equal: True" in text
    assert "2 events live, 2 of the archive" in text
    again, of = map(int, re.findall(r"(\d+) of (\d+) picks found again", text)[0])
    assert 0 < again < of


@pytest.mark.slow
def test_fine_tuning(notebooks: ModuleType) -> None:
    """The tuned picker finds more onsets of the event that it never saw, and no more false ones."""
    cells = notebooks.executed(notebooks.PAGES / "fine_tuning.md")
    row = r"^(phasenet|tuned) +([PS]) +[\d.]+ +(\d+) +([\d.]+)"
    found = re.findall(row, said(cells), re.MULTILINE)
    recall = {(model, phase): float(share) for model, phase, _, share in found}
    assert len(recall) == 4
    for phase in "PS":
        assert recall["tuned", phase] > recall["phasenet", phase] + 0.2
    assert drawn(cells) == 1


def test_every_tutorial_is_run_by_a_test_of_its_name(notebooks: ModuleType) -> None:
    assert {f"test_{page.stem}" for page in notebooks.PAGES.glob("*.md")} <= set(globals())


def test_a_cell_that_fails_is_an_error(notebooks: ModuleType, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A page\n\n```python\nraise ValueError('no picks')\n```\n", encoding="utf-8")
    with pytest.raises(Exception, match="no picks"):
        notebooks.executed(page)


def test_output_of_another_text_is_not_shown(
    notebooks: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import nbformat

    monkeypatch.setattr(notebooks, "MADE", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("# A page\n\n```python\nprint(1)\n```\n", encoding="utf-8")
    assert notebooks.kept(page) is None
    nbformat.write(notebooks.notebook(page), tmp_path / "page.ipynb")
    assert notebooks.kept(page) is not None
    page.write_text("# A page\n\n```python\nprint(2)\n```\n", encoding="utf-8")
    assert notebooks.kept(page) is None

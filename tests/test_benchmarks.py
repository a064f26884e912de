"""Every benchmark can be imported and says what it measures: none goes stale unseen."""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys

import pytest

import benchmarks
from benchmarks import catalog_tables, live_tables, measure, whole_process

NAMES = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__))
#: Modules that others use, without a command of their own.
PARTS = {
    "amplitudes",
    "held_out",
    "measure",
    "peer_networks",
    "processes",
    "sequences",
    "stated",
    "training_classes",
    "training_cost",
    "training_records",
}


@pytest.mark.parametrize("name", NAMES)
def test_each_benchmark_explains_itself(name, monkeypatch, capsys):
    module = importlib.import_module(f"benchmarks.{name}")
    assert hasattr(module, "main") == (name not in PARTS)
    if name in PARTS:
        return
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as ended:
        module.main()
    said = capsys.readouterr().out
    assert ended.value.code == 0
    assert "usage: " in said
    assert module.__doc__.splitlines()[0] in said


def test_a_package_that_is_not_installed_is_named(monkeypatch, tmp_path):
    (tmp_path / "measuring.py").write_text("import peer_of_nobody\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        measure.child("measuring", 1)
    assert ended.value.code == "measuring: the Python package 'peer_of_nobody' is not installed"


def test_a_process_tells_what_it_says_and_takes():
    work = "sum(i * i for i in range(10**6)); print('done')"
    said, used = measure.spent([sys.executable, "-c", work], measure.environment_of(1))
    assert said == "done\n"
    assert 0 < used["cpu_s"] < 60
    assert used["peak_mb"] > 1
    with pytest.raises(SystemExit, match=r"(?s)-c .* failed:.*no such luck"):
        measure.spent([sys.executable, "-c", "raise ValueError('no such luck')"])


def test_tables_of_the_page_on_catalogs_are_those_of_the_results():
    """`python -m benchmarks.catalog_tables --write` makes them so."""
    page = catalog_tables.PAGE.read_text(encoding="utf-8")
    assert catalog_tables.filled(page) == page


def test_the_table_of_the_page_on_live_events_is_that_of_the_results():
    """`python -m benchmarks.live_tables --write` makes it so."""
    page = live_tables.PAGE.read_text(encoding="utf-8")
    assert live_tables.filled(page, live_tables.TABLES) == page
    assert len(live_tables.live_archive()) == 2


@pytest.mark.parametrize("name", catalog_tables.TABLES)
def test_a_case_without_a_name_has_its_row_too(monkeypatch, tmp_path, name):
    for path in measure.RESULTS.glob("*.json"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(catalog_tables, "RESULTS", tmp_path)
    before = catalog_tables.TABLES[name]()
    file = tmp_path / f"{name.removesuffix('_few')}.json"
    case = "a set of nobody few events" if name.endswith("_few") else "a set of nobody"
    result = json.loads(file.read_text())
    result["cases"].append({**result["cases"][0], "case": case})
    file.write_text(json.dumps(result))
    after = catalog_tables.TABLES[name]()
    assert len(after) == len(before) + 1
    (new,) = (row for row in after if row not in before)
    assert new.startswith(f"| {case} |")


@pytest.mark.parametrize("name", ["real_catalogs", "stability"])
def test_each_measured_case_has_a_row_and_a_title(name):
    cases = json.loads((measure.RESULTS / f"{name}.json").read_text())["cases"]
    rows = catalog_tables.TABLES[name]()
    assert len(rows) == len(cases)
    assert not [one["case"] for one in cases if any(f"| {one['case']} |" in row for row in rows)]


def test_a_changed_figure_changes_the_page(monkeypatch, tmp_path):
    page = catalog_tables.PAGE.read_text(encoding="utf-8")
    for path in measure.RESULTS.glob("*.json"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    cases = json.loads((tmp_path / "real_catalogs.json").read_text())
    for row in cases["cases"]:
        row["recall"] = 0.123
    (tmp_path / "real_catalogs.json").write_text(json.dumps(cases))
    monkeypatch.setattr(catalog_tables, "RESULTS", tmp_path)
    changed = catalog_tables.filled(page)
    assert changed.count("| 0.12 |") == page.count("| 0.12 |") + 2 * len(cases["cases"])
    with pytest.raises(ValueError, match="figures: real_catalogs"):
        catalog_tables.filled("nothing")


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ({}, ["new"]),
        ({"kept": "b"}, ["old a", "new"]),
        ({"keys": ("case", "by")}, ["old a", "old b", "new"]),
    ],
)
def test_what_was_not_measured_again_stays_where_that_is_asked_for(
    asked, left, monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(measure, "RESULTS", tmp_path)
    old = [("a", "them", "old a"), ("b", "them", "old b"), ("b", "us", "old ours")]
    rows = [{"case": case, "by": by, "figure": figure} for case, by, figure in old]
    measure.finish("some", rows, quick=False)
    measure.finish("some", [{"case": "b", "by": "us", "figure": "new"}], quick=False, **asked)
    cases = json.loads((tmp_path / "some.json").read_text())["cases"]
    assert [row["figure"] for row in cases] == left
    capsys.readouterr()


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        ("P,2020-01-01T00:00:01.05Z\nS,2020-01-01T00:00:01Z\n", (3, 2, 0.5)),
        ("", (3, 0, None)),
    ],
)
def test_shared_picks_are_those_of_one_phase_within_a_tenth_of_a_second(theirs, expected, tmp_path):
    ours = "P,2020-01-01T00:00:01.000000Z\nS,2020-01-01T00:00:02Z\nP,2020-01-01T00:00:09Z\n"
    for name, rows in (("ours", ours), ("theirs", theirs)):
        (tmp_path / name).write_text(f"phase,time\n{rows}")
    assert whole_process.shared(tmp_path / "ours", tmp_path / "theirs") == expected

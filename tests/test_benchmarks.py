"""Every benchmark can be imported and says what it measures: none goes stale unseen."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import pytest

import benchmarks
from benchmarks import measure, whole_process

NAMES = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__))
#: Modules that others use, without a command of their own.
PARTS = {
    "amplitudes",
    "held_out",
    "measure",
    "peer_networks",
    "sequences",
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

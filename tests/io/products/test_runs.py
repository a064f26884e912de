"""The folder in which a run was made, however its own folder is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from quakeline.io.products.runs import home_of


@pytest.mark.parametrize(
    ("here", "named"),
    [
        (".", "results/mine"),
        ("results", "mine"),
        ("results/mine", "."),
        ("results/mine/catalog", ".."),
        ("results/other", "../mine/."),
    ],
)
@pytest.mark.parametrize("linked", [False, True])
def test_short_and_relative_names(linked, here, named, tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    results = tmp_path / "disk" if linked else home / "results"
    for name in ("mine/catalog", "other"):
        (results / name).mkdir(parents=True)
    if linked:
        (home / "results").symlink_to(results)
        named, here = f"{home / 'results' / 'mine'}", "."
    monkeypatch.chdir(home / here)
    assert home_of(Path(named)) == home

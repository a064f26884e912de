"""The section `velocity` on every road: tables and grids, by file, YAML, settings and command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from grids import nonlinloc
from synthetics import network, picks_of
from workfolder import WorkFolder, demo_like

import quakeline
from quakeline.core.errors import ConfigError, DataError
from quakeline.core.geometry import distance_azimuth
from quakeline.earth import sections
from quakeline.earth.velocity import GridModel, VelocityModel
from quakeline.events.chain.material import digests, read

LAYERED = VelocityModel((-2.0, 4.0, 12.0), (4.8, 5.9, 6.6), (2.75, 3.4, 3.8))
SOURCES = {100.0: (3.0, -5.0, 6.0), 160.0: (-6.0, 5.0, 13.0)}
DEPTHS = {"associate": {"depth_km": [0, 20]}, "locate": {"depth_km": [0, 20]}}


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with picks of two events in layers, these, and a grid made of them."""
    folder = tmp_path_factory.mktemp("grid")
    stations, frame = network(n=6, radius_km=15.0)
    columns = ["network", "station", "latitude", "longitude", "elevation_m"]
    stations[columns].to_csv(folder / "stations.csv", index=False)
    events = [picks_of(stations, frame, LAYERED, s, seconds=at) for at, s in SOURCES.items()]
    picks = pd.concat(events, ignore_index=True)
    picks[["network", "station", "phase", "time"]].to_csv(folder / "picks.csv", index=False)
    rows = zip(LAYERED.tops, LAYERED.vp, LAYERED.vs, strict=True)
    table = "\n".join(",".join(map(str, row)) for row in rows)
    (folder / "velocity.csv").write_text(f"depth_km,vp,vs\n{table}\n")
    nonlinloc(folder, LAYERED, 0.5)
    (folder / "grid.yaml").write_text("kind: grid\nfile: layer.P.mod.hdr\nnode_km: 1.5\n")
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """One folder of travel times for all tests here."""
    monkeypatch.setenv("QUAKELINE_CACHE", str(tmp_path_factory.getbasetemp() / "grid-cache"))


@pytest.mark.slow
def test_a_grid_of_layers_gives_the_catalog_of_the_layers(
    given: Path, workdir: WorkFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same events, tens of metres apart; in Python and by the command."""
    tables = given / "picks.csv", given / "stations.csv"
    layers = quakeline.catalog(*tables, given / "velocity.csv", threads=1, **DEPTHS)
    grid = quakeline.catalog(*tables, given / "grid.yaml", threads=1, **DEPTHS)
    assert len(layers.events) == len(grid.events) == 2
    assert len(layers.arrivals) == len(grid.arrivals) == 24
    for one, other in zip(layers.events.itertuples(), grid.events.itertuples(), strict=True):
        away, _ = distance_azimuth(one.latitude, one.longitude, [other.latitude], [other.longitude])
        assert away[0] < 0.05
        assert abs(one.depth_km - other.depth_km) < 0.1
        assert (one.locator, other.locator) == ("robust-1d", "robust-3d")
    done = workdir.quakeline(
        "catalog", *map(str, tables), "--velocity", str(given / "grid.yaml"), "-o", "out",
        "--threads", "1", "--depth", "0,20",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "velocity layer.P.mod.hdr: NonLinLoc SLOW_LEN, 240 x 240 x 60 nodes" in done.stderr
    written = pd.read_parquet(workdir.folder / "out/events.parquet")
    pd.testing.assert_series_equal(written["depth_km"], grid.events["depth_km"])
    said = yaml.safe_load((workdir.folder / "out/config.yaml").read_text())["velocity"]
    assert (said["kind"], said["node_km"]) == ("grid", 1.5)
    refused = workdir.quakeline("tune", "velocity", "out", "-o", "model")
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1].startswith(
        "quakeline: quakeline tune velocity works with layers, but layer.P.mod.hdr is a grid in"
    )


def test_a_zarr_store_is_known_by_its_files(given: Path, tmp_path: Path) -> None:
    import xarray

    depth = np.arange(-3.0, 20.0)
    vp = np.broadcast_to(5 + 0.05 * depth, (9, 9, len(depth)))
    axes = {"latitude": np.linspace(47, 49, 9), "longitude": np.linspace(10, 12, 9), "depth": depth}
    names = tuple(axes)
    data = xarray.Dataset({"vp": (names, vp), "vs": (names, vp / 1.75)}, axes)
    stores = []
    for number, factor in enumerate((1.0, 1.0, 1.1)):
        stores.append(tmp_path / f"{number}" / "model.zarr")
        (data * factor).to_zarr(stores[-1], zarr_format=3, consolidated=False)
    tables = given / "picks.csv", given / "stations.csv"
    known = []
    for store in stores:
        material = read(*tables, store)
        assert isinstance(material.model, GridModel)
        known.append(material.inputs["velocity"])
    assert known[0] == known[1] != known[2]


def test_files_and_settings_of_a_grid(given: Path, tmp_path: Path) -> None:
    section = sections.named(given / "layer.P.mod.hdr", vp_vs=1.8)
    assert isinstance(section, sections.Grid)
    assert section.vp_vs == 1.8
    assert len(section.files()) == 4
    assert set(digests(section)) == {*section.files(), "velocity"}
    assert isinstance(section.model(), GridModel)
    nested = tmp_path / "model.yaml"
    words = {"kind": "grid", "file": str(given / "layer.P.mod.hdr"), "origin": [48, 11]}
    nested.write_text(yaml.safe_dump({"velocity": {**words, "values": "nodes"}}))
    by_yaml = sections.named(nested)
    assert isinstance(by_yaml, sections.Grid)
    assert (by_yaml.origin, by_yaml.values) == ((48, 11), "nodes")
    assert sections.section_of({"table": "iasp91"}) == sections.Layers()
    assert sections.named(None) == sections.Layers()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"kind": "grid"}, "velocity.file: is required"),
        (
            {"kind": "grid", "file": "a", "table": "b"},
            "velocity.table: unknown key; allowed: kind, file",
        ),
        ({"kind": "cube"}, "velocity.kind: 'cube' given; allowed: table, grid"),
        ({"kind": "grid", "file": "a", "origin": [95, 0]}, r"velocity.origin.0: 95 given"),
    ],
)
def test_wrong_sections_are_one_line(words: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        sections.section_of(words)


def test_a_grid_for_a_table_and_the_reverse(given: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"give it as velocity: .kind: grid, file: .*hdr"):
        sections.Layers(table=str(given / "layer.P.mod.hdr")).model()
    with pytest.raises(DataError, match=r"a model of layers is given as velocity: .kind: table"):
        sections.Grid(file=str(given / "velocity.csv")).model()
    with pytest.raises(ConfigError, match=r"interpolation: linear given, but .* is a grid"):
        sections.named(given / "layer.P.mod.hdr", interpolation="linear")


def test_a_run_names_the_files_of_its_grid(given: Path) -> None:
    run = demo_like({"velocity": {"kind": "grid", "file": str(given / "layer.P.mod.hdr")}})
    assert isinstance(run.velocity, sections.Grid)
    assert set(run.velocity.files()) <= set(run.named_files())
    assert "velocity.table" not in run.chosen
    gone = demo_like({"velocity": {"kind": "grid", "file": "no.nc"}})
    with pytest.raises(ConfigError, match=r"velocity.file: file 'no.nc' does not exist"):
        gone.require_files()

"""Travel times in velocity grids, against formulas and layers; the folder that keeps them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from grids import FRAME, exact, gradient, network, nonlinloc

from quakeline.core.errors import DataError
from quakeline.earth.velocity import GridModel, VelocityModel, solving
from quakeline.earth.velocity.fields import GridTimes, _positions
from quakeline.earth.velocity.grid_files import load_grid
from quakeline.earth.velocity.raw_grid import GridFacts

#: At altitude, at sea level off any node, on the sea floor and in a deep borehole.
PLACES = [(0.3, 0.2, -1.63), (7.71, -5.13, 0.0), (-8.4, 3.3, 2.41), (4.9, 9.17, 0.77)]
LAYERED = VelocityModel((-2.0, 4.0, 12.0), (4.8, 5.9, 6.6), (2.75, 3.4, 3.8))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QUAKELINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.INFO, logger="quakeline"):
        yield caplog


def sources(count: int = 400) -> np.ndarray:
    """x, y, depth in km: everywhere, and close to the first station, also above sea level."""
    rng = np.random.default_rng(3)
    wide = rng.uniform([-19, -19, -1.7], [19, 19, 14.9], (count, 3))
    near = np.array(PLACES[0]) + rng.normal(0, 0.5, (count, 3))
    near[:, 2] = np.clip(near[:, 2], -1.7, 14)
    return np.concatenate([wide, near])


@pytest.mark.parametrize("phase", ["P", "S"])
def test_times_and_slopes_are_those_of_the_formula(phase: str) -> None:
    """With nodes 1 km apart, for stations at any height and sources on either side of them."""
    times = gradient(1.0).times(network(PLACES))
    place = sources()
    for site, (x, y, depth) in enumerate(PLACES):
        rows = times.rows_of(np.array([phase]), np.array([site]))
        east, north = place[:, 0] - x, place[:, 1] - y
        found, slopes = times.sloped(rows, east, north, place[:, 2])
        true = exact(depth, np.hypot(east, north), place[:, 2], phase)
        assert np.abs(found - true).max() < 1e-3
        step = 1e-3
        for axis in range(3):
            ends = [np.array(place) for _ in range(2)]
            ends[0][:, axis] -= step
            ends[1][:, axis] += step
            early, late = (
                exact(depth, np.hypot(e[:, 0] - x, e[:, 1] - y), e[:, 2], phase) for e in ends
            )
            far = np.linalg.norm(place - (x, y, depth), axis=1) > 0.2
            slope = (late - early) / (2 * step)
            assert np.abs(slopes[far, axis] - slope[far]).max() < 2e-3


def test_many_rows_at_once_are_each_by_itself() -> None:
    times = gradient().times(network(PLACES))
    rows = times.rows_of(np.array(["P", "S", "P", "S"]), np.arange(4))
    place = sources(5)
    xy = np.array(PLACES)[:, :2]
    east, north = (place[:, n : n + 1] - xy[:, n] for n in (0, 1))
    found = times.travel(rows, east, north, place[:, 2:])
    assert found.shape == (10, 4)
    for k in range(4):
        alone = times.travel(rows[k : k + 1], east[:, k], north[:, k], place[:, 2])
        assert found[:, k] == pytest.approx(alone, abs=1e-9)


def test_layers_in_cells_are_layers(tmp_path: Path) -> None:
    """Jumps of velocity are as sharp as nodes are close in depth; see solving.FLAT."""
    here = "TRANSFORM SIMPLE LatOrig 46 LongOrig 9 RotCW 0"
    model = load_grid(nonlinloc(tmp_path, LAYERED, transform=here, half=30, deep=24),
                      given=GridFacts(node_km=1.5))  # fmt: skip
    net = network(PLACES)
    grid, layers = model.times(net), LAYERED.times(net)
    place = sources(300)[:300]
    for phase in "PS":
        for site, (x, y, _) in enumerate(PLACES):
            one = np.array([phase]), np.array([site])
            where = place[:, 0] - x, place[:, 1] - y, place[:, 2]
            late = grid.travel(grid.rows_of(*one), *where) - layers.travel(
                layers.rows_of(*one), *where
            )
            assert abs(late.mean()) < 0.012
            assert late.std() < 0.012


def test_tables_are_kept_and_a_damaged_one_is_made_again(
    cache: Path, logged: pytest.LogCaptureFixture
) -> None:
    model, net = gradient(), network(PLACES[:2])
    every = np.repeat(["P", "S"], 2), np.tile(np.arange(2), 2)
    first = model.times(net)
    first.rows_of(*every)
    kept = sorted((cache / "travel_times").glob("*.npy"))
    assert len(kept) == 4 * len(first._layers)
    assert f"{len(kept)} tables solved, 0 from" in logged.text
    assert "MB of memory" in logged.text
    kept[0].write_bytes(kept[0].read_bytes()[:1000])
    before = {path: path.stat().st_mtime_ns for path in kept[1:]}
    again = model.times(net)
    again.rows_of(*every)
    assert f"1 tables solved, {len(kept) - 1} from" in logged.text
    assert "is made again" in logged.text
    assert before == {path: path.stat().st_mtime_ns for path in kept[1:]}
    for one, other in zip(first._layers, again._layers, strict=True):
        assert np.array_equal(one.values, other.values)
    assert not list((cache / "travel_times").glob("*.part"))


def test_other_velocities_have_tables_of_their_own(cache: Path) -> None:
    model, net = gradient(), network(PLACES[:1])
    faster = GridModel(model.axes, model.vp * np.float32(1.1), model.vs, model.places)
    for one in (model, faster):
        times = one.times(net)
        rows = times.rows_of(np.array(["P"]), np.array([0]))
        found = times.travel(rows, np.array([8.0]), np.array([6.0]), np.array([5.0]))
        true = exact(PLACES[0][2], np.array([10.0]), np.array([5.0]), "P")
        assert found == pytest.approx(true / (1.1 if one is faster else 1), abs=1e-3)


def test_several_processes_solve_the_same(cache: Path) -> None:
    model, net = gradient(2.0), network(PLACES[:2])
    every = np.repeat(["P", "S"], 2), np.tile(np.arange(2), 2)
    alone = GridTimes(model, net)
    alone.rows_of(*every)
    for path in (cache / "travel_times").glob("*.npy"):
        path.unlink()
    together = GridTimes(model, net, threads=2)
    together.rows_of(*every)
    assert np.array_equal(alone._layers[0].values, together._layers[0].values)


def test_a_folder_that_cannot_be_written_is_no_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("QUAKELINE_CACHE", str(tmp_path / "file"))
    times = gradient(2.0).times(network(PLACES[:1]))
    times.rows_of(np.array(["P"]), np.array([0]))
    assert "travel times are not kept" in logged.text


def test_channels_close_together_share_tables() -> None:
    fibre = [(0.01 * n, 0.0, -0.5) for n in range(2000)]
    table, first = _positions(np.array(fibre))
    assert len(table) == 2000
    assert len(first) <= 256
    apart = np.linalg.norm(np.array(fibre) - np.array(fibre)[first[table]], axis=1)
    assert apart.max() < 0.5
    table, first = _positions(np.array(PLACES))
    assert len(first) == len(PLACES)


def test_memory_that_is_not_there_is_one_line() -> None:
    with pytest.raises(DataError, match=r"need [\d.]+ GB of memory, [\d.]+ GB are free: give"):
        gradient(0.01).times(network(PLACES))


def test_a_network_elsewhere_is_refused_and_one_at_the_edge_named(
    logged: pytest.LogCaptureFixture,
) -> None:
    model = gradient()
    far = network([(200.0, 0.0, 0.0), (210.0, 5.0, 0.0)])
    with pytest.raises(DataError, match="a gradient: none of the 2 stations lies in the velocity"):
        model.times(far)
    edge = network([*PLACES[:1], (33.0, 0.0, -3.5)], reach_km=60.0)
    said = model.doubts_for(edge.stations)
    assert "1 of 2 stations lie outside the velocity grid" in said[0]
    assert said[0].endswith("where the velocities of its edge hold on: XX.S1")
    assert "the velocity grid begins at -3 km; above it, where 1 of 2 stations are" in said[1]
    model.times(edge)
    assert "the velocity grid holds 25 % of the search" in logged.text


def test_velocities_at_places() -> None:
    model = gradient()
    latitude, longitude = FRAME.to_latlon(np.array([0.3, 500.0]), np.array([0.7, 0.0]))
    found = model.speed("S", latitude, longitude, np.array([4.5, 100.0]))
    assert found == pytest.approx([5.225 / 1.75, 5.9 / 1.75], rel=1e-5)
    assert model.typical("P") == pytest.approx(5.375)
    assert model.dimensions == 3


def test_the_folder_is_that_of_all_caches(cache: Path) -> None:
    assert solving.folder() == cache / "travel_times"

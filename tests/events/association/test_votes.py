"""Votes that are counted by compiled functions and votes that are held in arrays are the same."""

import subprocess
import sys

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from quakeline.events.association import grid as grids
from quakeline.events.association.counted import CountedVotes
from quakeline.events.association.stored import StoredVotes
from quakeline.events.association.votes import WIDTH, Reach, Slice
from quakeline.events.chain.associate import Settings, ready
from quakeline.events.chain.material import read
from quakeline.io.products import compiled

BOTH = (CountedVotes, StoredVotes)
SITES, NODES, LEVELS, BINS = 5, 500, 4, 400
SETS = ("ridgecrest2019_rt20min", "ridgecrest2019_pal_foreshocks", "ridgecrest2019_scsn")


def votes_of(kind, seed, most):
    """Votes of 300 random picks of sites of which some are out of reach of some nodes."""
    rng = np.random.default_rng(seed)
    shape = NODES // LEVELS, SITES
    within = rng.random(shape) < 0.8
    # No place of the second block of nodes is within reach of the last site.
    within[WIDTH // LEVELS : 2 * WIDTH // LEVELS, -1] = False
    near = within & (rng.random(shape) < 0.5)
    travel = rng.uniform(0.5, 12.0, (2 * SITES, NODES)).astype(np.float32)
    counts = np.repeat(np.repeat(within, LEVELS, axis=0).T, 2, axis=0)
    ends = np.array([np.where(counts, travel, 12.0).min(axis=1), (travel * counts).max(axis=1)])
    times = np.sort(rng.uniform(1012.5, 1055.0, 300))
    travel = np.array(travel, order=kind.order)
    scores = np.arange(most + 1) - 3.0, 1.5 * np.arange(most + 1) - 3.5
    slots = rng.integers(0, 2 * SITES, 300)
    picks = Slice(times, slots, 1000.0, BINS, slice(84, 284), scores, most)
    return kind(Reach(travel, within, near, LEVELS, ends, 0.15), picks)


@pytest.mark.parametrize("most", [255, 300])
@pytest.mark.parametrize("seed", range(3))
def test_the_same_origins_while_picks_are_withdrawn_and_nodes_silenced(seed, most):
    one, other = (votes_of(kind, seed, most) for kind in BOTH)
    rng = np.random.default_rng(seed + 100)
    groups = rng.permutation(300).reshape(-1, 10)
    seen = []
    for _ in range(60):
        best = one.best()
        assert best == other.best()
        if best is None:
            break
        seen.append(best)
        column, node = best
        silent = np.unique(np.append(rng.choice(NODES, 20), node))
        for votes in (one, other):
            if len(seen) % 3:
                votes.silence(silent, column - 2, column + 3)
            else:
                votes.withdraw(np.sort(groups[len(seen) // 3]))
    assert len(set(seen)) > 30


def test_picks_that_are_withdrawn_altogether_leave_nothing():
    for kind in BOTH:
        votes = votes_of(kind, 0, 300)
        assert votes.best() is not None
        votes.withdraw(np.arange(300))
        assert votes.best() is None


@pytest.mark.parametrize("name", SETS)
def test_the_same_events_of_real_picks(name, shared, monkeypatch):
    """Ten minutes in the middle of a set."""
    folder = shared / "data/picks" / name
    given = read(folder / "picks.csv", folder / "stations.csv", folder / "velocity.csv")
    made = ready(Settings(), given.picks, given.sites, given.model)
    picks = made.picks.sort_values(["time", "pick_id"], ignore_index=True)
    begin = picks["time"].quantile(0.5)
    picks = picks.assign(
        site=made.sites.find(picks), time=(picks["time"] - begin).dt.total_seconds()
    )
    picks = picks[picks["time"].between(0, 600) & (picks["site"] >= 0)].reset_index(drop=True)
    found = []
    for kind in BOTH:
        monkeypatch.setattr(grids, "form", lambda _, kind=kind: kind)
        grid = grids.Grid(made.sites, made.search.steps()[0], made.finder)
        found.append(grid.associate(picks, 0.0, 600.0))
    (events, members), (same, those) = found
    assert len(events) >= 3
    assert_frame_equal(events, same, check_exact=True)
    assert_frame_equal(members, those, check_exact=True)


def test_without_numba_votes_are_held_in_arrays(monkeypatch):
    assert grids.form() is CountedVotes
    monkeypatch.setitem(sys.modules, "numba", None)
    assert grids.form() is StoredVotes


def test_few_picks_are_not_worth_to_load_compiled_functions():
    assert grids.form(199) is StoredVotes
    assert grids.form(200) is CountedVotes


def test_what_was_compiled_is_read_by_the_next_process(tmp_path):
    program = (
        "import numba, numpy as np\n"
        "from quakeline.events.association import kernels\n"
        "function = kernels.votes_at()\n"
        "print(sum(function.stats.cache_hits.values()), numba.config.CACHE_DIR == '')"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={"QUAKELINE_CACHE": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for _ in range(2)
    ]
    assert said == [["0", "True"], ["1", "True"]]
    assert len(list((tmp_path / "numba").rglob("*.nbc"))) == 1


@pytest.mark.parametrize("fault", ["damaged", "a file"])
def test_a_folder_of_caches_that_cannot_be_used_costs_only_time(fault, tmp_path, monkeypatch):
    monkeypatch.setenv("QUAKELINE_CACHE", str(tmp_path))
    if fault == "a file":
        (tmp_path / "numba").write_text("")
    else:
        compiled.compiled(_twice, "int64(int64)")
        for path in (tmp_path / "numba").rglob("*.nb*"):
            path.write_bytes(b"\x80\x04garbage")
    assert compiled.compiled(_twice, "int64(int64)")(21) == 42


def _twice(number):
    return 2 * number

"""Travel times to the nodes of a grid, and the sites that count there."""

from dataclasses import replace

import numpy as np
import pytest
from synthetics import SEARCH, network

from quakeline.earth.sites import Sites
from quakeline.earth.velocity import VelocityModel
from quakeline.events.association import grid as grids
from quakeline.events.association.counted import CountedVotes
from quakeline.events.association.stored import StoredVotes
from quakeline.events.association.votes import WIDTH
from quakeline.events.location import Locator

SITES = Sites.of(network(n=10)[0])


@pytest.mark.parametrize("kind", [CountedVotes, StoredVotes])
@pytest.mark.parametrize("together", [3, 64])
@pytest.mark.parametrize("tops", [(0.0,), (0.0, 8.0)])
def test_times_and_sites_are_those_of_each_node_by_itself(kind, together, tops, monkeypatch):
    """However many are made at once, and in whatever order they are held."""
    monkeypatch.setattr(grids, "form", lambda _: kind)
    monkeypatch.setattr(grids, "_TOGETHER", together)
    model = VelocityModel(tops, (5.4, 6.1)[: len(tops)], (3.1, 3.5)[: len(tops)])
    search = replace(SEARCH, max_distance_km=22.0)
    finder = Locator(SITES, model, search.depth_km)
    grid = grids.Grid(SITES, search, finder)
    reach, nodes, xy = grid._reach, grid._nodes, SITES.local[["x", "y"]].to_numpy()
    away = np.hypot(*(nodes[:, None, :2] - xy).transpose(2, 0, 1))
    within = away <= search.reach_km(xy, nodes[:, :2])[:, None]
    assert 0.1 < within.mean() < 0.9
    place = np.arange(len(nodes)) // reach.levels
    assert (reach.within[place] == within).all()
    # Of the nearest six those that count.
    assert (reach.near[place] == within & (np.argsort(np.argsort(away)) < 6)).all()
    block = np.arange(len(nodes)) // WIDTH
    assert (reach.of_blocks == [within[block == n].any(axis=0) for n in np.unique(block)]).all()
    for slot in range(20):
        site, phase = divmod(slot, 2)
        rows = finder.times.rows_of(np.array(["PS"[phase]]), np.array([site]))
        east, north = (nodes[:, :2] - xy[site]).T
        own = finder.times.travel(rows, east, north, nodes[:, 2]).astype(np.float32)
        assert (reach.travel[slot] == own).all()
        counts = own[within[:, site]]
        assert reach.ends[:, slot].tolist() == [counts.min(), counts.max()]

"""Hypocentres of many events are the same to the last bit however many are fitted together."""

from dataclasses import fields

import numpy as np
import pytest
from synthetics import network

from quakeline.earth.sites import Sites
from quakeline.earth.velocity import VelocityModel
from quakeline.events.location import Locator, batch

LAYERED = VelocityModel((-2.0, 4.0, 12.0), (4.8, 5.9, 6.6), (2.75, 3.4, 3.8))


@pytest.fixture(scope="module")
def scene():
    """Events with 5 to 30 arrivals each, some of them wrong by seconds, and two starts."""
    rng = np.random.default_rng(4)
    stations, _ = network(n=15)
    locator = Locator(Sites.of(stations), LAYERED, (0.0, 20.0))
    local = locator.sites.local
    sizes = rng.integers(5, 31, 40)
    event = np.repeat(np.arange(len(sizes)), sizes)
    site = rng.integers(0, len(local), len(event))
    phase = rng.choice(["P", "S"], len(event))
    true = np.column_stack([rng.uniform(-20, 20, (40, 2)), rng.uniform(2, 15, 40), np.zeros(40)])
    x, y = local["x"].to_numpy()[site], local["y"].to_numpy()[site]
    table = locator.times.rows_of(phase, site)
    place = true[event]
    time_s = locator.times.travel(table, place[:, 0] - x, place[:, 1] - y, place[:, 2])
    time_s = time_s + rng.normal(0, 0.1, len(event)) + 3 * (rng.random(len(event)) < 0.05)
    arrivals = batch.Arrivals(event, table, x, y, time_s, np.full(len(event), 0.1))
    starts = np.array([true + np.r_[3, -2, 1, 0.2], true + np.r_[-4, 1, 5, 0.0]])
    return arrivals, locator.times, locator._box, starts


@pytest.mark.parametrize("together", [1, 60, 250])
def test_portions_change_nothing(together, scene, monkeypatch):
    arrivals, times, box, starts = scene
    whole = batch.fitted(arrivals, times, box, starts), batch.moved(arrivals, times, box, starts[0])
    monkeypatch.setattr(batch, "_PORTION", together)
    parts = list(arrivals.portions())
    assert len(parts) > 2
    assert sum(len(own.event) for _, own in parts) == len(arrivals.event)
    fits = batch.fitted(arrivals, times, box, starts)
    for field in fields(batch.Fits):
        assert np.array_equal(getattr(fits, field.name), getattr(whole[0], field.name)), field.name
    assert np.array_equal(batch.moved(arrivals, times, box, starts[0]), whole[1])

"""Errors that all arrivals share: velocities wrong as a whole, and station terms by chance."""

import numpy as np
import pytest
from synthetics import network

from quakeline.earth.sites import Sites
from quakeline.earth.velocity import VelocityModel
from quakeline.events.location import Locator, batch, systematic, terms
from quakeline.events.location.errors import SIDES, Errors, split

LAYERED = VelocityModel((-2.0, 3.0, 6.0, 16.0), (4.8, 5.6, 6.1, 6.8), (2.75, 3.25, 3.5, 3.9))
EVENTS, SHARE, NOISE_S, S_ALONE = 120, 0.06, 0.1, 0.25


def test_depths_are_as_uncertain_as_stated_where_velocities_are_wrong_as_a_whole():
    """Each event is in velocities of its own; three deviations of the binomial are allowed for.

    Errors of arrivals are those that residuals would tell of.
    """
    stations, _ = network(n=10, elevations=(0, 0))
    rng = np.random.default_rng(11)
    locator = Locator(Sites.of(stations), LAYERED, (-0.5, 25.0))
    times, local = locator.times, locator.sites.local
    site, event = np.tile(np.arange(10), 2 * EVENTS), np.repeat(np.arange(EVENTS), 20)
    is_s = np.tile(np.repeat([False, True], 10), EVENTS)
    table = times.rows_of(np.where(is_s, "S", "P"), site)
    x, y = local["x"].to_numpy()[site], local["y"].to_numpy()[site]
    low, high = [-15, -15, 4, 0], [15, 15, 12, 0]
    true = rng.uniform(low, high, (EVENTS, 4))
    place = true[event]
    travel, _ = times.sloped(table, place[:, 0] - x, place[:, 1] - y, place[:, 2])
    whole, alone = SHARE * rng.normal(size=(2, EVENTS))[:, event]
    late = travel * (whole + S_ALONE * is_s * alone) + rng.normal(0, NOISE_S, len(travel))
    scale = np.full(len(travel), NOISE_S)
    arrivals = batch.Arrivals(event, table, x, y, travel + late, scale)
    box = np.array([[-80.0, -80.0, -0.5], [80.0, 80.0, 25.0]])
    found = batch.fitted(arrivals, times, box, true[None])
    common = systematic.common(arrivals, is_s, times, box, found.point, SHARE)
    off = np.abs(found.point[:, 2] - true[:, 2])
    stated, sure = np.sqrt((found.spread + common)[:, 2, 2]), np.sqrt(found.spread[:, 2, 2])
    for sigmas, share in ((1.0, 0.683), (1.96, 0.95)):
        spread = 3 * np.sqrt(share * (1 - share) / EVENTS)
        assert np.mean(off < sigmas * stated) == pytest.approx(share, abs=spread)
    assert np.mean(off < sure) < 0.5


def test_what_terms_take_off_is_of_velocities_from_side_to_side():
    travel = np.full(4, 10.0)
    found = split(Errors(0.5, 0.2, 0.0), Errors(0.3, 0.02, 0.0), travel, given=False)
    assert found.each_s == 0.3
    assert found.sides == pytest.approx(1.6 * 0.04, rel=1e-3)
    assert found.share == pytest.approx(1.6 * 0.04 / SIDES, rel=1e-3)
    same = split(Errors(0.3, 0.12, 0.0), Errors(0.3, 0.02, 0.0), travel, given=False)
    assert (same.share, same.sides) == (0.02, pytest.approx(0.02 * SIDES))


@pytest.mark.parametrize("events", [3, 60])
def test_stations_that_differ_by_chance_have_no_terms(events):
    group, largest, kept = np.tile(np.arange(24), events), [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        chance, delays = rng.normal(0, 0.2, len(group)), rng.normal(0, 0.4, 24)
        largest.append(np.abs(terms.static(group, chance)).max())
        found = terms.static(group, delays[group] + chance)[:24]
        kept.append(found @ delays / (delays @ delays))
    assert np.median(largest) < 0.01
    assert max(largest) < 0.1
    assert np.allclose(kept, 0.4 if events == 3 else 0.925, atol=0.06)


def test_one_event_alone_has_no_terms():
    assert not terms.static(np.arange(12), np.linspace(-1, 1, 12)).any()

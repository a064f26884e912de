"""Errors that all arrivals share: velocities wrong as a whole, and station terms by chance."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from synthetics import network

from quakeline.earth.sites import Sites
from quakeline.earth.velocity import VelocityModel
from quakeline.events.location import Locator, batch, mixed, systematic, terms
from quakeline.events.location.errors import (
    EXPECTED_SHARE,
    Errors,
    Residuals,
    estimated,
    split,
    untold,
    with_given_delays,
)

LAYERED = VelocityModel((-2.0, 3.0, 6.0, 16.0), (4.8, 5.6, 6.1, 6.8), (2.75, 3.25, 3.5, 3.9))
EVENTS, SHARE, NOISE_S, S_ALONE, DELAY_S = 120, 0.06, 0.1, 0.25, 3.5


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
    whole, alone, delay = SHARE * rng.normal(size=(3, EVENTS))[:, event]
    late = travel * (whole + S_ALONE * is_s * alone) + DELAY_S * delay * is_s
    late += rng.normal(0, NOISE_S, len(travel))
    scale = np.full(len(travel), NOISE_S)
    arrivals = batch.Arrivals(event, table, x, y, travel + late, scale)
    box = np.array([[-80.0, -80.0, -0.5], [80.0, 80.0, 25.0]])
    found = batch.fitted(arrivals, times, box, true[None])
    common = systematic.common(arrivals, is_s, times, box, found.point, np.full(EVENTS, SHARE))
    off = np.abs(found.point[:, 2] - true[:, 2])
    stated, sure = np.sqrt((found.spread + common)[:, 2, 2]), np.sqrt(found.spread[:, 2, 2])
    for sigmas, share in ((1.0, 0.683), (1.96, 0.95)):
        spread = 3 * np.sqrt(share * (1 - share) / EVENTS)
        assert np.mean(off < sigmas * stated) == pytest.approx(share, abs=spread)
    assert np.mean(off < sure) < 0.5


def test_what_terms_take_off_is_of_velocities_from_side_to_side_and_as_a_whole():
    travel = np.full(4, 10.0)

    def stated(before, after, unknown=0.01):
        """Of errors of single arrivals and of velocities, before terms and after."""
        told = [Errors(each_s, share, 0.0, share) for each_s, share in (before, after)]
        return split(*told, travel, unknown, given=False, events=10_000)

    found = stated((0.5, 0.2), (0.3, 0.02))
    assert found.each_s == 0.3
    # Neighbouring stations share three quarters of it.
    assert (found.sides, found.share) == pytest.approx((0.03, 0.04), rel=1e-2)
    assert found.p_alone == 0.2
    few = stated((0.3, 0.12), (0.3, 0.12))
    assert (few.share, few.sides) == pytest.approx((0.12, 0.09), rel=1e-2)
    same = stated((0.1, 0.01), (0.1, 0.01))
    assert (same.share, same.sides, same.p_alone) == pytest.approx((0.02, 0.0075, 0.02), rel=1e-2)
    unseen = stated((0.1, 0.01), (0.1, 0.01), 0.05)
    assert (unseen.share, unseen.p_alone) == pytest.approx((0.05, 0.05), rel=1e-2)


def test_few_events_and_a_general_model_leave_velocities_untold():
    own, general = ([untold(n, general=one) for n in (1, 8, 30, 1000)] for one in (False, True))
    assert own == sorted(own, reverse=True)
    assert general == sorted(general, reverse=True)
    assert all(more > less for more, less in zip(general, own, strict=True))
    # One event tells nothing of its velocities, a thousand tell all but what is general.
    assert (own[0], own[-1]) == pytest.approx((0.10, 0.0), abs=2e-3)
    assert (general[0], general[-1]) == pytest.approx((0.14, 0.02), abs=2e-3)


def test_given_delays_do_not_tell_of_velocities_either():
    """As where delays are estimated, few events and arrivals without S leave velocities untold."""
    left = Errors(0.05, 0.02, 0.0, 0.02)
    few, many = (with_given_delays(left, n, general=False) for n in (8, 10_000))
    assert few.share > 3 * many.share >= 3 * EXPECTED_SHARE * 0.99
    assert few.sides > 2 * many.sides
    assert few.p_alone == 0.2
    assert few.each_s == many.each_s == 0.05


def test_a_model_that_states_its_errors_is_taken_at_its_word():
    """With given delays instead of what few events do not tell, with estimated ones beside it."""
    left = Errors(0.05, 0.02, 0.0, 0.02)
    few, many = (with_given_delays(left, n, general=False, model=0.09) for n in (8, 10_000))
    assert few == many
    assert few.share == pytest.approx(np.hypot(0.02, 0.09), abs=1e-4)
    assert few.sides == pytest.approx(np.hypot(0.22 * 0.02, 0.09), abs=1e-4)
    travel = np.full(4, 10.0)
    plain, stated = (
        split(left, left, travel, 0.0, given=False, events=10_000, model=share)
        for share in (0.0, 0.09)
    )
    assert stated.sides == pytest.approx(np.hypot(plain.sides, 0.09), abs=3e-3)
    assert stated.share >= stated.sides


def test_a_share_that_is_given_is_not_enlarged_where_events_are_few():
    same = Errors(0.1, 0.03, 0.01, 0.03)
    found = split(same, same, np.full(4, 10.0), 0.01, given=True, events=1, general=True)
    assert found == same


def test_without_s_velocities_as_a_whole_are_less_certain():
    shares = Errors(0.1, 0.03, 0.03, 0.18).shares(np.array([0.0, 0.125, 0.25, 0.5]))
    np.testing.assert_allclose(shares, [0.18, 0.09, 0.03, 0.03])


def left(events, delays, noise, seed=0):
    """What 12 stations with P and S leave of events all around: delays, noise and hypocentres."""
    rng = np.random.default_rng(seed)
    group, event = np.tile(np.arange(24), events), np.repeat(np.arange(events), 24)
    slopes = np.column_stack([rng.normal(0, 0.15, (24 * events, 3)), np.ones(24 * events)])
    residual = np.asarray(delays)[group] + rng.normal(0, noise, len(group))
    shift = rng.normal(0, 1, (events, 4))[event]
    residual += (slopes * shift).sum(axis=1)
    travel, weight = np.full(len(group), 5.0), np.full(len(group), noise**-2.0)
    return mixed.Left(event, group, residual, travel, slopes, weight)


@pytest.mark.parametrize("events", [3, 60])
def test_stations_that_differ_by_chance_have_no_terms(events):
    largest, kept = [], []
    for seed in range(20):
        delays = np.random.default_rng(seed).normal(0, 0.4, 24)
        none, some = (left(events, one, 0.2, seed) for one in (np.zeros(24), delays))
        largest.append(np.abs(terms.of_stations(none)).max())
        found = terms.of_stations(some)[:24]
        # All stations late alike is a late origin: no term tells of it.
        kept.append(found @ delays / (delays @ (delays - delays.mean())))
    assert np.median(largest) < 0.01
    # The mean of three errors of 0.2 s is 0.12 s: one of 24 in 20 draws is twice that by chance.
    assert max(largest) < (0.3 if events == 3 else 0.1)
    told = events / 0.2**2 * 20 / 24 * 0.4**2
    assert np.median(kept) == pytest.approx(told / (1 + told), abs=0.05)
    assert events == 3 or np.allclose(kept, told / (1 + told), atol=0.06)


def test_memory_does_not_grow_with_events_times_stations(monkeypatch):
    """20 arrivals of each of 20,000 events at 200 stations; blocks change nothing."""
    rng, groups, events = np.random.default_rng(3), 400, 20_000
    group = (rng.integers(0, groups, (events, 1)) + 7 * np.arange(20)) % groups
    n = group.size
    slopes = np.column_stack([rng.normal(0, 0.15, (n, 3)), np.ones(n)])
    delays = rng.normal(0, 0.4, groups)
    residual = delays[group.ravel()] + rng.normal(0, 0.2, n)
    event = np.repeat(np.arange(events), 20)
    many = mixed.Left(event, group.ravel(), residual, np.full(n, 5.0), slopes, np.full(n, 25.0))
    tracemalloc.start()
    found, _ = terms.static(many)
    used_mb = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    assert used_mb < 60  # events x groups alone would be 256 MB
    assert np.corrcoef(found, delays[group.ravel()])[0, 1] > 0.99
    monkeypatch.setattr(mixed, "_BLOCK", events)
    np.testing.assert_allclose(terms.static(many)[0], found, atol=1e-9)


def test_one_event_alone_has_no_terms():
    alone = left(1, np.zeros(24), 0.2)
    for found in (terms.static(alone)[0], terms.of_stations(alone)):
        assert np.abs(found).max() < 0.1


def test_what_hypocentres_can_take_up_is_no_term():
    """A shift of a narrow cluster looks like delays of the stations: it stays with the events."""
    one = left(30, np.zeros(24), 0.05)
    slopes = np.tile(one.slopes[:24], (30, 1))
    shift = slopes @ np.array([1.0, -2.0, 3.0, 0.5])
    noise = np.random.default_rng(1).normal(0, 0.05, len(shift))
    found, _ = terms.static(replace(one, residual_s=shift + noise, slopes=slopes))
    assert np.abs(found).max() < 0.02


def test_velocities_that_are_wrong_as_a_whole_are_told_from_delays_of_stations():
    """Travel times 5 % longer, S by 1 % more; stations are late as well, or not at all."""
    one = left(80, np.zeros(24), 0.05)
    rng = np.random.default_rng(2)
    travel = rng.uniform(2.0, 8.0, len(one.group))
    whole = travel * (0.05 + 0.01 * (one.group % 2))
    for size in (0.0, 0.1):
        delays = rng.normal(0, size, 24)[one.group]
        wrong = replace(one, travel_s=travel, residual_s=one.residual_s + whole + delays)
        (found, sigma), stations = terms.static(wrong), terms.of_stations(wrong)
        # What is alike for all arrivals of an event is its origin time.
        left_s, without_s = (
            np.std(some - whole - delays - np.mean(some - whole - delays))
            for some in (found, stations)
        )
        assert left_s < 0.02
        assert sigma < 0.01
        assert without_s > 3 * left_s


def test_one_event_hardly_tells_of_its_velocities():
    travel = np.random.default_rng(4).uniform(2.0, 8.0, 24)
    assert (
        terms.static(replace(left(1, np.zeros(24), 0.2), travel_s=travel))[1] > 0.6 * EXPECTED_SHARE
    )


def test_errors_lie_between_the_values_that_are_tried():
    """A few arrivals more change an error by a few percent, not by a step of the values."""
    found = []
    for count in (57, 58, 59, 60):
        rng = np.random.default_rng(5)
        residuals = []
        for _ in range(count):
            slopes = np.column_stack([rng.normal(0, 0.15, (16, 3)), np.ones(16)])
            off = rng.standard_t(4, 16) * 0.19
            weight, travel = 5 / (4 + (off / 0.19) ** 2), np.full(16, 5.0)
            residuals.append(Residuals(off, off * 0, travel, np.arange(16) > 7, weight, slopes))
        found.append(estimated(residuals).each_s)
    assert max(found) / min(found) < 1.04
    assert found[-1] == pytest.approx(0.19, rel=0.12)

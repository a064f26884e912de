"""What the residuals say: nothing in the true model, plain words in a wrong one."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from synthetics import arrival_table, event_table, network, picks_of

from quakeline.earth.sites import Sites
from quakeline.earth.velocity import VelocityModel
from quakeline.events.location import Locator, diagnosed
from quakeline.events.location.diagnosis import Value, _of_speed
from quakeline.events.location.terms import GivenTerms

TRUE = VelocityModel((-2.0, 3.0, 10.0), (4.8, 5.7, 6.3), (2.75, 3.28, 3.62), reading="a test")


@pytest.fixture(scope="module")
def recorded():
    """A network, and EVENTS, ARRIVALS and PICKS of 30 events in the true model."""
    stations, frame = network(n=14, radius_km=40.0)
    rng = np.random.default_rng(2)
    events, arrivals, picks = [], [], []
    for k in range(30):
        source = (rng.uniform(-15, 15), rng.uniform(-15, 15), rng.uniform(4, 12))
        own = picks_of(stations, frame, TRUE, source, seconds=100.0 * k, noise_s=0.03, rng=rng)
        latitude, longitude = map(float, frame.to_latlon(source[0], source[1]))
        events.append({"event_id": f"e{k}", "time": own["time"].min(), "latitude": latitude,
                       "longitude": longitude, "depth_km": source[2]})  # fmt: skip
        arrivals.append(arrival_table(f"e{k}", own))
        picks.append(own)
    return (
        stations,
        event_table(events),
        *(pd.concat(parts, ignore_index=True) for parts in (arrivals, picks)),
    )


def judged(recorded, model, more=(), terms="none"):
    stations, events, arrivals, picks = recorded
    finder = Locator(Sites.of(stations), model, (-1.5, 25.0), threads=1, station_terms=terms)
    located, residuals = finder.locate(events, arrivals, picks)
    return diagnosed(finder, located, residuals, pd.concat([picks, *more], ignore_index=True))


@pytest.mark.parametrize("terms", ["none", "static", "ssst"])
def test_the_true_model_needs_no_words(recorded, terms):
    found = judged(recorded, TRUE, terms=terms)
    assert found.sentences == []
    assert found.velocity == "a test"
    assert found.vp_vs.value == pytest.approx(found.model_vp_vs, abs=0.02)
    assert abs(found.slower["P"].value) < 0.01
    assert json.loads(found.text())["joined"] == found.joined == found.picks


@pytest.mark.parametrize("terms", ["none", "static", "ssst"])
def test_a_wrong_ratio_is_said_with_both_numbers(recorded, terms):
    slow = VelocityModel(TRUE.tops, TRUE.vp, tuple(0.93 * v for v in TRUE.vs))
    found = judged(recorded, slow, terms=terms)
    assert found.vp_vs.value == pytest.approx(TRUE.vp[0] / TRUE.vs[0], abs=0.02)
    assert found.sentences[0].startswith(f"Pairs of P and S have vp/vs {found.vp_vs.value:.2f}")
    assert "S velocities are 7 % too slow" in found.sentences[0]


@pytest.mark.parametrize("terms", ["none", "static", "ssst"])
@pytest.mark.parametrize(("factor", "word"), [(1.1, "fast"), (0.95, "slow")])
def test_a_model_that_is_wrong_as_a_whole_is_said_with_the_share(recorded, factor, word, terms):
    """Terms of nearby events move hypocentres, which then hide more of it."""
    vp, vs = (tuple(factor * v for v in speeds) for speeds in (TRUE.vp, TRUE.vs))
    found = judged(recorded, VelocityModel(TRUE.tops, vp, vs), terms=terms)
    hidden = 0.35 if terms == "ssst" else 0.25
    for phase in "PS":
        value = found.slower[phase].value
        assert value == pytest.approx(factor - 1, abs=hidden * abs(factor - 1))
    said = [sentence for sentence in found.sentences if f"% too {word} for P" in sentence]
    assert len(said) == 1


def test_the_error_of_the_velocities_is_said_where_it_is_sure():
    sure, unsure = Value(0.05, 0.01, 300), Value(0.05, 0.02, 300)
    said = _of_speed({"P": sure, "S": unsure}, {"P": Value(0.012, 0.001, 300)})
    assert len(said) == 1
    assert said[0].startswith(
        "The model is 5.0 ± 1.0 % too fast for P (P residuals grow by 0.012 s per km)."
    )
    advice = "makes a model from picks of 19 events or more, one to trust of 100 or more."
    assert said[0].endswith(advice)


def test_picks_of_no_event_are_said_loudly(recorded):
    lone = recorded[3].assign(pick_id="lone" + recorded[3]["pick_id"].astype(str))
    found = judged(recorded, TRUE, [lone, lone.assign(pick_id="more" + lone["pick_id"])])
    assert found.sentences[0].startswith("MOST PICKS JOIN NO EVENT: 67 %")


def test_delays_of_stations_that_the_model_does_not_explain_are_said(recorded):
    """Three stations on slow ground: residuals are small, since hypocentres come with delays."""
    stations, events, arrivals, picks = recorded
    slow = picks["station"].isin(["S01", "S05", "S08"]) & (picks["phase"] == "S")
    late = picks.assign(time=picks["time"] + pd.to_timedelta(np.where(slow, 0.8, 0.0), "s"))
    finder = Locator(Sites.of(stations), TRUE, (-1.5, 25.0), station_terms="static", threads=1)
    for table, word in ((picks, False), (late, True)):
        found = diagnosed(finder, *finder.locate(events, arrivals, table), table)
        said = [line for line in found.sentences if line.startswith("Delays of stations differ")]
        assert bool(said) == word
    assert found.delays["S"].latest in ("XX.S01", "XX.S05", "XX.S08")
    assert found.delays["S"].latest_s - found.delays["S"].earliest_s == pytest.approx(0.8, abs=0.25)
    assert "slower where arrivals are late" in said[0]
    assert json.loads(found.text())["delays"]["S"]["stations"] == 14
    given = GivenTerms({("XX", name, "", "S"): 0.8 for name in ("S01", "S05", "S08")})
    finder = Locator(Sites.of(stations), TRUE, (-1.5, 25.0), given_terms=given, threads=1)
    found = diagnosed(finder, *finder.locate(events, arrivals, late), late)
    assert found.delays["S"].spread_s > 0.15
    assert not [line for line in found.sentences if line.startswith("Delays of stations differ")]


def test_where_depths_hang_on_the_velocities_it_is_said_why(recorded):
    stations, events, arrivals, picks = recorded
    p_alone = [table[table["phase"] == "P"].reset_index(drop=True) for table in (arrivals, picks)]
    general = replace(TRUE, general=True)
    cases = {
        "a general one": judged(recorded, general),
        "only 0 % of the arrivals are S": judged((stations, events, *p_alone), TRUE),
    }
    for why, found in cases.items():
        (said,) = (one for one in found.sentences if one.startswith("All depths may be wrong"))
        assert why in said
        assert "a model of the region helps" in said


def test_it_is_not_said_that_errors_allow_for_what_was_not_added(recorded):
    stations, events, arrivals, picks = recorded
    for settings, word in (({}, "allow"), ({"model_error_share": 0.01}, "do not allow")):
        finder = Locator(
            Sites.of(stations), replace(TRUE, general=True), (-1.5, 25.0),
            station_terms="static", **settings,
        )  # fmt: skip
        found = diagnosed(finder, *finder.locate(events, arrivals, picks), picks)
        (said,) = (one for one in found.sentences if one.startswith("All depths may be wrong"))
        assert f"km) {word} for it" in said
    without = judged(recorded, replace(TRUE, general=True)).sentences
    assert any("do not allow for it" in one for one in without)

"""The rule that names sources: features cut at picks, weights, probabilities."""

import numpy as np
import pandas as pd
import pytest

from quakeline.core.schemas import ARRIVALS, MEASUREMENTS, PICKS
from quakeline.events.classification.features import NAMES, features_of, working_hours
from quakeline.events.classification.rules import CLASSES, WEIGHTS, judged
from quakeline.io.products import tables

PRIORS = {"earthquake": 0.8, "blast": 0.1, "noise": 0.1}
QUAKE = {
    "p_over_s": -0.5,
    "low_over_high": 0.0,
    "depth_km": 8.0,
    "coda_s": 6.0,
    "snr_db": 25.0,
    "pairs": 0.8,
    "rms_s": 0.1,
    "pick_probability": 0.8,
}
BLAST = QUAKE | {"p_over_s": 0.3, "low_over_high": 1.0, "depth_km": 0.0, "working_hours": 3.0}
NOISE = QUAKE | {"coda_s": 0.0, "snr_db": 2.0, "pairs": 0.0, "rms_s": 0.9, "pick_probability": 0.35}


def judge(**features):
    table = pd.DataFrame([features], index=pd.Index(["e"], name="event_id"))
    return judged(table.reindex(columns=list(NAMES)), PRIORS)


@pytest.mark.parametrize(
    ("features", "expected"), [(QUAKE, "earthquake"), (BLAST, "blast"), (NOISE, "noise")]
)
def test_plain_cases_have_their_class(features, expected):
    rows = judge(**features).set_index("event_class")
    assert rows["probability"].sum() == pytest.approx(1.0)
    assert rows["probability"].idxmax() == expected
    assert set(rows["classifier"]) == {"rules"}


def test_nothing_known_leaves_the_priors():
    rows = judge().set_index("event_class")
    assert rows["probability"].to_dict() == pytest.approx(PRIORS)
    assert list(rows.index) == list(CLASSES)


def test_the_probability_follows_from_the_weights_that_are_told():
    """Depth alone, worked by hand: (9 - 3) / 2 cut at 2, times -0.8 for a blast."""
    rows = judge(depth_km=9.0).set_index("event_class")
    odds = rows.loc["blast", "probability"] / rows.loc["earthquake", "probability"]
    assert odds == pytest.approx(0.1 / 0.8 * np.exp(-1.6))
    assert rows.loc["blast", "evidence"] == "depth_km 9: -1.60"
    assert set(WEIGHTS) == set(NAMES)


def test_a_depth_that_is_hardly_resolved_says_nothing():
    events = pd.DataFrame(
        {
            "event_id": ["a", "b", "c"],
            "time": pd.to_datetime(["2020-01-01"] * 3, utc=True),
            "latitude": 35.0,
            "longitude": -117.0,
            "depth_km": -1.4,
            "depth_sigma_km": [24.2, 1.0, np.nan],
            "rms_s": 0.1,
        }
    )
    depths = features_of(events, *(tables.empty(t) for t in (ARRIVALS, PICKS, MEASUREMENTS)))
    np.testing.assert_array_equal(depths["depth_km"], [np.nan, -1.4, -1.4])


def test_what_the_picks_cannot_have_says_nothing():
    """P alone are no noise, nor are picks of other programs with small values of their own."""
    origin = pd.Timestamp("2020-01-01", tz="UTC")
    events = pd.DataFrame({"event_id": ["a"], "time": [origin], "latitude": 35.0})
    events = events.assign(longitude=-117.0, depth_km=8.0, depth_sigma_km=1.0, rms_s=0.6)
    arrivals = pd.DataFrame({"event_id": "a", "pick_id": list("123"), "phase": ["P", "P", "S"]})
    picks = pd.DataFrame({"pick_id": list("123"), "network": "XX", "station": ["A", "B", "A"]})
    picks = picks.assign(location="", instrument="HH", time=origin, snr_db=np.nan)
    picks = picks.assign(probability=0.12, weights_id=["0123", "0123", "none"])

    def told(some):
        (row,) = features_of(events, some, picks, tables.empty(MEASUREMENTS)).to_dict("records")
        return row

    both, first, last = told(arrivals), told(arrivals.head(2)), told(arrivals.tail(1))
    assert (both["pairs"], both["pick_probability"]) == pytest.approx((0.5, 0.12))
    assert np.isnan(first["pairs"])
    assert np.isnan(last["pick_probability"])


def events_at(hours, longitude=11.0):
    days = pd.date_range("2020-05-01", periods=len(hours), tz="UTC")
    time = [
        day + pd.Timedelta(hours=h - longitude / 15) for day, h in zip(days, hours, strict=True)
    ]
    return pd.DataFrame({"time": time, "latitude": 48.0, "longitude": longitude})


@pytest.mark.parametrize("longitude", [11.0, -150.0])
def test_a_place_that_keeps_working_hours(longitude):
    """Ten events by day: sqrt(10) deviations of chance; at night the event itself decides."""
    day = working_hours(events_at([8, 9, 10, 11, 12, 13, 14, 15, 16, 17], longitude))
    assert day == pytest.approx(np.sqrt(10))
    mixed = working_hours(events_at([8, 9, 10, 11, 12, 13, 14, 15, 16, 2], longitude))
    assert mixed[-1] == -2
    assert (mixed[:-1] > 2).all()
    assert np.isnan(working_hours(events_at([8, 9], longitude))).all()


def test_aftershocks_of_an_hour_are_no_habit():
    """However many they are, they are of one day; with nights beside it they are at chance."""
    first = pd.Timestamp("2020-05-01T12:00", tz="UTC")
    burst = pd.DataFrame({"time": pd.date_range(first, periods=500, freq="7s")})
    burst = burst.assign(latitude=48.0, longitude=11.0 + np.linspace(0, 0.05, 500))
    assert np.isnan(working_hours(burst)).all()
    week = pd.date_range(first, periods=14, freq="12h")
    quiet = pd.DataFrame({"time": week, "latitude": 48.0, "longitude": 11.0})
    told = working_hours(pd.concat([burst, quiet], ignore_index=True))
    assert told[:500] == pytest.approx(0.0)
    assert told[500::2] == pytest.approx(0.0)
    assert (told[501::2] == -2).all()

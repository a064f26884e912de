"""Events of which polarities tell little: a quality, or a reason in place of a mechanism."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import grids
import numpy as np
import pandas as pd
import pytest
from synthetics import network
from thrust import PLANE, straight

from quakeline.earth.sites import Sites
from quakeline.earth.velocity import Model, VelocityModel
from quakeline.events.mechanisms import rotations, search
from quakeline.events.mechanisms.hash_files import Reversals
from quakeline.events.mechanisms.launching import InNetwork
from quakeline.events.mechanisms.mechanisms import Found, Rules, of_events
from quakeline.events.mechanisms.polarities import PolarityEvent

HALF_SPACE = VelocityModel((-2.0,), (5.8,), (3.35,))
#: A fast layer below 10 km: rays to stations farther than some 30 km run along its top.
REFRACTING = VelocityModel((-2.0, 10.0), (5.0, 8.0), (2.9, 4.6))
RULES = Rules(trials=10, max_takeoff_gap_deg=90.0, worst_quality="C")
TIME = pd.Timestamp("2020-05-01T00:00:00Z")


def found_of(
    signs: Any,
    model: Model = HALF_SPACE,
    source: tuple[float, float, float] = (2.0, -3.0, 9.0),
    keep: Any = slice(None),
    rules: Rules = RULES,
    **stations_: Any,
) -> Found:
    """What is found of an event; `signs` gives polarities of stations and the frame around them."""
    stations, frame = network(n=30, **{"radius_km": 25, **stations_})
    polarity = np.asarray(signs(stations, frame))
    rows = stations[["network", "station"]].assign(location="", polarity=polarity, weight=1.0)
    rows = rows.iloc[keep] if isinstance(keep, slice) else rows[keep(stations, frame)]
    latitude, longitude = frame.to_latlon(np.array([source[0]]), np.array([source[1]]))
    event = PolarityEvent(
        "one", TIME, float(latitude[0]), float(longitude[0]), source[2], 0.2, 0.3,
        rows.reset_index(drop=True),
    )  # fmt: skip
    events = pd.DataFrame(
        {
            "event_id": ["one"], "latitude": latitude, "longitude": longitude,
            "depth_km": source[2], "horizontal_sigma_km": 0.2, "depth_sigma_km": 0.3,
        }
    )  # fmt: skip
    launch = InNetwork.of(Sites.of(stations), model, events)
    return of_events([[event]], launch, Reversals({}), rules)


def of_thrust(source: tuple[float, float, float] = (2.0, -3.0, 9.0)) -> Any:
    """Polarities of the thrust along straight rays."""
    (truth,) = rotations.frames(*(np.array([angle]) for angle in PLANE))

    def signs(stations: pd.DataFrame, frame: Any) -> np.ndarray:
        rays = straight(stations, frame, source)
        wave = search.amplitudes(rotations.moments(truth[None]), *rays)[0]
        return np.where(wave > 0, 1, -1)

    return signs


def kagan(row: Any) -> float:
    planes = [np.array([getattr(row, f"{n}_1_deg")]) for n in ("strike", "dip", "rake")]
    known = rotations.frames(*(np.array([angle]) for angle in PLANE))
    return float(rotations.angles(rotations.frames(*planes), known)[0])


def test_a_gap_of_azimuths_of_200_degrees() -> None:
    def north_west(stations: pd.DataFrame, frame: Any) -> np.ndarray:
        azimuth, _ = straight(stations, frame)
        return (azimuth > 200) | (azimuth < 1)

    (row,) = found_of(of_thrust(), keep=north_west).mechanisms.itertuples()
    assert row.azimuth_gap_deg >= 180
    assert np.isnan(row.strike_1_deg)
    assert "azimuths of polarities have a gap of" in row.note
    assert "above 90" in row.note


def test_four_polarities() -> None:
    (row,) = found_of(of_thrust(), keep=slice(0, 4)).mechanisms.itertuples()
    assert row.note == "4 polarities, 8 are needed"
    assert row.quality_class is None or pd.isna(row.quality_class)
    few = replace(RULES, min_polarities=4, max_azimuth_gap_deg=360.0, worst_quality="D")
    (row,) = found_of(of_thrust(), keep=slice(0, 4), rules=few).mechanisms.itertuples()
    assert row.note.startswith("an explosion or a collapse fits")  # all four are one way
    (row,) = found_of(of_thrust(), keep=slice(4, 8), rules=few).mechanisms.itertuples()
    assert row.quality_class in "CD"
    assert row.plane_1_sigma_deg > 25


@pytest.mark.parametrize("sign", [1, -1])
def test_all_up_or_all_down(sign: int) -> None:
    """An explosion, or a collapse: no double couple, whatever quality is asked for."""
    loose = replace(RULES, worst_quality="D")
    found = found_of(lambda stations, _: np.full(len(stations), sign), rules=loose)
    (row,) = found.mechanisms.itertuples()
    assert row.note == "an explosion or a collapse fits the polarities as well as any double couple"
    assert np.isnan(row.strike_1_deg)
    assert found.polarities["agrees"].isna().all()


def test_an_explosion_with_some_wrong_polarities() -> None:
    """Three of thirty are down, as errors are."""

    def signs(stations: pd.DataFrame, frame: Any) -> np.ndarray:
        return np.where(np.arange(len(stations)) % 10 == 4, -1, 1)

    (row,) = found_of(signs, rules=replace(RULES, worst_quality="B")).mechanisms.itertuples()
    assert np.isnan(row.strike_1_deg)


def test_contradictory_polarities() -> None:
    """Drawn by lot: in five cases none is good."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        found = found_of(lambda stations, _: rng.choice([1, -1], len(stations)))  # noqa: B023
        (row,) = found.mechanisms.itertuples()
        assert np.isnan(row.strike_1_deg) or row.quality_class == "C"


def test_two_answers_of_one_station_count_once() -> None:
    """Two instruments of a station that disagree: the first counts, the other has no ray."""
    stations, frame = network(n=30, radius_km=25)
    signs = of_thrust()(stations, frame)
    rows = stations[["network", "station"]].assign(location="", polarity=signs, weight=1.0)
    twice = pd.concat([rows, rows.head(1).assign(polarity=-signs[0])], ignore_index=True)
    latitude, longitude = frame.to_latlon(np.array([2.0]), np.array([-3.0]))
    event = PolarityEvent("one", TIME, latitude[0], longitude[0], 9.0, 0.2, 0.3, twice)
    events = pd.DataFrame(
        {"event_id": ["one"], "latitude": latitude, "longitude": longitude, "depth_km": 9.0,
         "horizontal_sigma_km": 0.2, "depth_sigma_km": 0.3}
    )  # fmt: skip
    launch = InNetwork.of(Sites.of(stations), HALF_SPACE, events)
    (row,) = of_events([[event]], launch, Reversals({}), RULES).mechanisms.itertuples()
    assert row.polarities == 30
    assert row.note == "1 further polarities of a station that has one"


@pytest.mark.parametrize(
    ("depth_km", "elevations"), [(-1.0, (0, 200)), (0.1, (-400, 1500)), (60.0, (0, 1500))]
)
def test_stations_above_below_and_beside_the_source(
    depth_km: float, elevations: tuple[float, float]
) -> None:
    """A source above its stations, among them, and far below them: rays are right."""
    source = (2.0, -3.0, depth_km)
    found = found_of(of_thrust(source), source=source, elevations=elevations)
    stations, frame = network(n=30, radius_km=25, elevations=elevations)
    _, takeoff = straight(stations, frame, source)
    ours = found.polarities.set_index("station").loc[stations["station"], "takeoff_deg"]
    assert np.abs(ours.to_numpy() - takeoff).max() < 2.5
    if depth_km == -1.0:
        assert (takeoff < 90).all()


def test_refracted_first_arrivals_leave_downwards() -> None:
    """Beyond the crossover distance rays leave to the refractor, at the critical angle."""
    source = (0.0, 0.0, 5.0)
    found = found_of(of_thrust(source), model=REFRACTING, source=source, radius_km=90)
    rays = found.polarities
    far = rays[rays["distance_km"] > 50]
    near = rays[rays["distance_km"] < 12]
    critical = np.degrees(np.arcsin(5.0 / 8.0))
    assert len(far) > 10
    assert np.abs(far["takeoff_deg"] - critical).max() < 2
    assert (near["takeoff_deg"] > 90).all()


def test_an_event_outside_the_velocity_model_has_a_reason() -> None:
    """Grids end somewhere; what they say of rays beyond is of their edge."""
    model = grids.gradient()
    common = {"latitude": 46.0, "longitude": 9.0, "radius_km": 20}
    inside = found_of(of_thrust(), model=model, **common)
    assert inside.mechanisms["quality_class"].notna().all()
    beyond = (45.0, 0.0, 9.0)
    outside = found_of(of_thrust(beyond), model=model, source=beyond, **common)
    (row,) = outside.mechanisms.itertuples()
    assert row.note == "the epicentre lies outside the velocity model"
    assert np.isnan(row.strike_1_deg)
    assert len(outside.polarities) == 30


def test_an_event_beyond_all_stations_has_a_reason() -> None:
    far = (500.0, 0.0, 9.0)
    (row,) = found_of(of_thrust(far), source=far).mechanisms.itertuples()
    assert "0 polarities, 8 are needed" in row.note
    assert "30 polarities of stations too far away" in row.note


def test_the_good_case_is_good() -> None:
    """What the others are variants of."""
    (row,) = found_of(of_thrust()).mechanisms.itertuples()
    assert row.quality_class in "AB"
    assert kagan(row) < np.hypot(row.plane_1_sigma_deg, row.plane_2_sigma_deg)

"""Do stated errors hold the truth where the velocity model is wrong, and do depths spread."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from synthetics import ORIGIN_NS, arrival_table, event_table, network, picks_of

from quakeline.earth.sites import Sites
from quakeline.earth.velocity import VelocityModel
from quakeline.events.location import Locator
from quakeline.io.formats.ellipsoids import covariance_of
from quakeline.workflow.stages.locate import Config

TRUE = VelocityModel((-2.0, 5.0, 12.0), (5.2, 5.9, 6.6), (3.0, 3.4, 3.8))
#: Quantiles of chi-squared with three degrees of freedom.
IN_68, IN_95 = 3.5059, 7.8147
BOUND_KM, NEAR_KM = 5.0, 0.3


def told(p, s):
    """The model that the locator is given: shares, or those of layers, by which it is too fast."""
    return VelocityModel(
        TRUE.tops,
        tuple(np.array(TRUE.vp) * (1 + np.array(p))),
        tuple(np.array(TRUE.vs) * (1 + np.array(s))),
    )


def located(model, phases="PS", events=40):
    """EVENTS found in a model with default settings, and the true x, y, depth of each."""
    stations, frame = network(n=14)
    rng = np.random.default_rng(7)
    sources = [(*rng.uniform(-12, 12, 2), rng.uniform(3, 9)) for _ in range(events)]
    starts, arrivals, picks = [], [], []
    for k, at in enumerate(sources):
        some = picks_of(
            stations, frame, TRUE, at, seconds=120.0 * k, noise_s=0.06, rng=rng, phases=phases
        )
        latitude, longitude = map(float, frame.to_latlon(at[0] + 2, at[1] - 2))
        time = pd.Timestamp(ORIGIN_NS + int(120e9 * k), tz="UTC")
        starts.append(
            {"event_id": str(k), "time": time, "latitude": latitude, "longitude": longitude,
             "depth_km": 7.0}
        )  # fmt: skip
        arrivals.append(arrival_table(str(k), some))
        picks.append(some)
    options = {**Config().options(), "depth_km": (-1.5, 20.0)}
    finder = Locator(Sites.of(stations), model, **options)
    found, _ = finder.locate(
        event_table(starts), pd.concat(arrivals), pd.concat(picks, ignore_index=True)
    )
    x, y = frame.to_xy(found["latitude"].to_numpy(), found["longitude"].to_numpy())
    return found, np.column_stack([x, y, found["depth_km"]]) - np.array(sources), sources


def squared(found, off):
    """How far events are off, over their stated errors, squared."""
    inverse = [np.linalg.inv(covariance_of(row)) for row in found.to_dict("records")]
    return np.einsum("ni,nij,nj->n", off, np.array(inverse), off)


@pytest.mark.slow
def test_ellipsoids_hold_the_truth_in_models_that_are_five_percent_wrong():
    """With P and S residuals tell by how much: depths are then those of the right model."""
    cases = [(0.05, 0.05, "PS"), (-0.05, -0.05, "PS"), (0.05, 0.02, "PS"), (0.05, 0.05, "P")]
    distance, down = [], []
    for p, s, phases in cases:
        found, off, _ = located(told(p, s), phases)
        distance.append(squared(found, off))
        down.append(abs(off[:, 2].mean()))
    assert np.mean(np.array(distance) < IN_68) >= 0.6
    assert (np.mean(np.array(distance) < IN_95, axis=1) >= 0.9).all()
    assert max(down) < 0.1


@pytest.mark.slow
def test_ellipsoids_hold_the_truth_in_models_whose_layers_are_wrong():
    """Of all models together: events of one model are all off by the same error."""
    layers = [
        told((0.08, 0.0, -0.03), (0.08, 0.0, -0.03)),
        told((-0.08, 0.03, 0.0), -0.05),
        replace(TRUE, tops=(-2.0, 6.5, 14.0)),
        replace(TRUE, tops=(-2.0, 3.5, 10.0)),
    ]
    distance = np.array([squared(*located(model)[:2]) for model in layers])
    assert np.mean(distance < IN_68) >= 0.6
    assert np.mean(distance < IN_95) >= 0.8


@pytest.mark.slow
@pytest.mark.parametrize(("general", "spread"), [(False, 0.10), (True, 0.14)])
def test_ellipsoids_of_few_events_hold_the_truth_in_models_as_wrong_as_expected(general, spread):
    """Six events hardly tell of velocities: each layer of twelve models is wrong by chance."""
    rng = np.random.default_rng(5)
    distance = []
    for _ in range(12):
        wrong = rng.normal(0, spread, 3)
        model = replace(told(wrong, wrong), general=general)
        distance.append(squared(*located(model, events=6)[:2]))
    assert np.mean(np.array(distance) < IN_68) >= 0.6
    assert np.mean(np.array(distance) < IN_95) >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [0.0, 0.03], ids=["right", "wrong"])
def test_depths_do_not_gather_at_an_interface(wrong):
    found, _, sources = located(told(wrong, wrong), events=50)
    near = np.abs(found["depth_km"] - BOUND_KM) < NEAR_KM
    true = np.abs(np.array(sources)[:, 2] - BOUND_KM) < NEAR_KM
    assert near.mean() <= true.mean() + 0.1

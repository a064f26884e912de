"""From waveforms of known motion to magnitudes: `measure` and `magnitude` together."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from scenes import ORIGIN_S, RATE, START, VS, Scene
from synthetics import network as stations_around

from quakeline.core.errors import DataError
from quakeline.core.schemas import MEASUREMENTS
from quakeline.core.timeline import SECOND
from quakeline.earth.sites import Sites
from quakeline.events.magnitudes import network
from quakeline.events.magnitudes.formulas import FORMULAS
from quakeline.events.magnitudes.instruments import seen
from quakeline.io.products import tables
from quakeline.workflow.stages import magnitude


def test_a_known_motion_has_its_magnitude(tmp_path):
    event, rows = Scene().run(tmp_path)
    assert rows["magnitude"].tolist() == pytest.approx([2.0] * 3, abs=0.02)
    assert event["magnitude"] == pytest.approx(2.0, abs=0.02)
    assert (event["magnitude_type"], event["magnitude_stations"]) == ("ML", 3)
    assert event["magnitude_sigma"] < 0.02
    assert pd.isna(event["magnitude_note"])
    assert rows["distance_km"].tolist() == pytest.approx(np.hypot([20, 40, 60], 8).tolist())
    assert set(rows["components"]) == {"NE"}


def test_a_station_without_s_is_measured_where_s_is_predicted(tmp_path):
    scene = Scene()
    scene.phases["S1"] = "P"
    _, rows = scene.run(tmp_path)
    assert rows.loc["S1", "pick_id"] == "1P"
    assert rows.loc["S1", "magnitude"] == pytest.approx(2.0, abs=0.02)


def test_no_response_is_a_reason_and_no_magnitude(tmp_path):
    scene = Scene()
    scene.units = dict.fromkeys(scene.labels, "counts")
    event, rows = scene.run(tmp_path)
    assert np.isnan(event["magnitude"])
    assert pd.isna(event["magnitude_type"])
    assert event["magnitude_note"] == "no instrument response (3)"
    assert rows["magnitude"].isna().all()


def test_reasons_of_stations(tmp_path):
    """Gap, clipping, no signal, and two stations that remain; nothing wrong is measured."""
    scene = Scene((20.0, 30.0, 40.0, 50.0, 60.0))
    in_s = round((ORIGIN_S + np.hypot(20, 8) / VS + 1.0) * RATE)
    scene.valid[0, 1:, in_s] = False
    in_s = round((ORIGIN_S + np.hypot(30, 8) / VS + 1.0) * RATE) + START // SECOND * RATE
    scene.clipped = {scene.labels[1]: [[in_s, in_s + 3]]}
    scene.data[2] = 1e-9 * np.random.default_rng(0).normal(size=scene.data[2].shape)
    event, rows = scene.run(tmp_path)
    assert rows.loc["S0", "reason"].startswith("gap, clipped")
    assert rows.loc["S1", "reason"].startswith("gap, clipped")
    assert rows.loc["S2", "reason"].startswith("S amplitude too small")
    assert rows["magnitude"].notna().tolist() == [False, False, False, True, True]
    assert event["magnitude"] == pytest.approx(2.0, abs=0.02)
    many, _ = scene.run(tmp_path, min_stations=3)
    assert many["magnitude_note"].startswith("2 of 3 stations needed; gap")


def test_one_whole_horizontal_serves(tmp_path):
    scene = Scene()
    scene.valid[0, 1] = False
    _, rows = scene.run(tmp_path)
    assert rows.loc["S0", "components"] == "E"
    assert rows.loc["S0", "magnitude"] == pytest.approx(2.0, abs=0.02)


def test_distances_beyond_the_scale_do_not_count(tmp_path):
    event, rows = Scene((3.0, 4.0, 20.0)).run(tmp_path)
    assert rows["reason"].str.contains("outside of 10 to 700 km").tolist()[:2] == [True, True]
    assert event["magnitude_note"].startswith("1 of 2 stations needed; outside of 10 to 700 km")
    event, _ = Scene((3.0, 4.0, 20.0)).run(tmp_path, distance_km=(1, 700))
    assert event["magnitude"] == pytest.approx(2.0, abs=0.02)


def test_corrections_of_a_table_are_added(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("network,station,correction\nXX,S0,0.3\n")
    scene = Scene()
    _, rows = scene.run(tmp_path, corrections=path)
    assert rows["magnitude"].tolist() == pytest.approx([2.3, 2.0, 2.0], abs=0.02)
    assert scene.corrections["source"].tolist() == ["table", "none", "none"]
    path.write_text("network,station,correction\nXX,S0,much\n")
    with pytest.raises(DataError, match="line 2: correction 'much' is no number"):
        scene.run(tmp_path, corrections=path)


def test_estimated_corrections_find_those_of_the_stations():
    rng = np.random.default_rng(5)
    truth = np.array([0.3, -0.2, 0.1, 0.0, -0.2])
    rows = pd.DataFrame(
        [
            {"event_id": e, "network": "XX", "station": f"S{s}", "magnitude": size - truth[s]}
            for e, size in enumerate(rng.uniform(0, 3, 60))
            for s in rng.choice(5, 4, replace=False)
        ]
    )
    rows["magnitude"] += rng.normal(0, 0.05, len(rows))
    found = network.estimated(rows, network.Corrections.none(), 10)
    values = [found.values["XX", f"S{s}"] for s in range(5)]
    assert values == pytest.approx((truth - truth.mean()).tolist(), abs=0.05)
    assert network.estimated(rows, network.Corrections.none(), 100).values == {}


def test_scales_are_those_of_their_authors():
    """1 mm at 100 km is ML 3; the scale of IASPEI is as Hutton and Boore's."""
    one, at = np.array([1.0]), np.array([100.0])
    for name in ("hutton_boore_1987", "bakun_joyner_1984", "richter_1935"):
        assert FORMULAS[name].magnitude(one, at) == pytest.approx([3.0])
    distances = np.array([10.0, 50.0, 300.0])
    hutton, iaspei = (
        FORMULAS[n].correction(distances) for n in ("hutton_boore_1987", "iaspei_2013")
    )
    assert np.abs(hutton - iaspei).max() < 0.002
    nanometres = FORMULAS["iaspei_2013"].magnitude(np.array([2080 * 1e-6]), np.array([1.0]))
    assert nanometres == pytest.approx([0.00189 - 2.09])
    short = FORMULAS["luckett_2019"].correction(np.array([5.0])) - FORMULAS[
        "iaspei_2013"
    ].correction(np.array([5.0]))
    assert short == pytest.approx([-1.16 * np.exp(-1)])


def test_a_custom_scale(tmp_path):
    own = {"log_distance": 1.11, "distance": 0.00189, "constant": 3 - 2.22 - 0.189}
    event, _ = Scene().run(tmp_path, formula="custom", coefficients=own)
    assert event["magnitude"] == pytest.approx(2.0, abs=0.02)


@pytest.mark.parametrize(
    "config",
    [
        {"formula": "custom"},
        {"coefficients": {"log_distance": 1, "constant": 0}},
        {"distance_km": (10, 5)},
        {"window_s": (5, 1)},
        {"components": []},
        {"formula": "richter"},
    ],
)
def test_settings_out_of_range_are_refused(config):
    with pytest.raises(ValidationError):
        magnitude.Config(**config)


@pytest.mark.parametrize(("phases", "next_s"), [("PS", 6.5), ("P", 5.65)])
def test_the_s_of_an_event_that_began_earlier_ends_the_window(phases, next_s):
    """A begins at 0 s and has P at 5 s, S at 9.5 s; B at 3 s has P at 6 s; C comes at 30 s."""
    arrivals = [("A", phase, {"P": 5.0, "S": 9.5}[phase]) for phase in phases]
    arrivals += [("B", "P", 6.0), ("C", "P", 30.0), ("C", "S", 33.0)]
    begin = pd.Timestamp("2020-05-01T00:00:00Z")
    codes = {"network": "XX", "station": "S00", "location": "", "instrument": "HH"}
    codes["source"] = "waveform"
    picks = pd.DataFrame(
        [
            {"pick_id": f"{event}{phase}", **codes, "time": begin + pd.Timedelta(seconds=at)}
            for event, phase, at in arrivals
        ]
    )
    links = pd.DataFrame(
        [
            {"pick_id": f"{event}{phase}", "event_id": event, "phase": phase, "distance_km": 20.0}
            for event, phase, _ in arrivals
        ]
    )
    origins = {"A": 0.0, "B": 3.0, "C": 27.0}
    place = {"latitude": 48.0, "longitude": 11.0, "depth_km": 8.0}
    events = pd.DataFrame(
        [
            {"event_id": event, "time": begin + pd.Timedelta(seconds=at), **place}
            for event, at in origins.items()
        ]
    )
    stations, _ = stations_around(n=1)
    found = seen(events, links, picks, tables.empty(MEASUREMENTS), Sites.of(stations))
    told = {one.place["event_id"]: one.picked["P"].next_s for one in found}
    assert told["A"] == pytest.approx(6.0)
    assert told["B"] == pytest.approx(next_s)
    assert told["C"] == np.inf

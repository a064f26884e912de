"""From waveforms of known motion to magnitudes: `measure` and `magnitude` together."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from quakeline.errors import DataError
from quakeline.geometry import LocalFrame
from quakeline.io import stores, tables
from quakeline.magnitudes import network
from quakeline.magnitudes.formulas import FORMULAS
from quakeline.schemas import (
    ARRIVALS,
    EVENTS,
    MAGNITUDE_CORRECTIONS,
    MEASUREMENTS,
    PICKS,
    STATION_MAGNITUDES,
    STATIONS,
    WAVEFORMS,
)
from quakeline.stages import magnitude, measure
from quakeline.timeline import SECOND

RATE, START, SECONDS = 100, 1_588_291_200 * SECOND, 120
ORIGIN_S, DEPTH_KM, VP, VS, HZ = 40.0, 8.0, 6.0, 3.5, 5.0
#: Wood-Anderson deflection in mm of 1 m/s at HZ, from the equation.
W, W0 = 2 * np.pi * HZ, 2 * np.pi / 0.8
MM = 1000 * 2080 * W / np.hypot(W0**2 - W**2, 1.4 * W0 * W)


class Scene:
    """Stations east of an event, each a noise and a burst of S whose amplitude makes ML 2."""

    def __init__(self, epicentral=(20.0, 40.0, 60.0), ml=2.0):
        self.km = list(epicentral)
        names = [f"S{n}" for n in range(len(self.km))]
        self.labels = [f"XX.{name}..HH" for name in names]
        self.units = dict.fromkeys(self.labels, "m/s")
        self.clipped = {}
        rng = np.random.default_rng(3)
        self.data = 1e-9 * rng.normal(size=(len(names), 3, SECONDS * RATE)).astype("f4")
        self.valid = np.ones(self.data.shape, bool)
        self.phases = dict.fromkeys(names, "PS")
        for row, distance in enumerate(np.hypot(self.km, DEPTH_KM)):
            amplitude_mm = 10 ** (
                ml - (1.11 * np.log10(distance / 100) + 0.00189 * (distance - 100) + 3)
            )
            self.burst(row, distance / VS, amplitude_mm / MM)

    def burst(self, row, after_s, metres_per_second, seconds=2.5):
        times = np.arange(0, seconds, 1 / RATE)
        wave = (
            metres_per_second
            * np.sin(2 * np.pi * HZ * times)
            * np.sin(np.pi * times / seconds) ** 0.2
        )
        first = round((ORIGIN_S + after_s + 0.1) * RATE)
        self.data[row, 1:, first : first + len(wave)] += wave
        return self

    def tables(self):
        origin = pd.Timestamp(START + round(ORIGIN_S * SECOND), tz="UTC")
        event = {"event_id": "e", "time": origin, "latitude": 48.0, "longitude": 11.0}
        event |= {"depth_km": DEPTH_KM, "n_p": 3, "n_s": 3, "n_stations": 3, "rms_s": 0.05}
        event |= {"associator": "a", "locator": "l", "quality": "good"}
        picks, arrivals, stations = [], [], []
        frame = LocalFrame(48.0, 11.0)
        for n, km in enumerate(self.km):
            latitude, longitude = (float(v) for v in frame.to_latlon(km, 0.0))
            codes = {"network": "XX", "station": f"S{n}", "location": ""}
            place = {"latitude": latitude, "longitude": longitude, "elevation_m": 0, "depth_m": 0}
            stations.append({**codes, "channel": None, **place, "response": "x"})
            for phase in self.phases[f"S{n}"]:
                travel = np.hypot(km, DEPTH_KM) / {"P": VP, "S": VS}[phase]
                time = origin + pd.Timedelta(seconds=round(travel, 2))
                pick = {"pick_id": f"{n}{phase}", "source": "waveform", **codes, "instrument": "HH"}
                pick |= {"phase": phase, "time": time, "probability": 0.9, "snr_db": 30.0}
                picks.append({**pick, "model": "m", "weights_id": "w"})
                arrival = {"event_id": "e", "pick_id": f"{n}{phase}", "phase": phase}
                arrivals.append({**arrival, "distance_km": km, "weight": 1.0})
        rows = ((EVENTS, [event]), (ARRIVALS, arrivals), (PICKS, picks), (STATIONS, stations))
        return {table.name: (table, pd.DataFrame(found)) for table, found in rows}

    def run(self, folder, corrections=None, **config):
        paths = {name: folder / f"{name}.parquet" for name in self.tables()}
        for name, (table, frame) in self.tables().items():
            tables.write(frame, table, paths[name])
        grid = stores.Grid(START // SECOND * RATE, SECONDS * RATE, float(RATE))
        labels = {"instruments": self.labels, "components": ["Z", "N", "E"]}
        with stores.create(
            folder / "w.zarr", WAVEFORMS, grid, labels, units=self.units, clipped=self.clipped
        ) as store:
            store["data"][:], store["valid"][:] = self.data, self.valid
        out = {name: folder / f"{name}.out" for name in ("m", "events", "rows", "corrections")}
        measure.run(
            measure.Config(),
            picks=paths["picks"],
            waveforms=folder / "w.zarr",
            measurements=out["m"],
        )
        magnitude.run(
            magnitude.Config(**config),
            located=paths["events"],
            arrivals=paths["arrivals"],
            picks=[paths["picks"]],
            measurements=[out["m"]],
            stations=paths["stations"],
            corrections=[corrections] if corrections else [],
            events=out["events"],
            station_magnitudes=out["rows"],
            station_corrections=out["corrections"],
        )
        self.measurements = tables.read(out["m"], MEASUREMENTS)
        self.corrections = tables.read(out["corrections"], MAGNITUDE_CORRECTIONS)
        rows = tables.read(out["rows"], STATION_MAGNITUDES).set_index("station")
        return tables.read(out["events"], EVENTS).iloc[0], rows


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

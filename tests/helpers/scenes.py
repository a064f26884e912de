"""Stations east of an event, with waveforms of known motion, through `measure` and `magnitude`."""

import numpy as np
import pandas as pd

from quakeline.core.geometry import LocalFrame
from quakeline.core.schemas import (
    ARRIVALS,
    EVENTS,
    MAGNITUDE_CORRECTIONS,
    MEASUREMENTS,
    PICKS,
    STATION_MAGNITUDES,
    STATION_MOMENTS,
    STATIONS,
    WAVEFORMS,
)
from quakeline.core.timeline import SECOND, Span
from quakeline.earth.sections import Layers
from quakeline.io.products import stores, tables
from quakeline.workflow.stages import magnitude, measure

RATE, START, SECONDS = 100, 1_588_291_200 * SECOND, 120
SPAN = Span(START, START + SECONDS * SECOND)
ORIGIN_S, DEPTH_KM, VP, VS, HZ = 40.0, 8.0, 6.0, 3.5, 5.0
#: Wood-Anderson deflection in mm of 1 m/s at HZ, from the equation.
W, W0 = 2 * np.pi * HZ, 2 * np.pi / 0.8
MM = 1000 * 2080 * W / np.hypot(W0**2 - W**2, 1.4 * W0 * W)


class Scene:
    """Stations east of an event, each a noise and a burst of S whose amplitude makes ML 2."""

    measuring = measure.Config()

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
        names = ("m", "events", "rows", "moments", "corrections")
        out = {name: folder / f"{name}.out" for name in names}
        (folder / "velocity.csv").write_text(f"depth_km,vp,vs\n0,{VP},{VS}\n")
        measure.run(
            self.measuring,
            chunk=SPAN.id,
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
            velocity=folder / "velocity.csv",
            corrections=[corrections] if corrections else [],
            velocity_parts=[],
            model=Layers(table=str(folder / "velocity.csv")).model_dump_json(),
            events=out["events"],
            station_magnitudes=out["rows"],
            station_moments=out["moments"],
            station_corrections=out["corrections"],
        )
        self.measurements = tables.read(out["m"], MEASUREMENTS)
        self.corrections = tables.read(out["corrections"], MAGNITUDE_CORRECTIONS)
        moments = tables.read(out["moments"], STATION_MOMENTS)
        self.moments = moments.set_index(["station", "phase"])
        rows = tables.read(out["rows"], STATION_MAGNITUDES).set_index("station")
        return tables.read(out["events"], EVENTS).iloc[0], rows

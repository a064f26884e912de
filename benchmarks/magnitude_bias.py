"""Magnitudes of synthetic sources against the truth: `python -m benchmarks.magnitude_bias`.

Brune sources of 3 MPa at 8 km below 12 stations within 5 to 80 km, in a half space with Q 300. The
motion of every station is multiplied by a lognormal factor (0.2 in log10: radiation pattern and
site) and lies in white noise of a level of its own, 1 to 100 nm/s. Waveforms go through what the
stages `measure` and `magnitude` do; P and S are picked where they are. For ML the motion of each
station is scaled, before the factor, to have the magnitude by the scale of Hutton and Boore.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.measure import arguments, finish
from quakeline.core.geometry import LocalFrame
from quakeline.core.schemas import ARRIVALS, EVENTS, MEASUREMENTS, PICKS, STATIONS, Table
from quakeline.earth.sites import Sites
from quakeline.earth.velocity import VelocityModel
from quakeline.events.magnitudes import amplitudes, brune, moments, network
from quakeline.events.magnitudes.instruments import seen
from quakeline.events.measurement.amplitude_bins import Sketcher
from quakeline.io.products import tables
from quakeline.signal import wood_anderson
from quakeline.workflow.stages import magnitude, measure

MODEL = VelocityModel((-1.0,), (6.0,), (3.5,))
RATE, SECONDS, ORIGIN_S = 100.0, 120, 40.0
DEPTH_KM, STATIONS_OF_EVENT, Q, STRESS_DROP_PA = 8.0, 12, 300.0, 3e6
FACTOR, NOISE = 0.2, (1e-9, 1e-7)
SIZES = np.arange(-1.0, 4.6, 0.5)
_FRAME = LocalFrame(48.0, 11.0)
_ORIGIN = pd.Timestamp("2020-05-01T00:00:00Z")


def corner_hz(moment: float) -> float:
    """Of S: 0.49 beta (stress drop / moment)^(1/3), Brune 1970."""
    return 0.49 * 3500.0 * float(np.cbrt(STRESS_DROP_PA / moment))


def wave(level: float, corner: float, travel_s: float) -> np.ndarray:
    """Ground velocity in m/s of a pulse with a level in m s."""
    n = int(SECONDS * RATE)
    hertz = np.fft.rfftfreq(n, 1 / RATE)
    shape = level * 2j * np.pi * hertz / (1 + 1j * hertz / corner) ** 2
    late = np.exp(-np.pi * hertz * travel_s / Q - 2j * np.pi * hertz * (ORIGIN_S + travel_s))
    return np.asarray(np.fft.irfft(shape * late * RATE, n))


def motion(size: float, distance_km: float, local: bool, rng: np.random.Generator) -> np.ndarray:
    """Ground velocity of P and S on Z, N and E, without noise."""
    moment = 10 ** (1.5 * size + 9.1)
    whole = np.zeros((3, int(SECONDS * RATE)))
    for phase in "PS":
        speed = MODEL.speeds(phase)[0]
        level = 1 / brune.moment_nm(1 / moment, distance_km, speed, phase)
        pulse = wave(level, corner_hz(moment), distance_km / speed)
        along = rng.normal(size=3)
        if local:
            along[1:] = (phase == "S") * 1.0
            pulse *= _scale(size, distance_km, pulse) if phase == "S" else 0.0
        whole += along[:, None] / (1 if local else np.linalg.norm(along)) * pulse
    return whole * 10 ** rng.normal(0, FACTOR)


def _scale(size: float, distance_km: float, pulse: np.ndarray) -> float:
    """What gives a pulse the amplitude of a local magnitude."""
    formula = magnitude.Config().scale()
    taps = wood_anderson.kernel(RATE, "m/s")
    peak = wood_anderson.peak_of(wood_anderson.simulate(pulse[None], taps, RATE))[0]
    return float(10 ** (size - formula.correction(np.array(distance_km))) / peak)


def event(size: float, local: bool, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """The tables of one event."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in ("picks", "links", "sites")}
    sketches: list[dict[str, Any]] = []
    sketcher = Sketcher(measure.Config(), RATE, "m/s")
    for n, km in enumerate(rng.uniform(5, 80, STATIONS_OF_EVENT)):
        far = float(np.hypot(km, DEPTH_KM))
        latitude, longitude = (float(v) for v in _FRAME.to_latlon(np.array(km), np.array(0.0)))
        codes = {"network": "XX", "station": f"S{n:02d}", "location": ""}
        place = {"latitude": latitude, "longitude": longitude, "elevation_m": 0, "depth_m": 0}
        rows["sites"].append({**codes, **place, "response": "paz"})
        ground = motion(size, far, local, rng)
        noise = 10 ** rng.uniform(*np.log10(NOISE))
        ground += noise * rng.normal(size=ground.shape)
        for phase in "PS":
            travel_s = far / MODEL.speeds(phase)[0]
            pick_id = f"{n}{phase}"
            time = _ORIGIN + pd.Timedelta(seconds=round(travel_s, 6))
            made: dict[str, Any] = {
                "pick_id": pick_id,
                "source": "waveform",
                **codes,
                "instrument": "HH",
            }
            made |= {"phase": phase, "time": time, "probability": 0.9}
            rows["picks"].append({**made, "model": "m", "weights_id": "w"})
            rows["links"].append(
                {"event_id": "e", "pick_id": pick_id, "phase": phase, "distance_km": km}
            )
            sketches += _sketches(pick_id, ground, travel_s, sketcher)
    origin: dict[str, Any] = {"event_id": "e", "time": _ORIGIN, "latitude": 48.0, "longitude": 11.0}
    origin |= {"depth_km": DEPTH_KM, "n_p": 12, "n_s": 12, "n_stations": 12}
    origin |= {"associator": "a", "locator": "l", "quality": "good"}
    made_of: list[tuple[Table, list[dict[str, Any]]]] = [
        (EVENTS, [origin]),
        (ARRIVALS, rows["links"]),
        (PICKS, rows["picks"]),
        (MEASUREMENTS, sketches),
        (STATIONS, rows["sites"]),
    ]
    return {t.name: tables.conform(pd.DataFrame(r), t).to_pandas() for t, r in made_of}


def _sketches(
    pick_id: str, ground: np.ndarray, travel_s: float, sketcher: Sketcher
) -> Iterator[dict[str, Any]]:
    onset = round((ORIGIN_S + travel_s) * RATE)
    start, stop = sketcher.reach
    for component, row in zip("ZNE", ground, strict=True):
        window = row[None, onset + start : onset + stop]
        found = sketcher.measure(window, np.ones(window.shape, dtype=bool))
        bins = {"first_bin_s": sketcher.first / RATE, "bin_s": sketcher.rules.bin_s}
        values = {
            name: column if np.isscalar(column) else column[0] for name, column in found.items()
        }
        yield {"pick_id": pick_id, "component": component, "units": "m/s", **bins, **values}


def measured(size: float, local: bool, rng: np.random.Generator) -> float:
    """The magnitude of one event, NaN for none."""
    found = event(size, local, rng)
    events = found["events"]
    instruments = list(
        seen(
            events,
            found["arrivals"],
            found["picks"],
            found["measurements"],
            Sites.of(found["stations"]),
        )
    )
    config = magnitude.Config(moment={})
    if local:
        scale = config.scale()
        rows = amplitudes.stations_of(instruments, config)
        rows = network.with_magnitudes(rows, scale, scale.range_km)
        events = network.of_events(events, rows, "ML", config.min_stations)
        return float(events["magnitude"].iloc[0])
    assert config.moment is not None
    rows = moments.stations_of(instruments, MODEL, config.moment, config.vp_vs)
    return float(moments.of_events(events, rows, config.min_stations)["mw"].iloc[0])


def main() -> None:
    """Measure all sizes and keep the figures in benchmarks/results/magnitude_bias.json."""
    quick = arguments(__doc__).quick
    rows = []
    for local in (True, False):
        for size in SIZES:
            rng = np.random.default_rng(round(10 * size) + 100 + 100 * local)
            off = np.array([measured(size, local, rng) - size for _ in range(5 if quick else 40)])
            known = off[np.isfinite(off)]
            figures = {"with_one": len(known) / len(off)}
            if len(known):
                figures |= {
                    "bias": float(np.median(known)),
                    "mad": float(1.4826 * np.median(np.abs(known - np.median(known)))),
                    "worst": float(np.abs(known).max()),
                }
            figures = {name: round(value, 3) for name, value in figures.items()}
            rows.append({"magnitude": "ML" if local else "Mw", "truth": float(size), **figures})
            print(rows[-1])
    finish("magnitude_bias", rows, quick)


if __name__ == "__main__":
    main()

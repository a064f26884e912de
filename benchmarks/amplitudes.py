"""Wood-Anderson amplitudes around the picks of a synthetic sequence, with all its events in them.

At each station the deflection of an event is 0.3 of its S amplitude from P on and falls with the
cube of the time since the origin after S. The S amplitude is the one that its magnitude has by the
scale of Hutton & Boore, times a lognormal factor (0.2 in log10) of event and station. The largest
of all events and the station's noise (3 to 30 nm of ground displacement) makes a bin.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.sequences import START_NS, Plan, Sequence
from quakeline.core.schemas import MEASUREMENTS
from quakeline.earth.sites import Sites
from quakeline.earth.velocity import Domain, TravelTimes
from quakeline.events.magnitudes import amplitudes, network
from quakeline.events.magnitudes.instruments import seen
from quakeline.io.products import tables
from quakeline.workflow.stages import magnitude, measure

_FACTOR, _NOISE_MM = 0.2, (6e-3, 6e-2)
_P_SHARE, _DECAY = 0.3, 3.0
#: What an event leaves after this time, in s, is below the noise or the next event.
_LONGEST_S = 120.0


def measurements_of(sequence: Sequence, plan: Plan) -> pd.DataFrame:
    """MEASUREMENTS on N and E around each pick of the sequence of a plan."""
    rng = np.random.default_rng(1000 + plan.seed)
    sites = Sites.of(sequence.stations)
    origin_s, p_s, s_s, size_mm = _waves(sequence, plan, sites, rng)
    quietest, loudest = np.log10(_NOISE_MM)
    noise = 10 ** rng.uniform(quietest, loudest, len(sites.table))
    rules = measure.Config()
    bins = np.arange(-rules.before_s, rules.after_s, rules.bin_s)
    at = sites.find(sequence.picks)
    onset = (sequence.picks["time"].astype("int64").to_numpy() - START_NS) / 1e9
    rows = []
    for pick_id, site, time in zip(sequence.picks["pick_id"], at, onset, strict=True):
        ends = time + bins + rules.bin_s
        near = (origin_s < ends[-1]) & (origin_s > time - _LONGEST_S)
        lapse = ends - origin_s[near, None]
        p, s, mm = (values[near, site, None] for values in (p_s, s_s, size_mm))
        shape = np.where(lapse < s, _P_SHARE * (lapse >= p), (s / np.maximum(lapse, s)) ** _DECAY)
        largest = np.maximum((mm * shape).max(axis=0, initial=0.0), noise[site])
        for component in "NE":
            rows.append(
                {
                    "pick_id": pick_id,
                    "component": component,
                    "units": "m/s",
                    "first_bin_s": bins[0],
                    "bin_s": rules.bin_s,
                    "wood_anderson_mm": largest,
                    "rms": largest,
                    "spectrum_s": rules.spectrum_s,
                }
            )
    return pd.DataFrame(tables.conform(pd.DataFrame(rows), MEASUREMENTS).to_pandas())


def _waves(
    sequence: Sequence, plan: Plan, sites: Sites, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Origin times in s, travel times of P and S in s and S amplitudes in mm, (events, sites)."""
    events, local = sequence.events, sites.local
    x, y = sequence.frame.to_xy(local["latitude"].to_numpy(), local["longitude"].to_numpy())
    level, depth = local["depth_km"].to_numpy(), events["depth_km"].to_numpy()[:, None]
    away = np.hypot(events["x"].to_numpy()[:, None] - x, events["y"].to_numpy()[:, None] - y)
    domain = Domain(2.2 * plan.radius_km, float(level.min()) - 0.1, plan.depth_km[1] + 5)
    times = TravelTimes(plan.model, domain, level)
    travel = [
        times.at(
            times.rows(np.full(len(level), p), level), away, np.broadcast_to(depth, away.shape)
        )
        for p in "PS"
    ]
    correction = magnitude.Config().scale().correction(np.hypot(away, depth - level))
    logarithm = events["magnitude"].to_numpy()[:, None] - correction
    size = 10 ** (logarithm + rng.normal(0, _FACTOR, away.shape))
    origin_s = (events["time_ns"].to_numpy() - START_NS) / 1e9
    return origin_s, travel[0][0], travel[1][0], size


def with_magnitudes(
    events: pd.DataFrame, arrivals: pd.DataFrame, sequence: Sequence, plan: Plan
) -> pd.DataFrame:
    """EVENTS with local magnitudes as the stage `magnitude` makes them by default."""
    config = magnitude.Config()
    known, sites = measurements_of(sequence, plan), Sites.of(sequence.stations)
    instruments = seen(events, arrivals, sequence.picks, known, sites)
    rows = amplitudes.stations_of(instruments, config)
    scale = config.scale()
    rows = network.with_magnitudes(rows, scale, scale.range_km)
    return network.of_events(events, rows, "ML", config.min_stations)

"""How good catalogs of synthetic sequences are.

`python -m benchmarks.catalog_quality [--only TEXT] [--quick]`: --quick is a fifth of the data.

Sequences of 10, 100 and 1,000 events an hour (see benchmarks/sequences.py) go through association
and location with the settings that quakeline suggests for the network. An event is found where an
origin lies within 2 s and 15 km of it; it counts for recall where enough of its picks exist. Times
are CPU seconds of all threads, travel times included. The case "wrong model" locates in velocities
that are 1 to 4 % off, with station delays of 0.05 s; the cases "as real" are those that say what to
expect of real picks (see `sequences.as_real`). Magnitudes come from benchmarks/amplitudes.py.
Some constants of association and location were chosen while looking at the sequences without a seed
in their names; those with one were made afterwards.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.amplitudes import with_magnitudes
from benchmarks.measure import arguments, finish, timed
from benchmarks.sequences import CRUST, Plan, Sequence, as_real, make
from quakeline.core.geometry import LocalFrame
from quakeline.earth.sites import Sites
from quakeline.earth.velocity import VelocityModel
from quakeline.events.association import Search, associate, depth_range, suggested
from quakeline.events.location import Locator
from quakeline.io.formats.ellipsoids import covariance_of
from quakeline.workflow.stages.locate import Config

_NEAR_S, _NEAR_KM = 2.0, 15.0
#: Quantiles of chi-squared with three degrees of freedom.
_WITHIN = {"in_68": 3.5059, "in_95": 7.8147}
WRONG = VelocityModel(
    CRUST.tops,
    tuple(np.array(CRUST.vp) * [0.97, 1.02, 0.98, 1.0]),
    tuple(np.array(CRUST.vs) * [0.96, 1.02, 0.99, 1.0]),
)
_OFF = Plan(hours=1.0, events_per_hour=100, seed=2, delay_s=0.05)
FRESH = {
    "10 an hour": (Plan(hours=10, events_per_hour=10), CRUST),
    "100 an hour": (Plan(hours=1.0, events_per_hour=100), CRUST),
    "100, wrong model": (_OFF, WRONG),
    "1000 an hour": (Plan(hours=0.1, events_per_hour=1000), CRUST),
}
CASES: dict[str, tuple[Plan, VelocityModel, dict[str, Any]]] = {
    "10 an hour": (Plan(hours=10, events_per_hour=10), CRUST, {}),
    "100 an hour": (Plan(hours=1.0, events_per_hour=100, seed=2), CRUST, {}),
    "100, wrong model": (_OFF, WRONG, {}),
    "100, wrong model, no terms": (_OFF, WRONG, {"station_terms": "none"}),
    "100, wrong model, SSST": (_OFF, WRONG, {"station_terms": "ssst"}),
    "1000 an hour": (Plan(hours=0.1, events_per_hour=1000, seed=3), CRUST, {}),
    **{
        f"{name}, seed {seed}": (replace(plan, seed=seed), model, {})
        for name, (plan, model) in FRESH.items()
        for seed in (31, 32, 33)
    },
    **{
        f"{rate} an hour, as real, seed {seed}": (
            as_real(Plan(hours=hours, events_per_hour=rate, seed=seed)),
            WRONG,
            {},
        )
        for rate, hours in ((30, 3.0), (150, 1.0))
        for seed in (51, 52)
    },
    "100, wrong model, SSST, seed 31": (replace(_OFF, seed=31), WRONG, {"station_terms": "ssst"}),
}


def measured(plan: Plan, model: VelocityModel, settings: dict[str, Any]) -> dict[str, float]:
    """Figures of one sequence."""
    sequence = make(plan)
    sites = Sites.of(sequence.stations)
    search, _ = suggested({}, sites, model, sequence.picks)
    options = {**Config(**settings).model_dump(), "depth_km": depth_range(sites)}
    locator = Locator(sites, model, **options)
    found: list[pd.DataFrame] = []
    association = timed(
        lambda: found.extend(
            associate(sequence.picks, sites, model, search, threads=2, finder=locator)
        )
    )
    events, arrivals = found
    location = timed(lambda: found.extend(locator.locate(events, arrivals, sequence.picks)))
    located = with_magnitudes(found[2], found[3], sequence, plan)
    share = 10_000 / len(sequence.picks)
    return {
        "picks": len(sequence.picks),
        "min_picks": search.min_picks,
        **_found(sequence, located, found[3], search),
        "association_s_per_10000_picks": association["cpu_s"] * share,
        "location_s_per_10000_picks": location["cpu_s"] * share,
        "location_ms_per_event": 1000 * location["cpu_s"] / max(len(located), 1),
    }


def _found(
    sequence: Sequence, events: pd.DataFrame, arrivals: pd.DataFrame, search: Search
) -> dict[str, float]:
    truth = sequence.events
    real = sequence.owner[sequence.owner >= 0]
    recorded = real.value_counts().reindex(truth["event"], fill_value=0).to_numpy()
    fit = recorded >= search.min_picks
    match = matches(events, truth)
    pairs = np.flatnonzero(match >= 0)
    hit = np.isin(truth["event"].to_numpy(), match[pairs])
    owners = sequence.owner.reindex(arrivals["pick_id"]).to_numpy()
    own = dict(zip(events["event_id"], match, strict=True))
    right = owners == arrivals["event_id"].map(own).to_numpy()
    return {
        "events": len(truth),
        "with_enough_picks": int(fit.sum()),
        "recall": float(hit[fit].mean()),
        "precision": len(pairs) / max(len(events), 1),
        "picks_right": float(right.mean()),
        "picks_recalled": float(right.sum() / len(real)),
        **_errors(events.iloc[pairs], truth.iloc[match[pairs]]),
        **_magnitudes(events.iloc[pairs], truth.iloc[match[pairs]]),
    }


def _magnitudes(events: pd.DataFrame, truth: pd.DataFrame) -> dict[str, float]:
    """Magnitudes of found events less the true ones, and how many have one."""
    off = events["magnitude"].astype(float).to_numpy() - truth["magnitude"].to_numpy()
    known = off[np.isfinite(off)]
    return {
        "with_magnitude": len(known) / len(off),
        "magnitude_bias": float(np.median(known)),
        "magnitude_mad": float(1.4826 * np.median(np.abs(known - np.median(known)))),
    }


def matches(events: pd.DataFrame, truth: pd.DataFrame) -> np.ndarray:
    """The true event of each found one, -1 for none; the closest in time first, each once."""
    apart_s = events["time"].astype("int64").to_numpy()[:, None] - truth["time_ns"].to_numpy()
    frame = LocalFrame.around(truth["latitude"].to_numpy(), truth["longitude"].to_numpy())
    x, y = frame.to_xy(events["latitude"].to_numpy(), events["longitude"].to_numpy())
    tx, ty = frame.to_xy(truth["latitude"].to_numpy(), truth["longitude"].to_numpy())
    apart_km = np.hypot(x[:, None] - tx, y[:, None] - ty)
    near = (np.abs(apart_s) < _NEAR_S * 1e9) & (apart_km < _NEAR_KM)
    match = np.full(len(events), -1)
    rows, columns = np.nonzero(near)
    for k in np.argsort(np.abs(apart_s[rows, columns])):
        if match[rows[k]] < 0 and columns[k] not in match:
            match[rows[k]] = columns[k]
    return match


def _errors(events: pd.DataFrame, truth: pd.DataFrame) -> dict[str, float]:
    """Location errors, and how many of them the stated ellipsoids hold."""
    frame = LocalFrame.around(truth["latitude"].to_numpy(), truth["longitude"].to_numpy())
    x, y = frame.to_xy(events["latitude"].to_numpy(), events["longitude"].to_numpy())
    tx, ty = frame.to_xy(truth["latitude"].to_numpy(), truth["longitude"].to_numpy())
    down = events["depth_km"].to_numpy() - truth["depth_km"].to_numpy()
    error = np.column_stack([x - tx, y - ty, down])
    rows = [row for _, row in events.iterrows()]
    distance = np.array([_distance(row, off) for row, off in zip(rows, error, strict=True)])
    epicentral = np.hypot(error[:, 0], error[:, 1])
    return {
        "epicentre_km_median": float(np.median(epicentral)),
        "epicentre_km_95": float(np.percentile(epicentral, 95)),
        "depth_km_median": float(np.median(np.abs(down))),
        "at_a_limit": float(events["quality"].str.contains("limit of the search").mean()),
        **{name: float((distance < limit).mean()) for name, limit in _WITHIN.items()},
    }


def _distance(event: pd.Series, error: np.ndarray) -> float:
    """Square of an error (east, north, down) in km in units of the stated covariance."""
    spread = covariance_of({str(name): value for name, value in event.items()})
    return np.inf if spread is None else float(error @ np.linalg.solve(spread, error))


def main() -> None:
    """Measure all cases and keep the figures in benchmarks/results/catalog_quality.json."""
    words = arguments(__doc__)
    rows = []
    for name, (plan, model, settings) in CASES.items():
        if words.only not in name:
            continue
        sized = replace(plan, hours=plan.hours / 5) if words.quick else plan
        figures = {key: round(value, 4) for key, value in measured(sized, model, settings).items()}
        rows.append({"case": name, **figures})
        finish("catalog_quality", rows, words.quick, kept=words.only)


if __name__ == "__main__":
    main()

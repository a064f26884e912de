"""Whether events are real: whether stations that were left out have the picks they predict.

Every third station with picks is left out, and the rest is associated. Of each event the P and S
times at the six nearest stations that were left out are predicted, and those counted that have a
pick within 1.5 s (networks wider than 1,000 km: 3 s). The same is counted for the event at twenty
other times within 200 s: it is confirmed where none of these has as many. `chance` is the share of
events at yet another time that pass the same test.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.real_catalogs import matched, window
from benchmarks.rival_associators import P_KM_S, RATIO
from quakeline.earth.velocity import Network
from quakeline.events.chain.material import Material, read

_THIRD = 3
_STATIONS = 6
_NEAR_S, _WIDE_S, _NEAR_KM = 1.5, 3.0, 5.0
_TIMES = 20
_LEAST_S, _MOST_S = 15.0, 200.0


def without(part: Path, place: Path) -> Path:
    """A copy of a part without every third of the stations that have picks."""
    place.mkdir(parents=True)
    for name in ("velocity.csv", "reference_events.csv"):
        shutil.copy(part / name, place / name)
    picks, stations = pd.read_csv(part / "picks.csv"), pd.read_csv(part / "stations.csv")
    lost = set(sorted(set(_codes(picks)))[::_THIRD])
    for name, table in (("picks.csv", picks), ("stations.csv", stations)):
        table[[code not in lost for code in _codes(table)]].to_csv(place / name, index=False)
    return place


def _codes(table: pd.DataFrame) -> list[tuple[str, str]]:
    network = table["network"] if "network" in table else pd.Series("", index=table.index)
    return list(zip(network.fillna("").astype(str), table["station"].astype(str), strict=True))


def confirmed(part: Path, less: Path, events: pd.DataFrame, straight: bool) -> dict[str, Any]:
    """Shares of the events of some stations that the others confirm.

    `part` has all picks, `less` those that the events are made of. `straight`: times are those of
    the homogeneous velocities that the events were associated with, not of the part's velocities.
    """
    material = read(part / "picks.csv", part / "stations.csv", part / "velocity.csv")
    events = events.reset_index(drop=True)
    near, reference = window(part / "stations.csv"), pd.read_csv(part / "reference_events.csv")
    reference["time"] = pd.to_datetime(reference["time"], utc=True, format="ISO8601")
    own = np.isin(np.arange(len(events)), [n for _, n in matched(events, reference, *near)])
    seen = set(_codes(pd.read_csv(less / "picks.csv")))
    sites = material.sites.table
    codes = zip(sites["network"].astype(str), sites["station"].astype(str), strict=True)
    with_picks = np.isin(np.arange(len(sites)), material.sites.find(material.picks))
    lost = np.flatnonzero(with_picks & [code not in seen for code in codes])
    within_s = _NEAR_S if near[1] <= _NEAR_KM else _WIDE_S
    rng = np.random.default_rng(0)
    shifts = rng.uniform(_LEAST_S, _MOST_S, _TIMES + 1) * rng.choice([-1, 1], _TIMES + 1)
    expected = _expected(material, events, lost, straight)
    counts = np.array([_hits(material, lost, expected, s, within_s) for s in (0.0, *shifts)])
    right = counts[0] > counts[2:].max(axis=0)
    chance = counts[1] > counts[2:].max(axis=0)

    def share(of: np.ndarray, which: np.ndarray) -> float | None:
        return round(float(of[which].mean()), 2) if which.any() else None

    return {
        "events": len(events),
        "references": int(own.sum()),
        "references_confirmed": share(right, own),
        "further": int((~own).sum()),
        "further_confirmed": share(right, ~own),
        "chance": share(chance, np.ones(len(events), dtype=bool)),
    }


def _expected(
    material: Material, events: pd.DataFrame, lost: np.ndarray, straight: bool
) -> np.ndarray:
    """Times in s since 1970 of P and S at the stations that were left out, (2, k, m).

    NaN beyond the nearest six of an event.
    """
    sites = material.sites
    local = sites.local.iloc[lost]
    x, y = sites.frame.to_xy(events["latitude"].to_numpy(), events["longitude"].to_numpy())
    depth = events["depth_km"].fillna(5.0).clip(lower=0.0).to_numpy()
    east, north = (a - local[b].to_numpy()[:, None] for a, b in ((x, "x"), (y, "y")))
    away = np.hypot(east, north)
    zero = events["time"].astype("datetime64[ns, UTC]").astype("int64").to_numpy() / 1e9
    if straight:
        slant = np.hypot(away, depth - local["depth_km"].to_numpy()[:, None])
        travel = np.array([slant, slant * RATIO]) / P_KM_S
    else:
        whole = sites.local[["x", "y", "depth_km"]]
        low = np.minimum(whole.min().to_numpy(), [x.min(), y.min(), 0.0])
        high = np.maximum(whole.max().to_numpy(), [x.max(), y.max(), depth.max() + 1])
        times = material.model.times(Network(sites.frame, sites.local, np.array([low, high])))
        count = len(events)
        travel = np.array(
            [
                [
                    times.travel(
                        times.rows_of(np.full(count, phase), np.full(count, site)), e, n, depth
                    )
                    for site, e, n in zip(lost, east, north, strict=True)
                ]
                for phase in "PS"
            ]
        )
    rank = away.argsort(axis=0).argsort(axis=0)
    return np.asarray(np.where(rank < _STATIONS, zero + travel, np.nan))


def _hits(
    material: Material, lost: np.ndarray, expected: np.ndarray, shift_s: float, within_s: float
) -> np.ndarray:
    """How many of the expected times of each event have a pick, shifted by some seconds; (m,)."""
    picks = material.picks
    owner, phase = material.sites.find(picks), picks["phase"].to_numpy()
    seconds = picks["time"].astype("int64").to_numpy() / 1e9
    count = np.zeros(expected.shape[2], dtype=np.int64)
    for one, of_phase in zip("PS", expected, strict=True):
        for site, times in zip(lost, of_phase, strict=True):
            mine = np.sort(seconds[(owner == site) & (phase == one)])
            at = times + shift_s
            low, high = (np.searchsorted(mine, at + side) for side in (-within_s, within_s))
            count += (high > low) & np.isfinite(at)
    return count

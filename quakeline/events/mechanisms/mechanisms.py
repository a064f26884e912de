"""Mechanisms of events from polarities, or the reason why an event has none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from quakeline.core.reasons import Code, Reason, cells
from quakeline.core.schemas import MECHANISMS
from quakeline.earth.velocity import TravelTimes, VelocityModel
from quakeline.events.mechanisms import quality, rays, rotations, search
from quakeline.events.mechanisms.hash_files import PolarityEvent, Reversals
from quakeline.io.products import tables

#: Travel times reach farther than stations that count, by this factor.
_REACH = 1.1


@dataclass(frozen=True)
class Rules:
    """What an event needs for a mechanism, and how it is looked for; HASH's usual values.

    `trials` of take-off angles, each with a hypocentre within its errors; `min_polarities`;
    largest gaps of azimuth and take-off angle in degrees; largest epicentral distance in km.
    """

    trials: int = 30
    min_polarities: int = 8
    max_azimuth_gap_deg: float = 90.0
    max_takeoff_gap_deg: float = 60.0
    max_distance_km: float = 120.0
    seed: int = 0


def of_events(
    events: Sequence[PolarityEvent],
    models: Sequence[VelocityModel],
    stations: pd.DataFrame,
    reversals: Reversals,
    rules: Rules,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """The table MECHANISMS: a row for each event, with a mechanism or the reason why there is none.

    Parameters
    ----------
    events
        With their polarities; rays that these state are used, else those of `models`.
    models
        Velocities, one or several that are tried in turn.
    stations
        network, station, latitude, longitude, depth_km; empty where all rays are stated.
    reversals
        When stations were reversed.
    progress
        Is called with the events done and those of all.
    """
    times = rays.times_of(models, stations, _deepest(events), _REACH * rules.max_distance_km)
    rows = []
    for number, event in enumerate(events, start=1):
        rng = np.random.default_rng([rules.seed, number])
        rows.append(_of_event(event, times, stations, reversals, rules, rng))
        if progress:
            progress(number, len(events))
    return tables.typed(pd.DataFrame(rows, columns=MECHANISMS.names), MECHANISMS)


def _of_event(
    event: PolarityEvent,
    times: Sequence[TravelTimes],
    stations: pd.DataFrame,
    reversals: Reversals,
    rules: Rules,
    rng: np.random.Generator,
) -> dict[str, Any]:
    polarities = event.polarities.drop_duplicates(["network", "station"])
    notes = []
    if event.polarities["takeoff"].isna().all():
        placed = _placed(event, polarities, stations, rules)
        absent = len(polarities) - len(placed)
        if absent:
            notes.append(Reason.of(Code.POLARITIES_UNPLACED, absent))
        polarities = placed
    else:
        polarities = polarities[polarities["distance_km"] <= rules.max_distance_km]
    row: dict[str, Any] = {"event_id": event.event_id, "time": event.time, "method": "grid search"}
    row["polarities"] = len(polarities)
    if len(polarities) < rules.min_polarities:
        few = Reason.of(Code.FEW_POLARITIES, len(polarities), needed=rules.min_polarities)
        return row | cells("note", [few, *notes])
    seen = _rays(event, polarities, times, reversals, rules, rng)
    azimuth_gap, takeoff_gap = quality.gaps(seen)
    row |= {"azimuth_gap_deg": azimuth_gap, "takeoff_gap_deg": takeoff_gap}
    wide = _too_wide(azimuth_gap, rules.max_azimuth_gap_deg, Code.AZIMUTH_GAP)
    wide += _too_wide(takeoff_gap, rules.max_takeoff_gap_deg, Code.TAKEOFF_GAP)
    if wide:
        return row | cells("note", [*wide, *notes])
    return row | _mechanism(seen) | cells("note", notes)


def _too_wide(gap: float, most: float, code: Code) -> list[Reason]:
    return [Reason.of(code, gap_deg=round(gap), most_deg=most)] if gap > most else []


def _mechanism(seen: search.Rays) -> dict[str, Any]:
    """Columns of a mechanism."""
    solution = search.solved(seen)
    fit = quality.fit_of(seen, solution)
    row: dict[str, Any] = {
        "plane_1_sigma_deg": solution.sigmas_deg[0],
        "plane_2_sigma_deg": solution.sigmas_deg[1],
        "probability": solution.probability,
        "misfit": fit.misfit,
        "station_ratio": fit.ratio,
        "quality_class": quality.letter(solution, fit),
    }
    for number, angles in enumerate(rotations.planes(solution.frame), start=1):
        names = (f"strike_{number}_deg", f"dip_{number}_deg", f"rake_{number}_deg")
        row |= dict(zip(names, angles, strict=True))
    return row


def _placed(
    event: PolarityEvent, polarities: pd.DataFrame, stations: pd.DataFrame, rules: Rules
) -> pd.DataFrame:
    """Polarities of stations whose place is known and near, with these places."""
    by_code = stations.drop_duplicates("station").set_index("station")
    both = polarities.merge(stations, on=["network", "station"], how="left")
    for name in ("latitude", "longitude", "depth_km"):
        both[name] = both[name].fillna(both["station"].map(by_code[name]))
    both = both.dropna(subset=["latitude"])
    north = (both["latitude"] - event.latitude) * 111.2
    east = (both["longitude"] - event.longitude) * 111.2 * np.cos(np.radians(event.latitude))
    near = np.hypot(north, east) <= rules.max_distance_km
    return pd.DataFrame(both[near].reset_index(drop=True))


def _rays(
    event: PolarityEvent,
    polarities: pd.DataFrame,
    times: Sequence[TravelTimes],
    reversals: Reversals,
    rules: Rules,
    rng: np.random.Generator,
) -> search.Rays:
    signs = np.array([reversals.sign(code, event.time) for code in polarities["station"]])
    polarity = polarities["polarity"].to_numpy() * signs
    weight = polarities["weight"].to_numpy(float)
    impulsive = polarities["impulsive"].to_numpy(bool) if "impulsive" in polarities else None
    if polarities["takeoff"].notna().all():
        azimuth, takeoff = _stated(polarities, rules.trials, rng)
    else:
        place = (event.latitude, event.longitude, event.depth_km)
        sigma = (event.horizontal_sigma_km, event.depth_sigma_km)
        azimuth, takeoff = rays.leaving(times, polarities, place, sigma, rules.trials, rng)
    return search.Rays(azimuth, takeoff, polarity, weight, impulsive)


def _stated(
    polarities: pd.DataFrame, trials: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Rays as a file states them, moved within their errors; the first trial is as stated."""
    found = []
    for name in ("azimuth", "takeoff"):
        moved = rng.normal(size=(trials, len(polarities)))
        moved[0] = 0.0
        sigma = polarities[f"{name}_sigma"].fillna(0.0).to_numpy()
        found.append(polarities[name].to_numpy() + moved * sigma)
    azimuth, takeoff = found
    over = (takeoff < 0) | (takeoff > 180)
    takeoff = np.where(takeoff < 0, -takeoff, np.where(takeoff > 180, 360 - takeoff, takeoff))
    return np.where(over, azimuth + 180, azimuth) % 360, takeoff


def _deepest(events: Sequence[PolarityEvent]) -> float:
    return max((event.depth_km + 3 * event.depth_sigma_km for event in events), default=0.0)

"""Mechanisms of events from polarities, or the reason why an event has none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from quakeline.core.reasons import Code, Reason, cells, unpacked
from quakeline.core.schemas import MECHANISMS, POLARITIES
from quakeline.core.schemas.kinds import Table
from quakeline.events.mechanisms import quality, rotations, search
from quakeline.events.mechanisms.hash_files import Reversals
from quakeline.events.mechanisms.launching import Launch
from quakeline.events.mechanisms.polarities import PolarityEvent
from quakeline.io.products import tables


@dataclass(frozen=True)
class Rules:
    """What an event needs for a mechanism, and how it is looked for; HASH's usual values.

    `trials` of take-off angles, each with a hypocentre within its errors; `min_polarities`;
    largest gaps of azimuth and take-off angle in degrees; largest epicentral distance in km; the
    worst quality, A to D, of which a mechanism is given.
    """

    trials: int = 30
    min_polarities: int = 8
    max_azimuth_gap_deg: float = 90.0
    max_takeoff_gap_deg: float = 60.0
    max_distance_km: float = 120.0
    worst_quality: str = "D"
    seed: int = 0


@dataclass(frozen=True)
class Found:
    """Tables MECHANISMS and POLARITIES."""

    mechanisms: pd.DataFrame
    polarities: pd.DataFrame


def of_events(
    groups: Sequence[Sequence[PolarityEvent]],
    launch: Launch,
    reversals: Reversals,
    rules: Rules,
    progress: Callable[[int, int], None] | None = None,
) -> Found:
    """A row for each event, with a mechanism or the reason why there is none, and its polarities.

    Parameters
    ----------
    groups
        Each is one event, or several of one mechanism (a composite), whose id is the first one's.
    launch
        Where rays come from.
    reversals
        When stations were reversed.
    progress
        Is called with the events done and those of all.
    """
    rows, used = [], []
    for number, group in enumerate(groups, start=1):
        rng = np.random.default_rng([rules.seed, number])
        row, polarities = _of_group(group, launch, reversals, rules, rng)
        rows.append(row)
        used.append(polarities)
        if progress:
            progress(number, len(groups))
    return Found(_made(rows, MECHANISMS), _joined(used))


def _made(rows: list[dict[str, Any]], table: Table) -> pd.DataFrame:
    return tables.typed(pd.DataFrame(rows, columns=table.names), table)


def _joined(used: list[pd.DataFrame]) -> pd.DataFrame:
    if not used:
        return tables.empty(POLARITIES)
    both = pd.concat(used, ignore_index=True).reindex(columns=POLARITIES.names)
    return tables.typed(both, POLARITIES)


def _of_group(
    group: Sequence[PolarityEvent],
    launch: Launch,
    reversals: Reversals,
    rules: Rules,
    rng: np.random.Generator,
) -> tuple[dict[str, Any], pd.DataFrame]:
    """A row of MECHANISMS, and the rows of POLARITIES of all polarities."""
    first = group[0]
    parts = [
        _sorted_out(_turned(event, reversals), launch, rules.max_distance_km) for event in group
    ]
    placed = [used for used, _ in parts]
    polarities = pd.concat(placed, ignore_index=True)
    left_out = pd.concat([rest for _, rest in parts], ignore_index=True)
    row, table = _solved(
        group, placed, polarities, launch, rules, rng, _told(left_out, rules.max_distance_km)
    )
    rest = left_out.assign(event_id=first.event_id, weight=np.nan)
    return row, pd.concat([table, rest], ignore_index=True) if len(rest) else table


def _turned(event: PolarityEvent, reversals: Reversals) -> PolarityEvent:
    """An event whose polarities of reversed stations are turned."""
    given = event.polarities
    signs = np.array([reversals.sign(code, event.time) for code in given["station"]], int)
    return replace(event, polarities=given.assign(polarity=given["polarity"].to_numpy() * signs))


def _sorted_out(
    event: PolarityEvent, launch: Launch, max_km: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Polarities that count, one for each station, and the others, each with its reason."""
    if not len(event.polarities):
        return event.polarities, event.polarities
    rows = launch.placed(event).reset_index(drop=True)
    near = rows["distance_km"] <= max_km
    counts = near & ~rows[["network", "station"]].where(near).duplicated()
    rest = rows[~counts]
    known = rest["note_codes"].fillna("") if "note_codes" in rest else [""] * len(rest)
    notes = [
        cells("note", [*unpacked(codes), _why(km, max_km)])
        for codes, km in zip(known, rest["distance_km"], strict=True)
    ]
    made = pd.DataFrame(notes, rest.index, columns=["note", "note_codes"])
    return rows[counts].reset_index(drop=True), rest.assign(**made)


def _why(distance_km: float, max_km: float) -> Reason:
    """Why a polarity does not count."""
    if np.isnan(distance_km):
        return Reason.of(Code.NO_SITE)
    if distance_km > max_km:
        return Reason.of(Code.POLARITY_FAR, distance_km=round(distance_km), most_km=max_km)
    return Reason.of(Code.POLARITY_TWICE)


def _told(left_out: pd.DataFrame, max_km: float) -> list[Reason]:
    """What is said of polarities that do not count; nothing where there are none."""
    if left_out.empty:
        return []
    far, unplaced = left_out["distance_km"] > max_km, left_out["distance_km"].isna()
    counts = {
        Code.POLARITIES_FAR: int(far.sum()),
        Code.POLARITIES_UNPLACED: int(unplaced.sum()),
        Code.POLARITIES_TWICE: int((~far & ~unplaced).sum()),
    }
    return [Reason.of(code, count) for code, count in counts.items() if count]


def _solved(
    group: Sequence[PolarityEvent],
    placed: list[pd.DataFrame],
    polarities: pd.DataFrame,
    launch: Launch,
    rules: Rules,
    rng: np.random.Generator,
    notes: list[Reason],
) -> tuple[dict[str, Any], pd.DataFrame]:
    """A row of MECHANISMS, and the rows of POLARITIES that count."""
    first = group[0]
    row: dict[str, Any] = {"event_id": first.event_id, "time": first.time, "method": "grid search"}
    if len(group) > 1:
        row["composite_of"] = " ".join(event.own_id or event.event_id for event in group)
    number = int((polarities["polarity"] != 0).sum()) if len(polarities) else 0
    row["polarities"] = number
    seen = None
    refusals = [reason for event in group if (reason := launch.refusal(event))]
    if len(polarities) and not refusals:
        parts = [
            _rays(event, own, launch, rules, rng)
            for event, own in zip(group, placed, strict=True)
            if len(own)
        ]
        seen = _together(parts)
    table = _table(first.event_id, polarities, seen)
    if refusals:
        return row | cells("note", [*refusals, *notes]), table
    if seen is None or number < rules.min_polarities:
        few = Reason.of(Code.FEW_POLARITIES, number, needed=rules.min_polarities)
        return row | cells("note", [few, *notes]), table
    row["ratios"] = int(seen.with_ratio.sum())
    azimuth_gap, takeoff_gap = quality.gaps(seen)
    row |= {"azimuth_gap_deg": azimuth_gap, "takeoff_gap_deg": takeoff_gap}
    wide = _too_wide(azimuth_gap, rules.max_azimuth_gap_deg, Code.AZIMUTH_GAP)
    wide += _too_wide(takeoff_gap, rules.max_takeoff_gap_deg, Code.TAKEOFF_GAP)
    if wide:
        return row | cells("note", [*wide, *notes]), table
    solution = search.solved(seen)
    if search.one_sided(seen, solution):
        return row | cells("note", [Reason.of(Code.ONE_SIDED), *notes]), table
    fit = quality.fit_of(seen, solution)
    letter = quality.letter(solution, fit)
    row["quality_class"] = letter
    if letter > rules.worst_quality:
        poor = Reason.of(Code.POOR_MECHANISM, quality=letter, worst=rules.worst_quality)
        return row | cells("note", [poor, *notes]), table
    table["radiation"] = quality.radiation(seen, solution)
    agrees = np.sign(table["radiation"]) == seen.polarity
    table["agrees"] = agrees.astype(object).where(seen.polarity != 0, None)
    return row | _mechanism(solution, fit) | cells("note", notes), table


def _table(event_id: str, polarities: pd.DataFrame, seen: search.Rays | None) -> pd.DataFrame:
    """Rows of POLARITIES."""
    table = polarities.assign(event_id=event_id, agrees=None)
    if seen is not None:
        table = table.assign(azimuth_deg=seen.azimuth[0], takeoff_deg=seen.takeoff[0])
    return table


def _together(parts: list[search.Rays]) -> search.Rays:
    """The rays of several events as those of one."""
    told = [part.impulsive for part in parts if part.impulsive is not None]
    return search.Rays(
        np.concatenate([part.azimuth for part in parts], axis=1),
        np.concatenate([part.takeoff for part in parts], axis=1),
        np.concatenate([part.polarity for part in parts]),
        np.concatenate([part.weight for part in parts]),
        np.concatenate(told) if len(told) == len(parts) else None,
        _ratios_of(parts),
    )


def _ratios_of(parts: list[search.Rays]) -> np.ndarray | None:
    """Ratios of all events; None where none has any."""
    if not any(part.with_ratio.any() for part in parts):
        return None
    empty = [np.full(len(part.polarity), np.nan) for part in parts]
    pairs = zip(parts, empty, strict=True)
    return np.concatenate([none if part.ratios is None else part.ratios for part, none in pairs])


def _too_wide(gap: float, most: float, code: Code) -> list[Reason]:
    return [Reason.of(code, gap_deg=round(gap), most_deg=most)] if gap > most else []


def _mechanism(solution: search.Solution, fit: quality.Fit) -> dict[str, Any]:
    """Columns of a mechanism."""
    row: dict[str, Any] = {
        "plane_1_sigma_deg": solution.sigmas_deg[0],
        "plane_2_sigma_deg": solution.sigmas_deg[1],
        "probability": solution.probability,
        "misfit": fit.misfit,
        "ratio_misfit": fit.ratio_misfit,
        "station_ratio": fit.ratio,
    }
    for number, angles in enumerate(rotations.planes(solution.frame), start=1):
        names = (f"strike_{number}_deg", f"dip_{number}_deg", f"rake_{number}_deg")
        row |= dict(zip(names, angles, strict=True))
    return row


def _rays(
    event: PolarityEvent,
    polarities: pd.DataFrame,
    launch: Launch,
    rules: Rules,
    rng: np.random.Generator,
) -> search.Rays:
    azimuth, takeoff = launch.rays(event, polarities, rules.trials, rng)
    impulsive = polarities["impulsive"].to_numpy(bool) if "impulsive" in polarities else None
    polarity = polarities["polarity"].to_numpy()
    weight = polarities["weight"].fillna(0.0).to_numpy(float)
    known = polarities["log_ratio"].to_numpy(float) if "log_ratio" in polarities else None
    return search.Rays(azimuth, takeoff, polarity, weight, impulsive, known)

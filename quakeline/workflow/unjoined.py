"""Why picks join no event: how many of them come together, and which rule of association they miss.

Picks that belong to no event are put into groups: a group begins with a pick and lasts as long as S
takes through the network of the stations with picks. An event's picks are together for no longer,
so what a group lacks no event can have had there. The associator itself works otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from quakeline.core.geometry import LocalFrame
from quakeline.core.timeline import SECOND
from quakeline.io.products import provenance

#: Less than this share of picks in events is told.
FEW = 0.5
#: Speed of S in km/s that the length of groups assumes, slow for a crust; and the shortest group.
_S_KM_S, _LEAST_S = 3.0, 2.0
_RULES = {
    "min_picks": "picks",
    "min_p_picks": "P picks",
    "min_s_picks": "S picks",
    "min_p_and_s": "stations with both P and S",
}


def rules_of(associations: Path) -> dict[str, Any]:
    """The settings of association of a run, with what `auto` became; empty where nobody says."""
    record = provenance.read(associations)
    chosen = record.get("chosen", {})
    return {
        name: chosen.get(f"associate.{name}", value)
        for name, value in record.get("config", {}).items()
    }


def sentences(
    picks: pd.DataFrame, stations: pd.DataFrame, rules: Mapping[str, Any]
) -> Iterator[str]:
    """What the picks (PICKS) that join no event have and lack, with the settings that decide.

    Nothing where most picks are in events, or where fewer than two stations (STATIONS) have picks.
    """
    alone = picks[picks["event_id"].isna() & picks["phase"].isin(["P", "S"])]
    places = stations.drop_duplicates(["network", "station"])
    places = places.merge(picks[["network", "station"]].drop_duplicates())
    if len(alone) <= FEW * len(picks) or len(places) < 2 or not set(_RULES) <= set(rules):
        return
    xy = np.column_stack(_local(places))
    between = np.hypot(*(xy[:, None] - xy[None, :]).transpose(2, 0, 1))
    seconds = max(float(between.max()) / _S_KM_S, _LEAST_S)
    groups = grouped(alone, seconds)
    yield (
        f"{len(alone)} of {len(picks)} picks join no event. They form {len(groups)} groups of at"
        f" most {seconds:.0f} s, which S takes through the {len(places)} stations with picks:"
        f" {_by_rule(groups, rules)}."
    )
    yield from _advice(groups, rules)
    reach = rules.get("max_distance_km")
    if isinstance(reach, int | float) and np.isfinite(reach):
        near = float(np.median((between <= reach).sum(axis=1)))
        if 2 * near < rules["min_picks"]:
            yield (
                f"Within associate.max_distance_km ({reach:g}) of a station lie {near:.0f} stations"
                " with picks, itself among them: too few for an event; make it larger."
            )


def grouped(picks: pd.DataFrame, seconds: float) -> pd.DataFrame:
    """Groups of picks, by what rules of association count.

    Returns
    -------
    A row for each group with the numbers `min_picks` (of stations and phases), `min_p_picks`,
    `min_s_picks` and `min_p_and_s` (stations with both).
    """
    own = picks["time"].dt.as_unit("ns").astype("int64").to_numpy()
    times = np.sort(own)
    first, starts = 0, []
    while first < len(times):
        starts.append(times[first])
        first = int(np.searchsorted(times, times[first] + round(seconds * SECOND), side="right"))
    table = pd.DataFrame(
        {
            "group": np.searchsorted(np.array(starts, dtype=np.int64), own, side="right"),
            "station": (picks["network"] + "." + picks["station"]).to_numpy(),
            "phase": picks["phase"].to_numpy(),
        }
    ).drop_duplicates()
    p, s = (table[table["phase"] == phase].groupby("group").size() for phase in ("P", "S"))
    both = table.groupby(["group", "station"]).size().eq(2).groupby("group").sum()
    columns = {"min_picks": table.groupby("group").size(), "min_p_picks": p, "min_s_picks": s}
    return pd.DataFrame({**columns, "min_p_and_s": both}).fillna(0).astype(int)


def _by_rule(groups: pd.DataFrame, rules: Mapping[str, Any]) -> str:
    """How many groups miss each rule, each group counted at the first one that it misses."""
    left, said = groups, []
    for name, words in _RULES.items():
        few = left[name] < rules[name]
        if few.any():
            said.append(f"{int(few.sum())} have fewer than {rules[name]} {words} ({name})")
        left = left[~few]
    if len(left):
        said.append(
            f"{len(left)} have enough, but no common origin within tolerance_s"
            f" ({_number(rules.get('tolerance_s'))}), or too little against chance (min_log_odds)"
        )
    return "; ".join(said)


def _advice(groups: pd.DataFrame, rules: Mapping[str, Any]) -> Iterator[str]:
    """Which setting would change most."""
    enough = np.logical_and.reduce([groups[name] >= rules[name] for name in _RULES])
    largest = int(groups["min_picks"].max())
    if not enough.any():
        yield (
            f"The largest group has {largest} picks: no setting but associate.min_picks, or more"
            " picks (pick.thresholds), makes events of these."
        )
    elif enough.sum() > len(groups) / 2:
        yield (
            "Most groups have the picks that an event needs: look at the velocity model, at the"
            " coordinates and clocks of the stations, then at associate.tolerance_s."
        )


def _local(places: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    north, east = (places[name].to_numpy(dtype=float) for name in ("latitude", "longitude"))
    return LocalFrame.around(north, east).to_xy(north, east)


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)

"""A few settings of association side by side on the same picks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from quakeline.association.associate import associate
from quakeline.association.network import Finder
from quakeline.association.rules import Search
from quakeline.sites import Sites
from quakeline.velocity import Model


@dataclass(frozen=True)
class Trial:
    """What a setting gave: events, picks in them, median RMS in s, share of picks in no event.

    `chance` is the number of events that the same picks gave with the times of each station shifted
    at random: events of nothing.
    """

    name: str
    events: int
    picks: int
    rms_s: float
    isolated: float
    chance: int


def variants(search: Search) -> dict[str, Search]:
    """The setting given and its neighbours, by name."""
    fewer = max(search.min_p_picks + search.min_s_picks, 2 * search.min_p_and_s, 3)
    found = {"as suggested or given": search}
    for factor in (0.6, 1.6):
        value = round(search.tolerance_s * factor, 2)
        found[f"tolerance_s {value:g}"] = replace(search, tolerance_s=value)
    for change in (-2, 2, 4):
        value = max(search.min_picks + change, fewer)
        if value != search.min_picks:
            found[f"min_picks {value:g}"] = replace(search, min_picks=value)
    value = round(search.node_km * 2, 1)
    found[f"node_km {value:g}"] = replace(search, node_km=value)
    return found


def trials(
    picks: pd.DataFrame,
    sites: Sites,
    model: Model,
    searches: dict[str, Search],
    threads: int,
    finder: Finder,
) -> Iterator[Trial]:
    """Associate the same picks (PICKS) with each setting; `finder` as in `associate`."""
    shifted = _shifted(picks)
    for name, search in searches.items():
        _, arrivals = associate(picks, sites, model, search, threads, finder=finder)
        false, _ = associate(shifted, sites, model, search, threads, finder=finder)
        rms = arrivals.groupby("event_id")["residual_s"].agg(lambda r: np.sqrt(np.mean(r**2)))
        yield Trial(
            name,
            len(rms),
            len(arrivals),
            float(rms.median()) if len(rms) else float("nan"),
            1 - len(arrivals) / max(len(picks), 1),
            len(false),
        )


def _shifted(picks: pd.DataFrame) -> pd.DataFrame:
    """Picks with the times of each station moved by minutes, around the span of all picks."""
    if picks.empty:
        return picks
    rng = np.random.default_rng(0)
    codes = picks["network"] + "." + picks["station"]
    names = sorted(codes.unique())
    start = picks["time"].min()
    span_s = max((picks["time"].max() - start).total_seconds(), 1.0)
    delays = pd.Series(rng.uniform(120, max(span_s, 240), len(names)), index=names)
    seconds = (picks["time"] - start).dt.total_seconds() + codes.map(delays)
    times = start + pd.to_timedelta(seconds % span_s, unit="s")
    return picks.assign(time=times.astype("datetime64[ns, UTC]"))

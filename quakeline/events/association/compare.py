"""A few settings of association side by side on the same picks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import gammaincinv

from quakeline.earth.sites import Sites
from quakeline.earth.velocity import Model
from quakeline.events.association.associate import associate
from quakeline.events.association.blocks import Known
from quakeline.events.association.grid import Grid, depends_on
from quakeline.events.association.network import Finder
from quakeline.events.association.rules import Search

#: The times of a station are moved by this many seconds at most.
_SHIFT_S = 300.0


@dataclass(frozen=True)
class Trial:
    """What a setting gave: events, picks in them, median RMS in s, share of picks in no event.

    The RMS is of residuals at the origins of association; `rms_s` of a catalog is of located
    events, whose station terms make it smaller.

    `chance` is the number of events that the same picks gave with the times of each station shifted
    at random: events of nothing. `days` is how long the picks last.
    """

    name: str
    events: int
    picks: int
    rms_s: float
    isolated: float
    chance: int
    days: float

    @property
    def false_per_day(self) -> tuple[float, float, float]:
        """False events per day: how many were seen, and the ends of what 95 % of such tests hold.

        Source of the interval: Garwood, F. (1936), Fiducial limits for the Poisson distribution,
        Biometrika 28, 437-442.
        """
        low = gammaincinv(self.chance, 0.025) if self.chance else 0.0
        high = gammaincinv(self.chance + 1, 0.975)
        return self.chance / self.days, float(low) / self.days, float(high) / self.days


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
    for odds in (search.min_log_odds - 3, search.min_log_odds + 3):
        found[f"min_log_odds {odds:g}"] = replace(search, min_log_odds=odds)
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
    """Associate the same picks (PICKS) with each setting; `finder` as in `associate`.

    Travel times, and the search of blocks for which settings do not differ, are shared. What blocks
    gave is held while a later setting asks for it.
    """
    shifted = _shifted(picks)
    span = picks["time"].max() - picks["time"].min() if len(picks) else pd.Timedelta(0)
    days = max(span, pd.Timedelta("1s")) / pd.Timedelta("1D")
    grids: dict[Search, Grid] = {}
    real, moved = Known(), Known()
    for number, (name, search) in enumerate(searches.items()):
        _, arrivals = associate(
            picks, sites, model, search, threads, finder=finder, grids=grids, known=real
        )
        false, _ = associate(
            shifted, sites, model, search, threads, finder=finder, grids=grids, known=moved
        )
        later = list(searches.values())[number + 1 :]
        needed = {depends_on(step) for other in later for step in other.steps()}
        for blocks in (real, moved):
            blocks.forget(needed)
        rms = arrivals.groupby("event_id")["residual_s"].agg(lambda r: np.sqrt(np.mean(r**2)))
        yield Trial(
            name,
            len(rms),
            len(arrivals),
            float(rms.median()) if len(rms) else float("nan"),
            1 - len(arrivals) / max(len(picks), 1),
            len(false),
            days,
        )


def _shifted(picks: pd.DataFrame) -> pd.DataFrame:
    """Picks with the times of each station moved by one random amount of up to five minutes.

    Rates of picks that change slowly, as in a sequence, so stay what they are.
    """
    codes = picks["network"] + "." + picks["station"]
    names = sorted(codes.unique())
    moves = np.random.default_rng(0).uniform(-_SHIFT_S, _SHIFT_S, len(names))
    delays = codes.map(pd.Series(moves, index=names)).to_numpy(dtype=float)
    times = picks["time"] + pd.to_timedelta(delays, unit="s")
    return picks.assign(time=times.astype("datetime64[ns, UTC]"))

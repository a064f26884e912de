"""Differences of arrival times of neighbouring events at the same station."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

_CODES = ["network", "station", "location", "phase"]
#: Standard deviation of a difference from waveforms, in s.
_CORRELATED_S = 0.003
#: Fewest differences of a pair of events, and of these from waveforms; as ph2dt and hypoDD have it.
_LEAST, _LEAST_CORRELATED = 8, 4


@dataclass(frozen=True)
class Links:
    """Pairs of arrivals of two events, all of shape (k,).

    `one` and `other` are rows of the arrivals; `shift_s` is what waveforms say of the difference
    beyond that of the picks; `sigma_s` its standard deviation; `correlated` says which are from
    waveforms; `apart_km` is the distance of the hypocentres.
    """

    one: np.ndarray
    other: np.ndarray
    shift_s: np.ndarray
    sigma_s: np.ndarray
    correlated: np.ndarray
    apart_km: np.ndarray


def _ordered(waves: pd.DataFrame, event: np.ndarray) -> pd.DataFrame:
    """Differences from waveforms of two events, that of the smaller number first."""
    rows = waves[["row", "row_2"]].to_numpy(dtype=np.int64)
    one, other = event[rows].T
    turned = one > other
    rows[turned] = rows[turned][:, ::-1]
    made = pd.DataFrame(
        {
            "row": rows[:, 0],
            "row_2": rows[:, 1],
            "shift_s": np.where(turned, -1.0, 1.0) * waves["shift_s"].to_numpy(dtype=float),
            "apart_km": waves["apart_km"].to_numpy(dtype=float),
            "sigma": _CORRELATED_S,
            "correlated": True,
        }
    )
    return pd.DataFrame(made.loc[one != other])


def links_of(arrivals: pd.DataFrame, close: pd.DataFrame, differentials: pd.DataFrame) -> Links:
    """Differences from waveforms, and from picks where there are none of waveforms.

    Pairs of events with fewer than eight count nothing, unless four are from waveforms.

    Parameters
    ----------
    arrivals
        Rows 0, 1, ...: event (its number), pick_id, sigma_s and the codes of the picks.
    close
        Pairs of events: first, second, apart_km.
    differentials
        DIFFERENTIALS, perhaps empty.
    """
    keyed = arrivals[["event", "pick_id", "sigma_s", *_CODES]].reset_index(names="row")
    slot = keyed.groupby(_CODES, sort=False).ngroup()
    short = keyed[["event", "row", "sigma_s"]].assign(slot=slot)
    picked = close.merge(short, left_on="first", right_on="event").merge(
        short, left_on=["second", "slot"], right_on=["event", "slot"], suffixes=("", "_2")
    )
    waves = differentials
    for side, name in (("pick_id_1", "row"), ("pick_id_2", "row_2")):
        own = keyed[["pick_id", "row"]].rename(columns={"pick_id": side, "row": name})
        waves = waves.merge(own, on=side)
    both = pd.concat(
        [
            _ordered(waves, arrivals["event"].to_numpy()),
            picked[["row", "row_2", "apart_km"]].assign(
                shift_s=0.0,
                sigma=np.hypot(picked["sigma_s"], picked["sigma_s_2"]),
                correlated=False,
            ),
        ],
        ignore_index=True,
    ).drop_duplicates(["row", "row_2"])
    event = arrivals["event"].to_numpy()
    pair = both.groupby([event[both["row"]], event[both["row_2"]]])["correlated"]
    both = both[(pair.transform("size") >= _LEAST) | (pair.transform("sum") >= _LEAST_CORRELATED)]
    return Links(
        one=both["row"].to_numpy(dtype=np.int64),
        other=both["row_2"].to_numpy(dtype=np.int64),
        shift_s=both["shift_s"].to_numpy(dtype=float),
        sigma_s=both["sigma"].to_numpy(dtype=float),
        correlated=both["correlated"].to_numpy(dtype=bool),
        apart_km=both["apart_km"].to_numpy(dtype=float),
    )

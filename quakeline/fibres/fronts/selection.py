"""Coherent picks of a fibre that go into the association: one for each stretch of a front."""

from __future__ import annotations

import numpy as np
import pandas as pd

from quakeline.core.schemas import FIBRE_PICKS, PICKS
from quakeline.core.timeline import SECOND, Span, iso
from quakeline.fibres.fronts.coherence import clean
from quakeline.fibres.fronts.settings import FrontSettings
from quakeline.io.products import tables

#: The median absolute deviation of normal errors, times this, is their standard deviation.
_MAD = 1.4826
#: Of fronts of one phase that come to a place within this time, s, the first is associated ...
_APART_S = 3.0
#: ... unless a later one has more than so many times its picks.
_LARGER = 3


def cleaned(
    onsets: pd.DataFrame, live: np.ndarray, rules: FrontSettings, span: Span
) -> pd.DataFrame:
    """All picks of a fibre in a chunk (FIBRE_PICKS) from its ONSETS.

    `live` are indices of the channels that could have picks, sorted. Fronts are found beyond the
    ends of the chunk, of the picks only those inside are given.
    """
    if onsets.empty:
        return tables.empty(FIBRE_PICKS)
    times = onsets["time"].astype("int64").to_numpy()
    zero = int(times.min())
    found = clean(onsets.assign(seconds=(times - zero) / SECOND), live, rules)
    found["front_phase"] = found["front_phase"].where(found["front"] >= 0, None)
    found["selected"] = _thinned(found, rules.associate_every_m)
    inside = (times >= span.start_ns) & (times < span.end_ns)
    found = found[inside].sort_values(["time", "channel_index", "phase"], ignore_index=True)
    found["pick_id"] = _ids(found, "phase")
    return found[FIBRE_PICKS.names]


def _thinned(found: pd.DataFrame, every_m: float) -> np.ndarray:
    """The best pick of each front in every stretch of the fibre: near its line, well supported."""
    chosen = np.zeros(len(found), bool)
    members = found.reset_index(drop=True)
    members = members[members["front"] >= 0]
    if members.empty:
        return chosen
    if every_m > 0:
        stretch = np.floor(members["distance_m"] / every_m).astype(int)
    else:
        stretch = members["channel_index"]
    order = members.assign(
        stretch=stretch,
        agrees=members["phase"] == members["front_phase"],
        off=members["residual_s"].abs(),
    ).sort_values(
        ["front", "stretch", "agrees", "support", "off"],
        ascending=[True, True, False, False, True],
    )
    best = order.drop_duplicates(["front", "stretch"])
    chosen[_first_of_its_kind(best, members["front"].value_counts())] = True
    return chosen


def _first_of_its_kind(best: pd.DataFrame, sizes: pd.Series) -> list[int]:
    """Rows whose front is the first of its phase on its stretch of the fibre for a while.

    A front that follows within `_APART_S` is coda, unless it is so much larger that the first one
    is none.
    """
    kept: dict[tuple[str, int], list[tuple[float, int, int]]] = {}
    ranked = best.assign(size=best["front"].map(sizes)).sort_values(["seconds", "front"])
    columns = (ranked[name].tolist() for name in ("front_phase", "stretch", "seconds", "size"))
    for index, phase, stretch, seconds, size in zip(ranked.index.tolist(), *columns, strict=True):
        own = kept.setdefault((phase, stretch), [])
        if own and seconds - own[-1][0] <= _APART_S:
            if size <= _LARGER * own[-1][1]:
                continue
            own.pop()
        own.append((seconds, size, index))
    return [index for own in kept.values() for _, _, index in own]


def for_association(picks: pd.DataFrame) -> pd.DataFrame:
    """The selected picks as PICKS; their uncertainty is the scatter of their front."""
    chosen = picks[picks["selected"]]
    if chosen.empty:
        return tables.empty(PICKS)
    members = picks[picks["front"] >= 0]
    scatter = _MAD * members["residual_s"].abs().groupby(members["front"]).median()
    station = [f"{n:05d}" for n in chosen["channel_index"]]
    return pd.DataFrame(
        {
            "pick_id": _ids(chosen, "front_phase"),
            "source": "das",
            "network": chosen["fibre"].to_numpy(),
            "station": station,
            "location": "",
            "instrument": "",
            "fibre": chosen["fibre"].to_numpy(),
            "channel_index": chosen["channel_index"].to_numpy(),
            "distance_m": chosen["distance_m"].to_numpy(),
            "phase": chosen["front_phase"].to_numpy(),
            "time": chosen["time"].to_numpy(),
            "time_sigma_s": chosen["front"].map(scatter).to_numpy(),
            "probability": chosen["probability"].to_numpy(),
            "model": chosen["model"].to_numpy(),
            "weights_id": chosen["weights_id"].to_numpy(),
        }
    ).assign(time=lambda frame: pd.to_datetime(frame["time"], utc=True))


def _ids(picks: pd.DataFrame, phase: str) -> list[str]:
    """Ids of picks from fibre, channel, phase and time."""
    times = picks["time"].astype("int64").tolist()
    columns = (picks[name].tolist() for name in ("fibre", "channel_index", phase))
    return [
        f"{fibre}.{channel:05d}/{name}/{iso(time)}"
        for fibre, channel, name, time in zip(*columns, times, strict=True)
    ]

"""Stations whose polarities disagree with the mechanisms of most events: turned, or mixed up."""

from __future__ import annotations

import pandas as pd
from scipy.stats import binom

#: Mechanisms below this quality tell nothing of a station.
_GOOD = ("A", "B")
#: Rays of smaller amplitudes are near a nodal plane, where any polarity may be right.
_CLEAR = 0.25
#: Polarities of a station that is right are wrong as often as this, at most.
_WRONG = 0.2
#: A station is named where chance would make so many wrong this seldom.
_CHANCE = 0.001


def suspects(mechanisms: pd.DataFrame, polarities: pd.DataFrame) -> pd.DataFrame:
    """Stations that disagree too often to be chance, the worst first.

    Parameters
    ----------
    mechanisms, polarities
        Tables MECHANISMS and POLARITIES; only good mechanisms count, known polarities (not ratios
        alone), and rays away from their nodal planes.

    Returns
    -------
    network, station, n, the polarities that count, and `disagree` of these.
    """
    good = mechanisms.loc[mechanisms["quality_class"].isin(_GOOD), "event_id"]
    clear = polarities["event_id"].isin(good) & (polarities["radiation"].abs() >= _CLEAR)
    known = polarities[clear & polarities["agrees"].notna()]
    wrong = known.assign(disagree=~known["agrees"].astype(bool))
    table = wrong.groupby(["network", "station"])["disagree"].agg(["size", "sum"]).reset_index()
    table.columns = pd.Index(["network", "station", "n", "disagree"])
    chance = binom.sf(table["disagree"].to_numpy() - 1, table["n"].to_numpy(), _WRONG)
    most = 2 * table["disagree"] > table["n"]
    found = table[most & (chance < _CHANCE)]
    return pd.DataFrame(found.sort_values("disagree", ascending=False, ignore_index=True))

"""The error of a pick that a location used, which is the one that every format writes."""

from __future__ import annotations

import math

import pandas as pd

from quakeline.io.formats.channel_codes import Row


def used_error_s(arrival: Row, pick: Row) -> float | None:
    """Standard deviation in s of a pick, of a row of ARRIVALS and one of PICKS.

    It is the error that the location gave the pick (`pick_sigma_s`). Where a catalog does not tell
    it, as those of before version 3 of ARRIVALS, it is what the pick states, and None where the
    pick states none: no error is made up.
    """
    told = arrival.get("pick_sigma_s"), pick["time_sigma_s"]
    known = (float(value) for value in told if pd.notna(value))
    return next((value for value in known if math.isfinite(value)), None)

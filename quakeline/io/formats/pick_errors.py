"""Errors of picks in tables of anybody: seconds, and above zero."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd

from quakeline.core.errors import DataError

logger = logging.getLogger("quakeline")

#: Errors of picks are below this in s, unless they are in other units.
_LARGE_S = 5.0


def require_errors(sigma_s: pd.Series, path: Path | str) -> None:
    """Refuse errors that are negative; say in the log where most are too large for seconds.

    Parameters
    ----------
    sigma_s
        Standard errors as given, in s; NaN where there is none.
    path
        What messages call the table.

    Raises
    ------
    DataError
        An error is negative.
    """
    known = sigma_s.dropna()
    bad = known[known < 0]
    if len(bad):
        raise DataError(
            f"picks {path}, row {bad.index[0]}: the error is {bad.iloc[0]:g} s; allowed: 0 or more,"
            " or nothing"
        )
    if len(known) and known.median() > _LARGE_S:
        logger.warning(
            "picks %s: their errors are %g s in the middle: are they milliseconds? Seconds are"
            " needed: then divide them by 1000",
            *(path, known.median()),
        )

"""Probabilities of picks in tables of anybody: shares, or percent that says so."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from quakeline.core.errors import DataError

logger = logging.getLogger("quakeline")

#: What a probability may be above 1 by rounding, e.g. in 16-bit floats.
_ROUNDING = 1e-3
#: Percent that do not say so have one as large as this.
_LEAST_PERCENT = 10.0
#: A column of percent by its name.
_PERCENT = r"(?:probability|prob|score|phase_score|confidence)[_ (\[]*(?:percent|pct|%)[)\]]?"


def percent_column(columns: Iterable[str]) -> str | None:
    """The column whose name says that it holds probabilities in percent, if there is one."""
    found = pd.Series([str(name) for name in columns], dtype=object)
    matching = found[found.str.fullmatch(_PERCENT)]
    return None if matching.empty else str(matching.iloc[0])


def as_shares(numbers: pd.Series, path: Path | str, *, percent: bool = False) -> pd.Series:
    """Probabilities from 0 to 1, whichever of the two a table has.

    A table is in percent where its column says so, or where all its values are from 1 to 100 and
    one is 10 or more; the log says that they were divided by 100.

    Parameters
    ----------
    numbers
        Probabilities as given; NaN where there is none.
    path
        What messages call the table.
    percent
        Whether the table says that it holds percent.

    Raises
    ------
    DataError
        A value is neither: negative, above 100, or above 1 among others below 1.
    """
    known = numbers.dropna()
    likely = bool(len(known)) and known.max() >= _LEAST_PERCENT and known.min() >= 1
    if (percent or likely) and known.between(0, 100).all():
        logger.warning(
            "picks %s: probabilities from %g to %g are read as percent and divided by 100",
            *(path, known.min(), known.max()),
        )
        return numbers / 100
    bad = known[~known.between(0, 1 + _ROUNDING)]
    if len(bad):
        hint = "; percent are known where all are from 1 to 100" if bad.iloc[0] > 1 else ""
        raise DataError(
            f"picks {path}, row {bad.index[0]}: probability is {bad.iloc[0]:g}; allowed: a number"
            f" from 0 to 1{hint}"
        )
    return numbers.clip(upper=1.0)

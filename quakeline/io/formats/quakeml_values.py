"""Values of tables as those of QuakeML: numbers, times and texts that its schema takes."""

from __future__ import annotations

import math
import re
from typing import Any

import obspy.core.event as qml
import pandas as pd
from obspy import UTCDateTime

#: Percent within one standard deviation of a normal distribution.
_ONE_SIGMA = 68.3
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def present(value: Any) -> Any:
    """Return the value, or None for None, NaN, NaT and NA."""
    return None if value is None or pd.isna(value) else value


def number(value: Any) -> float | None:
    """Keep the seven digits that a 32-bit float holds; None where there is no number."""
    value = present(value)
    return float(f"{value:.7g}") if value is not None and math.isfinite(value) else None


def count(value: Any) -> int | None:
    """A whole number; None where there is none."""
    value = present(value)
    return None if value is None else int(value)


def scaled(value: float | None, factor: float) -> float | None:
    """A number in other units; None where there is none."""
    return None if value is None else number(value * factor)


def error(sigma: float | None) -> qml.QuantityError | None:
    """One standard deviation of a quantity; None where it is unknown."""
    if sigma is None:
        return None
    return qml.QuantityError(uncertainty=sigma, confidence_level=_ONE_SIGMA)


def nanoseconds(time: pd.Timestamp) -> int:
    """Nanoseconds since 1970."""
    return int(time.as_unit("ns").value)


def time(time: pd.Timestamp) -> UTCDateTime:
    """A time of QuakeML, rounded to whole microseconds."""
    return UTCDateTime(ns=(nanoseconds(time) + 500) // 1000 * 1000)


def text(value: str) -> str:
    """Replace the characters that XML cannot hold."""
    return _NOT_IN_XML.sub("?", value)

"""Rows as lines of JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from quakeline.core.timeline import iso


def line_of(row: Mapping[str, Any]) -> str:
    """A row as a line of JSON, without its end.

    Times become ISO 8601 (UTC, to the microsecond), what is no number null, arrays lists.
    """
    return json.dumps(plain(row), ensure_ascii=False, allow_nan=False)


def time_ns(value: Any) -> int:
    """Nanoseconds since 1970 of a time of NumPy, pandas or datetime, or of text in ISO 8601 (UTC).

    Integers are such already. Raises TypeError for anything else, and for a time that is missing.
    """
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, str):
        try:
            value = np.datetime64(value.removesuffix("Z").removesuffix("+00:00"), "ns")
        except ValueError as error:
            raise TypeError(f"no time: {value!r}") from error
    if not isinstance(value, np.datetime64) and not hasattr(value, "isoformat"):
        raise TypeError(f"no time: {value!r}")
    at = np.datetime64(getattr(value, "asm8", None) or _naive(value), "ns")
    if np.isnat(at):
        raise TypeError("no time: NaT")
    return int(at.astype(np.int64))


def _naive(value: Any) -> Any:
    """A datetime in UTC without its time zone, as NumPy takes it."""
    zone = getattr(value, "tzinfo", None)
    return (value - value.utcoffset()).replace(tzinfo=None) if zone is not None else value


def plain(value: Any) -> Any:
    """A value as JSON has it: see `line_of`."""
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | np.ndarray):
        return [plain(one) for one in value]
    if isinstance(value, np.datetime64) or hasattr(value, "isoformat"):
        try:
            return iso(time_ns(value), 6)
        except TypeError:
            return None
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return None if str(value) in ("<NA>", "NaT") else str(value)

"""Numbers and times as the page writes them; empty values become a dash."""

from __future__ import annotations

import math
import re
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from quakeline.core.timeline import iso

NOTHING = "–"
_MINUS = "−"
_DOI = re.compile(
    r"(?:https?://(?:dx\.)?doi\.org/|doi:\s*)?(10\.\d{4,9}/[^\s\"<>,;]*[^\s\"<>,;.)\]])"
)
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: Any, digits: int = 2) -> str:
    """Fixed decimals with a true minus sign."""
    if value is None or pd.isna(value):
        return NOTHING
    text = f"{float(value):.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", _MINUS)


def signed(value: Any, digits: int = 2) -> str:
    """Fixed decimals, always with a sign but for zero."""
    text = number(value, digits)
    plain = text == NOTHING or text.startswith(_MINUS) or float(text) == 0
    return text if plain else f"+{text}"


def short(value: float) -> str:
    """Three significant digits: 0.0123, 4.57, 1.23×10⁵."""
    if not math.isfinite(value):
        return NOTHING
    if value == 0 or 1e-2 <= abs(value) < 1e4:
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa}×10{str(int(exponent)).translate(_RAISED)}"


def latitude(degrees: float) -> str:
    """Degrees north or south."""
    return f"{abs(degrees):.4f}° {'S' if degrees < 0 else 'N'}"


def longitude(degrees: float) -> str:
    """Degrees east or west."""
    return f"{abs(degrees):.4f}° {'W' if degrees < 0 else 'E'}"


def utc(time_ns: int, digits: int = 2) -> str:
    """Date and time, UTC, without the letters of ISO 8601."""
    return iso(time_ns, digits).replace("T", " ").rstrip("Z")


def clock(time_ns: int, digits: int = 2) -> str:
    """Time of day, UTC."""
    return utc(time_ns, digits).split(" ")[1]


def duration(seconds: float) -> str:
    """A length of time in the units that fit: 0.42 s, 3 min 50 s, 2 h 5 min, 3 d 4 h."""
    if seconds < 59.5:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"
    parts: list[str] = []
    rest = round(seconds)
    for name, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append(f"{count} {name}")
        if len(parts) == 2:
            break
    return " ".join(part for part in parts if not part.startswith("0 "))


def percent(share: float) -> str:
    """A share as percent; only a complete one reads 100 %."""
    value = 100 * share
    if share < 1 and round(value, 1) == 100.0:
        return "99.9 %"
    return f"{value:.0f} %" if value in (0, 100) else f"{value:.1f} %"


def selection(shown: int, total: int, done: str) -> str:
    """Say that only some events are drawn or listed; empty where all are."""
    if shown >= total:
        return ""
    most, is_done = ("the event", "is") if shown == 1 else (f"the {shown} events", "are")
    rest = count(total - shown, "other event")
    is_left = "is" if total - shown == 1 else "are"
    return f"Only {most} with the most arrivals {is_done} {done}; {rest} {is_left} left out."


def count(n: int, singular: str, plural: str | None = None) -> str:
    """A number with its noun: 1 event, 2 events."""
    return f"{n:,} {singular if n == 1 else plural or singular + 's'}"


def linked(text: str) -> Markup:
    """A text in which every DOI is a link to it; all else is escaped."""
    parts, last = [], 0
    for found in _DOI.finditer(text):
        parts.append(escape(text[last : found.start()]))
        link = '<a href="https://doi.org/{}">doi:{}</a>'
        parts.append(Markup(link).format(found[1], found[1]))
        last = found.end()
    return Markup("").join([*parts, escape(text[last:])])

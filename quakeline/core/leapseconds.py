"""Leap seconds: days of UTC that last 86,401 seconds.

A time in nanoseconds since 1970 has no room for 23:59:60. Records and files that begin after it
have right times of their own; within the one that holds it, what follows would be a second late.
"""

from __future__ import annotations

from datetime import UTC, datetime

from quakeline.core.timeline import to_ns

#: The days that began after a leap second. Source: IERS, Bulletin C 70 (2025), leap-seconds.list;
#: none was announced until the end of 2026.
_DAYS = (
    *("1972-07-01", "1973-01-01", "1974-01-01", "1975-01-01", "1976-01-01", "1977-01-01"),
    *("1978-01-01", "1979-01-01", "1980-01-01", "1981-07-01", "1982-07-01", "1983-07-01"),
    *("1985-07-01", "1988-01-01", "1990-01-01", "1991-01-01", "1992-07-01", "1993-07-01"),
    *("1994-07-01", "1996-01-01", "1997-07-01", "1999-01-01", "2006-01-01", "2009-01-01"),
    *("2012-07-01", "2015-07-01", "2017-01-01"),
)
#: Midnight after each leap second, ns since 1970.
AFTER = tuple(to_ns(datetime.fromisoformat(day).replace(tzinfo=UTC)) for day in _DAYS)


def within(first_ns: int, last_ns: int) -> list[int]:
    """Midnights after leap seconds with first_ns < midnight < last_ns."""
    return [after for after in AFTER if first_ns < after < last_ns]

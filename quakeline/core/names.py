"""Names that a person writes: capital letters do not matter, and a near one is proposed."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def same(given: str, known: Iterable[str]) -> str:
    """The known name that is meant whatever its capital letters; the given one where none is."""
    names = list(known)
    if given in names:
        return given
    alike = [name for name in names if name.casefold() == given.strip().casefold()]
    return alike[0] if len(alike) == 1 else given


def known(given: str, names: Iterable[str]) -> str:
    """The name that is meant; for values of sections. Raises ValueError that lists the names."""
    listed = list(names)
    name = same(given, listed)
    if name not in listed:
        raise ValueError(f"{proposal(given, listed)}allowed: {', '.join(listed)}")
    return name


def proposal(given: str, known: Iterable[str]) -> str:
    """Words that propose the nearest known name, to stand before a list; empty for none."""
    names = {name.casefold(): name for name in known}
    close = get_close_matches(given.casefold(), list(names), 1)
    return f"did you mean {names[close[0]]}? " if close else ""

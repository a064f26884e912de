"""Codes of networks, stations, locations and channels in one form, wherever they come from.

SEED (2.4, chapter 8) has capital letters and digits, and blanks for the empty location, which
Earthworm and web services write as `--`. Everything that reads codes brings them into this form,
so that waveforms, metadata, picks and settings find each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator

PARTS = ("network", "station", "location", "channel")
#: Codes from network to channel.
Codes = tuple[str, ...]


def bare(code: str | None) -> str:
    """A code without blanks and NULs around it; one of hyphens alone is empty."""
    text = (code or "").strip(" \t\r\n\0")
    return text if text.strip("-") else ""


def normal(code: str | None) -> str:
    """A bare code in capital letters.

    Digits stay as they are: "0" and "00" are different locations for whoever serves the data.
    """
    return bare(code).upper()


def bare_id(codes: str) -> str:
    """NET.STA.LOC.CHA, or the first parts of it, with each part as `bare` has it."""
    return ".".join(map(bare, codes.split(".")))


def normal_id(codes: str) -> str:
    """The same in capital letters."""
    return bare_id(codes).upper()


def spellings(patterns: Iterable[str]) -> list[str]:
    """Glob patterns of codes in names of files, with those of other spellings of the same codes."""
    found: list[str] = []
    for pattern in patterns:
        code = normal(pattern)
        found += [pattern, code] if code else ["", "--"]
    return list(dict.fromkeys(found))


def clash(codes: Iterable[str]) -> tuple[str, str] | None:
    """Two of several codes that differ by capital letters alone, if there are any."""
    known: dict[str, str] = {}
    for code in sorted(set(map(bare_id, codes))):
        other = known.setdefault(code.upper(), code)
        if other != code:
            return other, code
    return None


def nearest(codes: Codes, known: Iterable[Codes]) -> str:
    """What others have instead of a channel that they do not have; empty where nothing is near.

    Near are channels of the same station, else channels of these codes in another network.
    """
    network, station, location, channel = codes
    own = sorted({one for one in known if one[1] == station})
    same = [one for one in own if one[0] == network]
    places = [one[2] for one in same if one[3] == channel]
    if places:
        return f"location {_named(places)}, not {location or '(empty)'}"
    if same:
        return f"channels {_named(f'{one[2]}.{one[3]}' for one in same)}, not {location}.{channel}"
    networks = {one[0] for one in own if one[3] == channel}
    return f"network {_named(networks)}, not {network or '(empty)'}" if networks else ""


def _named(codes: Iterable[str]) -> str:
    """Some codes in order; what is left out is counted."""
    names = sorted(code or "(empty)" for code in set(codes))
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


#: A code, or pattern of codes, in the configuration.
Code = Annotated[str, AfterValidator(normal)]

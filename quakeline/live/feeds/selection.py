"""Which channels a feed asks for: patterns of codes, and how each protocol writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase, translate
from typing import Annotated

from pydantic import AfterValidator

_CODES = re.compile(r"[A-Z0-9?*]{1,8}\.[A-Z0-9?*]{1,8}\.([A-Z0-9?*]{0,8}|--)\.[A-Z0-9?*]{1,8}")
_ANY = "???"


@dataclass(frozen=True)
class Pattern:
    """The four codes of a pattern NET.STA.LOC.CHA; `*` and `?` stand for letters and digits.

    An empty location stands for channels without one, as `--` does.
    """

    network: str
    station: str
    location: str
    channel: str

    @classmethod
    def of(cls, text: str) -> Pattern:
        """Read a pattern that `require_pattern` has let pass."""
        network, station, location, channel = text.split(".")
        return cls(network, station, location.strip("-"), channel)

    @property
    def station_id(self) -> str:
        """NET_STA, as SeedLink names stations."""
        return f"{self.network}_{self.station}"

    @property
    def is_one_station(self) -> bool:
        """Whether it names a station, without wildcards."""
        return not set(self.station_id) & set("*?")

    @property
    def text(self) -> str:
        """NET.STA.LOC.CHA."""
        return f"{self.network}.{self.station}.{self.location}.{self.channel}"

    def matches(self, codes: str) -> bool:
        """Whether it holds for codes NET.STA.LOC.CHA."""
        return fnmatchcase(codes, self.text)

    def selector(self, any_location: bool = False) -> str:
        """The selector of SeedLink 4, LOC_B_S_SS, which has an equivalent in SeedLink 3.

        With `any_location` a pattern without location selects all: not all servers of SeedLink 3
        know how to ask for none.
        """
        band, source, subsource = list(_three(self.channel))
        location = self.location or ("*" if any_location else "")
        if not set(location) - {"*"}:
            location = location[:1]
        return f"{location}_{band}_{source}_{subsource}"

    def expression(self) -> str:
        """A regular expression of stream ids of DataLink, in the forms of ringserver 3 and 4."""
        parts = [_regular(one) for one in (self.network, self.station, self.location)]
        channel = "_?".join(_regular(one) for one in _three(self.channel))
        return f"^(FDSN:)?{'_'.join(parts)}_{channel}/MSEED3?$"


def require_pattern(text: str) -> str:
    """Return a pattern of codes. Raises ValueError for anything else."""
    if not _CODES.fullmatch(text):
        raise ValueError(
            f"{text!r} is no pattern of channels; allowed: NET.STA.LOC.CHA with * and ? as"
            " wildcards and an empty LOC where there is none, such as BW.UH?.*.EH? or BW.UH1..EHZ"
        )
    _three(text.rpartition(".")[2])
    return text


#: A pattern NET.STA.LOC.CHA of the configuration.
CodesPattern = Annotated[str, AfterValidator(require_pattern)]


def any_matches(patterns: list[Pattern], codes: str) -> bool:
    """Whether one of the patterns holds for codes NET.STA.LOC.CHA."""
    return any(one.matches(codes) for one in patterns)


def _three(channel: str) -> str:
    """A pattern of a channel code in three characters. Raises ValueError if there is none."""
    if "*" not in channel and len(channel) == len(_ANY):
        return channel
    before, star, after = channel.partition("*")
    free = len(_ANY) - len(before) - len(after)
    if not star or "*" in after or free < 0:
        raise ValueError(f"{channel!r}: a channel code has three characters")
    return before + "?" * free + after


def _regular(pattern: str) -> str:
    """A pattern as a regular expression that stays within one code."""
    inner = translate(pattern).removeprefix("(?s:").removesuffix(r")\Z")
    return inner.replace(".*", "[A-Z0-9]*").replace(".", "[A-Z0-9]")

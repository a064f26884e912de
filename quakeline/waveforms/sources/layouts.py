"""Names of the objects of archives in object stores: one object holds a channel or station-day.

Sources: https://scedc.caltech.edu/cloud/ (names with underscores for missing letters),
https://ncedc.org/db/cloud.html, and EarthScope's documentation of its buckets (one object for all
channels of a station, with a version behind # in some of them).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

FIELDS = ("net", "sta", "loc", "cha", "year", "doy", "month", "day", "version")
_FIELD = re.compile(r"\{(\w+)(?::_<(\d))?\}")


@dataclass(frozen=True)
class Layout:
    """A bucket and the template of its keys, with fields such as {net}; {sta:_<5} is padded."""

    bucket: str
    template: str
    region: str

    def prefix(self, network: str, station: str, day: datetime) -> str:
        """The beginning that the keys of a station and day have in common."""
        known = _known(network, station, day)
        for field in _FIELD.finditer(self.template):
            if field[1] not in known:
                return _filled(self.template[: field.start()], known)
        return _filled(self.template, known)

    def pattern(self, network: str, station: str, day: datetime) -> re.Pattern[str]:
        """What the keys of a station and day match, with the groups loc, cha and version."""
        known = _known(network, station, day)
        parts, place = [], 0
        for field in _FIELD.finditer(self.template):
            parts.append(re.escape(self.template[place : field.start()]))
            parts.append(_expression(field[1], field[2], known))
            place = field.end()
        return re.compile("".join([*parts, re.escape(self.template[place:])]))


LAYOUTS = {
    "scedc": Layout(
        "scedc-pds",
        "continuous_waveforms/{year}/{year}_{doy}/{net}{sta:_<5}{cha}{loc:_<3}{year}{doy}.ms",
        "us-west-2",
    ),
    "ncedc": Layout(
        "ncedc-pds",
        "continuous_waveforms/{net}/{year}/{year}.{doy}/{sta}.{net}.{cha}.{loc}.D.{year}.{doy}",
        "us-east-2",
    ),
    "earthscope": Layout(
        "earthscope-geophysical-data",
        "miniseed/{net}/{year}/{doy}/{sta}.{net}.{year}.{doy}{version}",
        "us-east-2",
    ),
}


def unknown_fields(template: str) -> list[str]:
    """What in a template stands in braces and is no field."""
    known = {match[0] for match in _FIELD.finditer(template) if match[1] in FIELDS}
    return sorted(set(re.findall(r"\{[^}]*\}?", template)) - known)


def _known(network: str, station: str, day: datetime) -> dict[str, str]:
    return {
        "net": network,
        "sta": station,
        "year": f"{day:%Y}",
        "doy": f"{day:%j}",
        "month": f"{day:%m}",
        "day": f"{day:%d}",
    }


def _filled(text: str, known: dict[str, str]) -> str:
    return _FIELD.sub(lambda f: known[f[1]].ljust(int(f[2] or 0), "_"), text)


def _expression(name: str, width: str | None, known: dict[str, str]) -> str:
    if name in known:
        return re.escape(known[name].ljust(int(width or 0), "_"))
    if name == "version":
        return r"(?:#(?P<version>\d+))?"
    if width:
        return f"(?P<{name}>\\w{{{width}}})"
    return f"(?P<{name}>[^./]*)"

"""What is wrong with the configuration of a run, in words for the person who wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from quakeline.core.mistakes import NO_KIND, allowed, alternatives, explained, key_of_kind, shown
from quakeline.core.section import Section
from quakeline.workflow.keys import meant, percent

_GIVEN = " given; "
_KEYS_WRITTEN = "`quakeline config reference` writes the keys that exist to config/README.md"
_OF_DATA_SET = ("run", "time", "time.start", "time.end")
_STATIONS = ("table", "stationxml", "fdsn")
_ABSENT = object()
#: Kinds that are meant where a section does not say its own.
_UNSAID = ("builtin", "rules")


def mistakes(error: ValidationError, raw: Mapping[str, Any], kind: type[Section]) -> list[str]:
    """A line for each mistake in what was given for a section, but for what `absent` names."""
    items = [dict(item) for item in error.errors()]
    return _joined([_explain(item, raw, kind) for item in items if not _is_told(item)])


def absent(raw: Mapping[str, Any]) -> list[str]:
    """What a configuration must say of its data set and does not."""
    time, stations = raw.get("time", {}), raw.get("stations")
    imported = raw.get("import_picks")
    imports = isinstance(imported, Mapping) and bool(imported.get("table"))
    found = [] if "run" in raw else ["run"]
    if isinstance(time, Mapping):
        found += [f"time.{name}" for name in ("start", "end") if name not in time]
    described = isinstance(stations, Mapping) and any(map(stations.get, _STATIONS))
    nothing = not (raw.get("fetch") or raw.get("fibres") or imports)
    if (nothing or raw.get("fetch") or imports) and not described:
        found.append("stations.table (or stations.stationxml, or stations.fdsn)")
    if nothing:
        found.append("fetch.source (or fibres, or import_picks.table)")
    return found


def _is_told(item: Mapping[str, Any]) -> bool:
    """Whether a mistake is one of those that `absent` names."""
    return item["type"] == "missing" and ".".join(map(str, item["loc"])) in _OF_DATA_SET


def _path(location: tuple[int | str, ...], raw: Any) -> str:
    """Dotted path of a key; pydantic also names the `kind` of each section on the way.

    Below a value that is no section or list it names the alternatives that the value may be.
    """
    parts, here = [], raw
    for part in location:
        kinds = (here["kind"],) if isinstance(here, Mapping) and "kind" in here else _UNSAID
        if isinstance(here, Mapping) and part in kinds and part not in here:
            continue
        if isinstance(here, Mapping):
            here = here.get(part, _ABSENT)
        elif isinstance(here, list) and isinstance(part, int):
            here = here[part] if part < len(here) else _ABSENT
        elif here is not _ABSENT:
            continue
        parts.append(str(part))
    return ".".join(parts) or "config"


def _joined(lines: list[str]) -> list[str]:
    """Mistakes of one value, one for each alternative that it may be, as one line."""
    given: dict[str, list[str]] = {}
    for line in lines:
        head, said, message = line.partition(_GIVEN)
        given.setdefault(head + said, []).append(message)
    return [head + alternatives(messages) for head, messages in given.items()]


def _explain(item: dict[str, Any], raw: Mapping[str, Any], kind: type[Section]) -> str:
    kinds = {"extra_forbidden", "missing"}
    path = _path(item["loc"], raw)
    if item["type"] in NO_KIND:
        return f"{path}.{key_of_kind(item)}: {allowed(item, kind)}"
    message = explained(item)
    if item["type"] == "extra_forbidden":
        message = f"unknown key; {meant(kind, path)}{_KEYS_WRITTEN}"
    if item["type"] == "missing":
        message = "is required"
    if item["type"] in kinds or isinstance(item["input"], dict | Section):
        return f"{path}: {message}" if path != "config" else message
    return (
        f"{path}: {shown(item['input'])}{_GIVEN}{message[:1].lower()}{message[1:]}{percent(item)}"
    )

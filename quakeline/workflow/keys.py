"""The keys that a configuration may have, and which one a misspelt key stands for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from quakeline.core.names import proposal
from quakeline.core.section import Section

#: Sections within sections that are followed; members of ensembles are sections of weights again.
_DEEPEST = 5


def keys_of(model: type[Section]) -> dict[str, set[str]]:
    """Names of the keys of each section, by its dotted path without numbers; "" is the top."""
    found: dict[str, set[str]] = defaultdict(set)
    for path, section in _sections(model, "", 0):
        found[path] |= set(section.model_fields)
    return found


def meant(model: type[Section], path: str) -> str:
    """Words that propose the key that an unknown key at a dotted path stands for; empty for none.

    A key of this name in another section counts, else the nearest of the same section.
    """
    known = keys_of(model)
    parts = [part for part in path.split(".") if not part.isdecimal()]
    section, name = ".".join(parts[:-1]), parts[-1]
    places = sorted(place for place, names in known.items() if place and name in names)
    if 0 < len(places) < 3:
        return f"did you mean {' or '.join(f'{place}.{name}' for place in places)}? "
    return proposal(name, known.get(section, ()))


def _sections(model: type[Section], path: str, depth: int) -> Iterator[tuple[str, type[Section]]]:
    yield path, model
    if depth == _DEEPEST:
        return
    for name, field in model.model_fields.items():
        for inner in _within(field.annotation):
            yield from _sections(inner, f"{path}.{name}" if path else name, depth + 1)


def _within(annotation: Any) -> Iterator[type[Section]]:
    """Classes of sections that an annotation names, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for part in get_args(annotation):
        yield from _within(part)


def percent(item: Mapping[str, Any]) -> str:
    """What to add to a mistake of a value above 1 that looks like percent; empty for others."""
    given, limit = item.get("input"), dict(item.get("ctx") or {}).get("le")
    if not isinstance(given, int | float) or isinstance(given, bool):
        return ""
    if item["type"] == "less_than_equal" and limit == 1 and 1 < given <= 100:
        return f"; {given:g} % is written {given / 100:g}"
    return ""

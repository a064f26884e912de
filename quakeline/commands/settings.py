"""Settings of the chain on the command line: `--set associate.min_picks=8`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from math import inf
from typing import Any

from quakeline.commands.options import value_of
from quakeline.core.errors import ConfigError
from quakeline.events.chain.sections import Sections, sections_of


def sections(
    words: Iterable[str], depth: str | None = None, base: Mapping[str, Any] | None = None
) -> Sections:
    """The sections of the chain with some keys set.

    `base` is the configuration that they begin with, of which other sections are ignored; without
    one they begin with the defaults. Raises ConfigError for a word that is no `section.key=value`,
    or a value that is not allowed.
    """
    known = Sections.model_fields
    given = {name: dict(deepcopy(part)) for name, part in (base or {}).items() if name in known}
    if given.get("classify", {}).get("kind", "rules") != "rules":
        del given["classify"]  # a network needs waveforms, which are not there
    before = sections_of(given)
    changed: list[tuple[list[str], Any]] = []
    for word in words:
        name, equals, _ = word.partition("=")
        path = name.strip().split(".")
        if not equals or path[0] not in known or not all(path[1:]) or len(path) < 2:
            raise ConfigError(
                f"--set: {word!r} given; allowed: SECTION.KEY=VALUE with one of the sections"
                f" {', '.join(known)}, keys as in config/README.md"
            )
        changed.append((path, value_of(word)))
    if depth is not None:
        set_by_name = [path for path, _ in changed]
        for name in ("associate", "locate"):
            if [name, "depth_km"] not in set_by_name:
                changed.append(([name, "depth_km"], _depth(depth)))
    plain = before.plain()
    for path, value in changed:
        _put(plain, path, value)
    try:
        return sections_of(plain)
    except ConfigError as error:
        raise ConfigError(f"--set: {error}") from None


def _put(plain: dict[str, Any], path: list[str], value: Any) -> None:
    """Set a value below sections, of which some may be null so far."""
    *parents, last = path
    for name in parents:
        if not isinstance(plain.get(name), dict):
            plain[name] = {}
        plain = plain[name]
    plain[last] = value


def _depth(text: str) -> list[float]:
    try:
        shallow, deep = (float(part) for part in text.split(","))
    except ValueError:
        shallow, deep = 0.0, 0.0
    if not -inf < shallow < deep < inf:
        raise ConfigError(
            f"--depth: {text!r} given; allowed: SHALLOW,DEEP in km, the shallow one first: 0,30"
        )
    return [shallow, deep]

"""Settings of association and location on the command line: `--set associate.min_picks=8`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml
from pydantic import ValidationError

from quakeline.errors import ConfigError
from quakeline.stages import associate, locate


def sections(
    words: Iterable[str], depth: str | None = None
) -> tuple[associate.Config, locate.Config]:
    """The sections `associate` and `locate` with some keys set.

    Raises ConfigError for a word that is no `section.key=value`, or a value that is not allowed.
    """
    given: dict[str, dict[str, Any]] = {"associate": {}, "locate": {}}
    for word in words:
        name, equals, value = word.partition("=")
        section, _, key = name.strip().partition(".")
        if not equals or section not in given or not key:
            raise ConfigError(
                f"--set: {word!r} given; allowed: associate.KEY=VALUE or locate.KEY=VALUE, keys as"
                " in config/README.md"
            )
        given[section][key] = yaml.safe_load(value)
    if depth is not None:
        limits = _depth(depth)
        for keys in given.values():
            keys.setdefault("depth_km", limits)
    return _checked(associate.Config, "associate", given), _checked(locate.Config, "locate", given)


def _depth(text: str) -> list[float]:
    try:
        shallow, deep = (float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(
            f"--depth: {text!r} given; allowed: SHALLOW,DEEP in km, e.g. 0,30"
        ) from None
    return [shallow, deep]


def _checked(kind: Any, name: str, given: dict[str, dict[str, Any]]) -> Any:
    try:
        return kind(**given[name])
    except ValidationError as error:
        item = error.errors()[0]
        place = ".".join([name, *(str(part) for part in item["loc"][:1])])
        if item["type"] == "extra_forbidden":
            raise ConfigError(
                f"--set: {place} given; allowed: {name}.KEY with one of the keys "
                f"{', '.join(kind.model_fields)}"
            ) from None
        raise ConfigError(f"--set {place}: {item['input']!r} given; {item['msg']}") from None

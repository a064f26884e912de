"""Files of settings as YAML, in which no key stands twice, and one laid over another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from quakeline.core.errors import ConfigError, why_unread


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping. Raises ConfigError with the reason."""
    try:
        raw = _parsed(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"config file {path} does not exist") from None
    except (OSError, ValueError, yaml.YAMLError) as error:  # ValueError: no text, no date
        said = why_unread(error, path).replace('in "<unicode string>", line', "in line")
        raise ConfigError(f"config file {path}: {said}") from None
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise ConfigError(f"config file {path}: expected a mapping, found {type(raw).__name__}")
    return raw


class _EachOnce(yaml.SafeLoader):
    """YAML in which no mapping has a key twice; its own rule is that the last one holds."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping. Raises yaml.constructor.ConstructorError that names a key given twice."""
        seen: dict[str, yaml.Mark] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    line = seen[key.value].line + 1
                    raise yaml.constructor.ConstructorError(
                        None, None, f"{key.value!r} is given twice, in line {line} too",
                        key.start_mark,
                    )  # fmt: skip
                seen[key.value] = key.start_mark
        return super().construct_mapping(node, deep)


def _parsed(text: str) -> Any:
    """What YAML says. Raises yaml.YAMLError, also where a mapping has a key twice."""
    loader = _EachOnce(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def merged(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """Lay an overlay over a base, key by key.

    A mapping whose `kind` differs from the base's replaces it as a whole, since the keys of one
    kind mean nothing to another. Lists and values replace what was there.
    """
    result = dict(base)
    for key, value in overlay.items():
        old = result.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        if both and value.get("kind", old.get("kind")) == old.get("kind"):  # type: ignore[union-attr]
            result[key] = merged(old, value)  # type: ignore[arg-type]
        else:
            result[key] = value
    return result

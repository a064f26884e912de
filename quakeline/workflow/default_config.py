"""`config/config.yaml`, written from the sections themselves: every default with its meaning.

No key and no default is named here: the sections are the only place where they stand.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from typing import Any

import yaml
from pydantic.fields import FieldInfo

from quakeline.core.section import Section
from quakeline.workflow.config import EXAMPLE, Run
from quakeline.workflow.reference import WRITTEN_BY

_HEAD = f"""\
# yaml-language-server: $schema=config.schema.json
# The defaults of every run. {WRITTEN_BY} defaults` from the program itself, which
# replaces it: take these two lines out of defaults of your own.
# A run is an overlay, config/runs/NAME.yaml: only the keys that differ, and what belongs to its
# data and so has no default. config/runs/unterhaching.yaml is an example, the embedded demo.
# `auto` is chosen from the network, the weights or the stations of the run; `quakeline summary`
# and the report say what it became. config/README.md has types and limits, and the keys of what is
# null or another kind here.
"""
_WIDTH = 100


def text() -> str:
    """The content of the file."""
    run = Run.model_validate(EXAMPLE)
    plain = run.plain()
    parts = (_key(name, field, run, plain, "") for name, field in Run.model_fields.items())
    return "\n".join([_HEAD, *("\n".join([*lines, ""]) for lines in parts)])


def _key(
    name: str, field: FieldInfo, owner: Section, plain: dict[str, Any], indent: str
) -> Iterator[str]:
    """A key with its meaning above it; a section with all of its keys."""
    value = getattr(owner, name)
    section = isinstance(value, Section)
    meaning = field.description or (value.__doc__.partition("\n\n")[0] if section else "")
    if field.is_required() and not section:
        meaning = f"{name}: given by each run; {meaning}"
    room = _WIDTH - len(indent) - 2
    yield from (f"{indent}# {line}" for line in _wrapped(meaning, room))
    if section and type(value).model_fields:
        yield f"{indent}{name}:"
        for inner, entry in type(value).model_fields.items():
            yield from _key(inner, entry, value, plain[name], indent + "  ")
    elif not field.is_required():
        yield f"{indent}{name}: {_written(plain[name])}"


def _wrapped(meaning: str, width: int) -> list[str]:
    return textwrap.wrap(" ".join(meaning.split()), width, break_on_hyphens=False)


def _written(value: Any) -> str:
    """A plain value on one line, as one writes it by hand."""
    if isinstance(value, dict | list):
        return str(yaml.safe_dump(value, default_flow_style=True, width=10_000)).strip()
    if isinstance(value, str) and yaml.safe_load(value) == value:
        return value
    return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)

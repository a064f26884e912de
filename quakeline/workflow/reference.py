"""The written reference of the configuration, generated from the sections themselves.

`config/README.md` is for people, `config/config.schema.json` for editors. Both follow from the
JSON schema that pydantic makes of `quakeline.workflow.config.Run`: no key is named here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core.core_schema import WithDefaultSchema

from quakeline.core.errors import ConfigError
from quakeline.io.products.atomic import write_text
from quakeline.workflow.config import Run

README = Path("config/README.md")
SCHEMA = Path("config/config.schema.json")

#: Stands near the top of every generated file.
WRITTEN_BY = "Written by `quakeline config"
_TITLE = "quakeline run"
_INTRODUCTION = f"""\
# Configuration reference

{WRITTEN_BY} reference` from the program itself; do not edit.

`config.yaml` holds the default of every key; every run starts from it, or from the same defaults of
the program where a folder has no such file. `quakeline init NAME` writes an overlay from data. It
(`runs/NAME.yaml`, or any file) names what differs, and what belongs to its data and so has no
default: `run`, `time.start`, `time.end`, the data (`fetch`, `fibres` or `import_picks`) and their
`stations`. It is laid over key by key; lists and values replace what was there, and a mapping whose
`kind` differs replaces the whole section. Check with `quakeline config check NAME`: it lists all
mistakes at once. Editors complete and check keys when a file begins with
`# yaml-language-server: $schema=` and the path of `config.schema.json`. Without an overlay the
embedded demo runs, `runs/unterhaching.yaml`, or the only overlay that there is.

`auto` is chosen for each run: from the network and its weights in `time`, `annotate`, `pick` and
`das_annotate`, from the geometry of the stations and the velocities in `associate` and `locate`.
`quakeline summary` and the report say what it became. Null is accepted for `auto` in the first
four.

A key that is not listed here is an error. "required" keys have no default.
"""

_TYPES = {
    "string": "text",
    "number": "number",
    "integer": "whole number",
    "boolean": "true or false",
    "null": "null",
    "object": "mapping",
    "array": "list",
}
_LIMITS = {
    "exclusiveMinimum": "> {}",
    "minimum": "≥ {}",
    "exclusiveMaximum": "< {}",
    "maximum": "≤ {}",
    "minItems": "at least {}",
    "minLength": "not empty",
    "pattern": "matching `{}`",
}

Schema = dict[str, Any]


def editor_schema() -> str:
    """Return the JSON schema for editors, as text.

    Nothing is required in it, since an overlay names only what differs; `quakeline config check`
    tells what is missing.
    """
    schema = _relaxed(_schema())
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": _TITLE}
    return json.dumps({**head, **schema}, indent=2, ensure_ascii=False) + "\n"


def readme() -> str:
    """Return the reference for people, as Markdown text."""
    return "\n".join([_INTRODUCTION, *_Reference(_schema()).lines()]).rstrip() + "\n"


def publish(path: Path, text: str, *, check: bool) -> None:
    """Write a generated file; with `check` raise ConfigError when the file differs instead."""
    if not check:
        if path.is_file() and not _is_generated(path):
            raise ConfigError(
                f"{path} was not written by this command, and is not replaced; move it away first"
            )
        write_text(path, text)
    elif not path.is_file() or path.read_text(encoding="utf-8") != text:
        raise ConfigError(f"{path} is out of date: run `make reference`")


def _is_generated(path: Path) -> bool:
    """Whether a file begins as one of the generated ones does."""
    head = path.read_text(encoding="utf-8", errors="replace")[:1000]
    return WRITTEN_BY in head or f'"title": "{_TITLE}"' in head


class _WithDefaults(GenerateJsonSchema):
    """JSON schema that shows defaults as they are written, those made by a factory as well."""

    def get_default_value(self, schema: WithDefaultSchema) -> Any:
        if "default_factory" in schema and not schema.get("default_factory_takes_data"):
            default = schema["default_factory"]()  # type: ignore[call-arg]
        else:
            default = super().get_default_value(schema)
        written: dict[str, Any] = dict(schema["schema"].get("serialization") or {})
        return written["function"](default) if written.get("type") == "function-plain" else default


def _schema() -> Schema:
    return Run.model_json_schema(schema_generator=_WithDefaults)


def _relaxed(node: Any) -> Any:
    """Drop what does not hold for overlays and what editors check more strictly than we do."""
    if isinstance(node, list):
        return [_relaxed(item) for item in node]
    if not isinstance(node, dict):
        return node
    unwanted = {"required", "title", "discriminator"}
    if node.get("format") == "date-time":
        unwanted.add("format")
    return {
        "anyOf" if key == "oneOf" else key: _relaxed_entry(key, value)
        for key, value in node.items()
        if key not in unwanted
    }


def _relaxed_entry(key: str, value: Any) -> Any:
    # Below these keywords stand names of the configuration, which may look like keywords.
    if key in ("properties", "$defs"):
        return {name: _relaxed(schema) for name, schema in value.items()}
    return _relaxed(value)


class _Reference:
    """Walks the JSON schema of the configuration and writes one table for each section."""

    def __init__(self, schema: Schema) -> None:
        self._root = schema
        self._definitions: Schema = schema.get("$defs", {})
        self._described: dict[int, str] = {}

    def lines(self) -> list[str]:
        """The reference, line by line: first the keys outside of any section."""
        return list(self._section("", self._root, level=1))

    def _section(self, path: str, node: Schema, level: int) -> Iterator[str]:
        """A table of the plain keys of a section, then the sections inside it."""
        prefix = f"{path}." if path else ""
        required = set(node.get("required", ()))
        rows = []
        inner: list[tuple[str, Schema]] = []
        for name, field in node["properties"].items():
            if self._sections(field):
                inner.append((f"{prefix}{name}{self._many(field)}", field))
            else:
                rows.append(self._row(f"{prefix}{name}", field, required=name in required))
        if rows:
            yield "| key | type | default | meaning |"
            yield "|---|---|---|---|"
            yield from rows
            yield ""
        for inner_path, field in inner:
            yield from self._inner(inner_path, field, level + 1)

    def _inner(self, path: str, field: Schema, level: int) -> Iterator[str]:
        sections = self._sections(field)
        yield f"{'#' * level} `{path}`"
        yield ""
        if field.get("description"):
            yield from (f"{_sentence(field['description'])}.", "")
        for section in sections:
            if len(sections) > 1:
                yield f"{'#' * (level + 1)} `{path}` of kind `{self._kind(section)}`"
                yield ""
            if id(section) in self._described:
                yield from (f"As {self._described[id(section)]} above.", "")
                continue
            kind = f" of kind `{self._kind(section)}`" if len(sections) > 1 else ""
            self._described[id(section)] = f"`{path}`{kind}"
            if section.get("description"):
                yield from (_sentence(section["description"].split("\n\n")[0]), "")
            yield from self._section(path, section, level + (len(sections) > 1))

    def _sections(self, field: Schema) -> list[Schema]:
        """The sections that a field can hold, directly, as a list or as a mapping; often none."""
        field = self._resolve(field)
        choices = field.get("oneOf") or field.get("anyOf") or [field]
        found = []
        for choice in choices:
            choice = self._resolve(choice)
            if "properties" in choice:
                found.append(choice)
            if "oneOf" in choice or "anyOf" in choice:
                found += self._sections(choice)
            for key in ("items", "additionalProperties"):
                if isinstance(choice.get(key), dict):
                    found += self._sections(choice[key])
        return found

    def _many(self, field: Schema) -> str:
        """What stands behind the name of a key that holds several sections."""
        field = self._resolve(field)
        if field.get("type") == "array":
            return "[]"
        return ".<name>" if isinstance(field.get("additionalProperties"), dict) else ""

    def _kind(self, section: Schema) -> str:
        kind = section.get("properties", {}).get("kind", {})
        return str(kind.get("const", kind.get("default", "")))

    def _resolve(self, node: Schema) -> Schema:
        reference = node.get("$ref")
        return self._definitions[reference.rpartition("/")[2]] if reference else node

    def _row(self, path: str, field: Schema, *, required: bool) -> str:
        default = "required" if required else _value(field.get("default"))
        cells = (f"`{path}`", self._type(field), default, _sentence(field.get("description", "")))
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

    def _type(self, field: Schema) -> str:
        """Type and allowed values of a field in words."""
        field = self._resolve(field)
        if "const" in field:
            return f"`{field['const']}`"
        if "enum" in field:
            return "one of " + ", ".join(f"`{value}`" for value in field["enum"])
        if "anyOf" in field:
            return " or ".join(self._type(choice) for choice in field["anyOf"])
        if field.get("format") == "date-time":
            return "date and time"
        words = _TYPES.get(field.get("type", ""), "any")
        if field.get("type") == "array":
            words += self._entries(field)
        if isinstance(field.get("additionalProperties"), dict):
            words += f" of names to {self._type(field['additionalProperties'])}"
        ignored = {"minItems"} if "prefixItems" in field else set()
        limits = [key for key in _LIMITS if key in field and key not in ignored]
        return ", ".join([words, *(_LIMITS[key].format(field[key]) for key in limits)])

    def _entries(self, field: Schema) -> str:
        if "prefixItems" in field:
            return " of " + ", ".join(self._type(item) for item in field["prefixItems"])
        return f" of {self._type(field['items'])}" if field.get("items") else ""


def _value(default: Any) -> str:
    return f"`{json.dumps(default, ensure_ascii=False)}`"


def _sentence(text: str) -> str:
    return " ".join(text.split()).replace("<", r"\<").replace("*", r"\*")

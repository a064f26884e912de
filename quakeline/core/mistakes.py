"""What is wrong with values of a section, in words for the person who wrote them.

pydantic finds the mistakes; its words are meant for programmers. Here each becomes one line of the
form `path: 'value' given; allowed: ...`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, TypeVar, get_args

from pydantic import TypeAdapter, ValidationError

from quakeline.core.errors import ConfigError
from quakeline.core.names import proposal
from quakeline.core.section import Section

T = TypeVar("T")

#: Beginnings of pydantic's messages, and what is said instead.
_WORDS = (
    (r"Input should be a valid (?:dictionary|mapping).*", "allowed: keys with values"),
    (r"Input should be an object", "allowed: keys with values"),
    (r"Input should be a valid (?:list|tuple|array).*", "allowed: a list"),
    (r"Input should be a valid boolean.*", "allowed: true or false"),
    (r"Input should be a valid integer.*", "allowed: a whole number"),
    (r"Input should be a valid number.*", "allowed: a number"),
    (r"Input should be a valid string", "allowed: text"),
    (r"Input should be a valid date\b.*", "allowed: a date, e.g. 2024-01-31"),
    (r"Input should be a valid datetime\b.*", "allowed: a time, e.g. 2024-01-31T12:00"),
    (r"Input should be a valid ([^,]*).*", r"allowed: a \1"),
    (r"Input should be an instance of .*", "allowed: what the program itself makes here"),
    (r"Input should be greater than or equal to (.*)", r"allowed: \1 or more"),
    (r"Input should be less than or equal to (.*)", r"allowed: \1 or less"),
    (r"Input should be greater than (.*)", r"allowed: above \1"),
    (r"Input should be less than (.*)", r"allowed: below \1"),
    (r"Input should be (.*)", r"allowed: \1"),
    (r"(?:List|Tuple|Dictionary|Set) should have (at (?:least|most) \d+) items?.*", r"\1 needed"),
    (r"String should have (at (?:least|most) \d+) characters?.*", r"allowed: \1 letters"),
    (r"String should match pattern '(.*)'", r"allowed: text of the form \1"),
    (r"Field required", "is required"),
    (r"Value error, (.*)", r"\1"),
    (r"Assertion failed, (.*)", r"\1"),
)
#: How pydantic names one of several types that a value may have.
_ALTERNATIVE = re.compile(r"constrained-\w+|int|float|str|bool|none|date|datetime|list|tuple|dict")
#: What YAML makes of words that are meant as text.
_NO_TEXT = (bool, int, float, date)
_QUOTES = "text in quotes; without them no, yes, on, off, numbers and dates are none"
#: Mistakes of sections of which several kinds exist.
NO_KIND = ("union_tag_not_found", "union_tag_invalid")


def validated(kind: type[T] | Any, given: Any, at: str = "") -> T:
    """A section, or any type that pydantic knows, made of what is given.

    Parameters
    ----------
    kind
        The section, or an annotation such as a union of kinds.
    given
        Keys and their values.
    at
        Where they stand, to begin the path of each mistake: `prepare`, `--set`.

    Raises
    ------
    ConfigError
        A line for each mistake.
    """
    try:
        made: T = TypeAdapter(kind).validate_python(given)
    except ValidationError as error:
        raise ConfigError("\n".join(mistakes(error, kind, at))) from None
    return made


def mistakes(error: ValidationError, kind: Any = None, at: str = "") -> list[str]:
    """A line for each mistake; of `kind` are the keys that are allowed, `at` begins the paths."""
    found: dict[str, list[str]] = {}
    for item in error.errors(include_url=False):
        place = place_of(dict(item), kind)
        path = ".".join([*([at] if at else []), *([place] if place else [])])
        if _is_shown(item):
            head = f"{path or 'the keys'}: {shown(item['input'])} given; "
        else:
            head = f"{path}: " if path else ""
        found.setdefault(head, []).append(allowed(dict(item), kind))
    return [head + alternatives(words) for head, words in found.items()]


def place_of(item: Mapping[str, Any], kind: Any = None) -> str:
    """Dotted path of a mistake's key; pydantic also names kinds and functions on the way."""
    parts, here = [], [*_sections(kind)]
    for part in item["loc"]:
        fields = {name for one in here for name in one.model_fields}
        named = [one for one in here if _kind_name(one) == part]
        if named and part not in fields:
            here = named
            continue
        if isinstance(part, str):
            here = [deep for one in here for deep in _sections(_inside(one, part))] or here
        parts.append(str(part))
    if item["type"] in NO_KIND:
        parts.append(key_of_kind(item))
    names = (part for part in parts if re.fullmatch(r"[\w+.-]+", part))
    return ".".join(part for part in names if not _ALTERNATIVE.fullmatch(part))


def allowed(item: Mapping[str, Any], kind: Any = None) -> str:
    """What is allowed in the place of one mistake, of `ValidationError.errors()`."""
    context = dict(item.get("ctx") or {})
    if item["type"] in NO_KIND:
        return _of_kinds(context, _kinds_at(kind, item["loc"]))
    if item["type"] == "extra_forbidden":
        known = [*_section_at(kind, item["loc"][:-1]).model_fields] if kind else []
        name = str(item["loc"][-1])
        listed = f"; {proposal(name, known)}allowed: {', '.join(known)}" if known else ""
        return f"unknown key{listed}"
    return explained(item)


def explained(item: Mapping[str, Any]) -> str:
    """What pydantic says of a mistake, an item of `ValidationError.errors()`, in plain words."""
    if item["type"] == "string_type" and isinstance(item["input"], _NO_TEXT):
        return f"allowed: {_QUOTES}"
    return plain(str(item["msg"]))


def plain(message: str) -> str:
    """A message of pydantic in plain words."""
    for pattern, words in _WORDS:
        found = re.fullmatch(pattern, message, re.DOTALL)
        if found:
            return found.expand(words)
    return message[:1].lower() + message[1:]


def alternatives(messages: Sequence[str]) -> str:
    """What is allowed of a value that may be of several forms, as one text."""
    first, *others = dict.fromkeys(messages)
    return " or ".join([first, *(one.removeprefix("allowed: ") for one in others)])


def shown(value: Any) -> str:
    """A value as a person writes it."""
    return str(value) if isinstance(value, date) else repr(value)


def _is_shown(item: Mapping[str, Any]) -> bool:
    """Whether the value that was given belongs in the line."""
    if item["type"] in {"extra_forbidden", "missing", *NO_KIND}:
        return False
    return not isinstance(item["input"], dict | Section)


def key_of_kind(item: Mapping[str, Any]) -> str:
    """Name of the key that tells the kinds of a section apart."""
    return str(dict(item.get("ctx") or {}).get("discriminator", "'kind'")).strip("'")


def _of_kinds(context: Mapping[str, Any], known: Sequence[str]) -> str:
    """What is said of a `kind` that is unknown or absent."""
    names = re.findall(r"'([^']*)'", str(context.get("expected_tags", ""))) or list(known)
    listed = f"allowed: {', '.join(names)}" if names else "allowed: one of the kinds"
    if "tag" not in context:
        return f"is required; {listed}"
    tag = str(context["tag"])
    return f"{tag!r} given; {proposal(tag, names)}{listed}"


def _kinds_at(kind: Any, location: Sequence[int | str]) -> list[str]:
    """Kinds that a place of a section takes, by their names."""
    for part in location:
        if isinstance(part, str):
            kind = _inside(kind, part)
    fields = [one.model_fields.get("kind") for one in _sections(kind)]
    return [str(field.default) for field in fields if field is not None]


def _section_at(kind: Any, location: Sequence[int | str]) -> type[Section]:
    """The section at a place below another; of several kinds the one that the place names."""
    found = [*_sections(kind)] or [Section]
    for part in location:
        named = [one for one in found if _kind_name(one) == part]
        inner = [deep for one in found for deep in _sections(_inside(one, str(part)))]
        found = named or inner or found
    return found[0]


def _kind_name(section: type[Section]) -> str:
    field = section.model_fields.get("kind")
    return "" if field is None else str(field.default)


def _inside(kind: Any, name: str) -> Any:
    """The annotation of a key of a section, or of one of several."""
    for one in _sections(kind):
        field = one.model_fields.get(name)
        if field is not None:
            return field.annotation
    return None


def _sections(annotation: Any) -> Iterator[type[Section]]:
    """Classes of sections that an annotation names, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for part in get_args(annotation):
        yield from _sections(part)

"""Why data or results are absent, unused or odd: codes (`reason_codes`) with counts and details.

Programs compare codes (`reason.code is Code.NO_RESPONSE`) and details; text is for people. A table
has both: beside a column of text, `notes`, stands a column of the same reasons as codes,
`notes_codes`, which is what is read back.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from numbers import Integral, Real
from string import Formatter
from typing import Any, TypeAlias

from quakeline.core.reason_codes import Code as Code
from quakeline.core.reason_codes import Kind as Kind

#: Words tell reasons of one code apart, numbers do not.
Detail: TypeAlias = str | int | float
#: Names of codes as they are stored.
_STORED = {code.name.lower(): code for code in Code}
#: Numbers in words of other programs: bytes, times, places that differ from file to file.
_NUMBER = re.compile(r"(?<![\w.])\d+(\.\d+)?(?!\w)")


@dataclass(frozen=True)
class Reason:
    """A code with how often it holds and what it holds of; made by `Reason.of`.

    `code` is a text where a newer version of quakeline wrote it. The detail `where` may stand
    beside those of any code: the file or channel that is meant.
    """

    code: Code | str
    count: int | None = None
    details: tuple[tuple[str, Detail], ...] = ()

    @classmethod
    def of(cls, code: Code, count: int | None = None, /, **details: Any) -> Reason:
        """Make a reason. Raises TypeError unless the details are those that the words name."""
        wanted = _fields(code)
        if set(details) - {"where"} != wanted - {"count", "s"}:
            raise TypeError(f"{code.name}: details {sorted(details)} given; allowed: {wanted}")
        if "count" in wanted and count is None:
            raise TypeError(f"{code.name}: no count given")
        plain = tuple((name, _plain(value)) for name, value in sorted(details.items()))
        return cls(code, None if count is None else int(count), plain)

    @property
    def kind(self) -> Kind:
        """What follows from it; of a code that is not known it is a remark."""
        return self.code.kind if isinstance(self.code, Code) else Kind.REMARK

    @property
    def alike(self) -> tuple[Any, ...]:
        """The same for reasons that differ in numbers alone."""
        told = ((n, _NUMBER.sub("0", v)) for n, v in self.details if isinstance(v, str))
        return (self.code, *told)

    def at(self, where: str) -> Reason:
        """The same of one of several files or channels."""
        return replace(self, details=tuple(sorted((*self.details, ("where", where)))))

    def detail(self, name: str) -> Detail | None:
        """A detail; None where there is none of that name."""
        return dict(self.details).get(name)

    def counted(self, count: int | None) -> Reason:
        """The same with another count."""
        return replace(self, count=count)

    def __str__(self) -> str:
        """The words. A count that they have no place for stands behind them."""
        details = dict(self.details)
        where = details.pop("where", "")
        try:
            text, known = self._worded(details)
        except (KeyError, ValueError):  # the code of a version that had other details
            text, known = self._listed(details), True
        if self.count is not None and not known:
            text = f"{text} ({self.count})"
        return f"{where}: {text}" if where else text

    def _worded(self, details: dict[str, Detail]) -> tuple[str, bool]:
        if not isinstance(self.code, Code):
            return self._listed(details), False
        s = "" if self.count == 1 else "s"
        text = self.code.words.format(**details, count=self.count, s=s)
        return text, "count" in _fields(self.code)

    def _listed(self, details: dict[str, Detail]) -> str:
        code = self.code.name.lower() if isinstance(self.code, Code) else self.code
        return " ".join([code, *(f"{name}={value}" for name, value in details.items())])


def text_of(reasons: Iterable[Reason]) -> str:
    """Reasons in one line, each once; nothing where there are none."""
    return "; ".join(dict.fromkeys(map(str, reasons)))


def counts_of(reasons: Iterable[Reason]) -> list[Reason]:
    """Each reason with how often it is there, the most frequent first."""
    counts = Counter(reasons)
    return [one.counted(n) for one, n in sorted(counts.items(), key=lambda item: -item[1])]


def cells(column: str, reasons: Iterable[Reason]) -> dict[str, str | None]:
    """Cells of a table for reasons: their text in `column`, their codes beside it; null: none."""
    different = list(dict.fromkeys(reasons))
    return {column: text_of(different) or None, f"{column}_codes": packed(different) or None}


def reasons_in(text: Any, codes: Any) -> tuple[Reason, ...]:
    """The reasons in two cells that `cells` has made; text without codes is one reason."""
    if isinstance(codes, str) and codes:
        return unpacked(codes)
    return (Reason.of(Code.TEXT, text=text),) if isinstance(text, str) and text else ()


def packed(reasons: Iterable[Reason]) -> str:
    """Reasons as a JSON list of objects: code, count where there is one, details; empty: none."""
    rows = [
        {
            "code": one.code.name.lower() if isinstance(one.code, Code) else one.code,
            **({} if one.count is None else {"count": one.count}),
            **dict(one.details),
        }
        for one in reasons
    ]
    return json.dumps(rows, ensure_ascii=False) if rows else ""


@lru_cache(maxsize=4096)
def unpacked(text: str) -> tuple[Reason, ...]:
    """Reasons that `packed` has written; any other text is one reason of its own words."""
    try:
        return tuple(_reason(dict(row)) for row in json.loads(text))
    except (ValueError, TypeError, KeyError):
        return (Reason.of(Code.TEXT, text=text),) if text else ()


def _reason(row: dict[str, Any]) -> Reason:
    code, count = str(row.pop("code")), row.pop("count", None)
    return Reason(_STORED.get(code, code), count, tuple(sorted(row.items())))


@cache
def _fields(code: Code) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(code.words) if name}


def _plain(value: Any) -> Detail:
    """A detail as a builtin: numbers of NumPy cannot be stored."""
    if isinstance(value, str):
        return value
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else str(value)

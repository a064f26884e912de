"""Reasons as codes: each has words and comes back from a table, and nobody looks into the words."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from string import Formatter

import numpy as np
import pandas as pd
import pytest

from quakeline.core import schemas
from quakeline.core.reasons import (
    Code,
    Kind,
    Reason,
    cells,
    counts_of,
    packed,
    reasons_in,
    text_of,
    unpacked,
)
from quakeline.io.products import tables

PACKAGE = Path(__file__).resolve().parents[2] / "quakeline"
SOURCES = {path: path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))}
#: Methods that look into a text.
LOOKING = {"startswith", "endswith", "split", "partition", "find", "index", "contains", "match"}


def example(code: Code) -> Reason:
    """A reason of a code, its details numbers or words as its words need them."""
    fields = {name: spec for _, name, spec, _ in Formatter().parse(code.words) if name}
    details = {
        name: 1.5 if spec else f"some {name}"
        for name, spec in fields.items()
        if name not in ("count", "s")
    }
    return Reason.of(code, 3 if "count" in fields else None, **details)


@pytest.mark.parametrize("code", Code, ids=lambda code: code.name)
def test_every_code_has_words_and_comes_back_from_a_table(code: Code, tmp_path: Path) -> None:
    reason = example(code)
    assert not re.search(r"\{(?!trace\})", str(reason))
    assert str(reason) == str(reason).strip() != ""
    assert unpacked(packed([reason])) == (reason,)
    row = {"fibre": "F", "channel_index": 0, "distance_m": 0.0, "used": False}
    tables.write(
        pd.DataFrame([{**row, **cells("reason", [reason])}]),
        schemas.FIBRE_CHANNELS,
        tmp_path / "a.parquet",
    )
    (back,) = tables.read(tmp_path / "a.parquet", schemas.FIBRE_CHANNELS).itertuples()
    assert reasons_in(back.reason, back.reason_codes) == (reason,)
    assert back.reason == str(reason)


def test_every_code_is_given_somewhere() -> None:
    used = {name for path, text in SOURCES.items() for name in re.findall(r"Code\.(\w+)", text)}
    assert {code.name for code in Code} - used == set()


def test_details_are_those_that_the_words_name() -> None:
    for wrong in ({}, {"what": "station", "more": 1}):
        with pytest.raises(TypeError, match="NO_CODE: details"):
            Reason.of(Code.NO_CODE, **wrong)
    with pytest.raises(TypeError, match="SPIKES: no count"):
        Reason.of(Code.SPIKES)


def test_numbers_of_numpy_become_builtins() -> None:
    reason = Reason.of(Code.CLOCK_SLIPS, np.int64(2), largest_ms=np.float32(1.5), total_ms=-0.25)
    assert json.loads(packed([reason])) == [
        {"code": "clock_slips", "count": 2, "largest_ms": 1.5, "total_ms": -0.25}
    ]
    assert str(reason).startswith("the clock slips 2 times between pieces, by up to 1.50 ms")


def test_a_count_without_a_place_in_the_words_stands_behind_them() -> None:
    reasons = [Reason.of(Code.COUNTS_ONLY)] * 2 + [Reason.of(Code.NO_NOISE)] * 3
    words = "no noise before the onset to compare with (3); no instrument response (2)"
    assert text_of(counts_of(reasons)) == words
    assert text_of([Reason.of(Code.RECORDS_DAMAGED, 1)]).startswith("1 record cannot")


def test_any_reason_may_name_its_place() -> None:
    reason = Reason.of(Code.UNREADABLE, why="the file is empty").at("a.mseed")
    assert str(reason) == "a.mseed: the file is empty"
    assert unpacked(packed([reason])) == (reason,)
    assert reason.alike != Reason.of(Code.UNREADABLE, why="the file is empty").alike


def test_what_a_newer_version_wrote_is_shown_as_it_is() -> None:
    (new,) = unpacked('[{"code": "mains_hum", "count": 4, "hz": 50.0, "where": "XX.A"}]')
    assert (str(new), new.kind, new.code) == (
        "XX.A: mains_hum hz=50.0 (4)",
        Kind.REMARK,
        "mains_hum",
    )
    (other,) = unpacked('[{"code": "steps", "count": 4, "largest": 9}]')
    assert str(other) == "4 steps to another level"
    (changed,) = unpacked('[{"code": "no_code", "which": "station"}]')
    assert str(changed) == "no_code which=station"
    assert json.loads(packed([new, changed])) == [
        {"code": "mains_hum", "count": 4, "hz": 50.0, "where": "XX.A"},
        {"code": "no_code", "which": "station"},
    ]


@pytest.mark.parametrize("text", ["dead channel; 3 steps", "[no list", '["a"]', "7"])
def test_words_without_codes_are_one_reason(text: str) -> None:
    assert unpacked(text) == reasons_in(text, None) == (Reason.of(Code.TEXT, text=text),)
    assert text_of(unpacked(text)) == text


def test_nothing_is_null_in_a_table() -> None:
    assert cells("notes", []) == {"notes": None, "notes_codes": None}
    assert reasons_in(None, None) == reasons_in(float("nan"), float("nan")) == unpacked("") == ()


def test_every_column_of_reasons_has_its_codes() -> None:
    with_words = [
        (table.name, name)
        for table in schemas.TABLES
        for name in table.names
        if name in ("reason", "notes", "quality") or name.endswith("_note")
    ]
    assert len(with_words) >= 8
    lacking = [
        (table.name, name)
        for table in schemas.TABLES
        for name in table.names
        if (table.name, name) in with_words and f"{name}_codes" not in table.names
    ]
    assert lacking == []


def _wordings() -> set[str]:
    """The fixed parts of the words of all codes that tell something."""
    parts = {part.strip() for code in Code for part, _, _, _ in Formatter().parse(code.words)}
    return {part for part in parts if len(part) > 20 and part != str(Reason.of(Code.COUNTS_ONLY))}


def test_words_of_reasons_stand_in_one_module_only() -> None:
    """Who writes the words again compares them, or will."""
    wordings = _wordings()
    again = [
        (path.relative_to(PACKAGE).as_posix(), node.value)
        for path, text in SOURCES.items()
        if path.name != "reason_codes.py"
        for node in _texts(ast.parse(text))
        if any(one in str(node.value) for one in wordings)
    ]
    assert again == []


def _texts(tree: ast.Module) -> list[ast.Constant]:
    """Texts of a module that are no docstrings and no descriptions of settings."""
    skipped = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            skipped.add(id(node.value))
        if isinstance(node, ast.keyword) and node.arg in ("description", "meaning"):
            skipped |= {id(one) for one in ast.walk(node.value)}
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in skipped
    ]


@pytest.mark.parametrize(
    "program",
    [
        'row.notes.split("; ")',
        'frame["reason"].str.contains("dead")',
        'if "dead" in row.reason: pass',
        'if row["magnitude_note"] == "no response": pass',
        'remark.text.startswith("dead")',
        're.search("dead", str(row.notes))',
    ],
)
def test_the_search_for_parsing_finds_it(program: str) -> None:
    assert _parsing(ast.parse(program))


def test_nobody_looks_into_the_words() -> None:
    found = {
        path.relative_to(PACKAGE).as_posix(): lines
        for path, text in SOURCES.items()
        if path.name != "reasons.py" and (lines := _parsing(ast.parse(text)))
    }
    assert found == {}


_WORDS = {"reason", "notes", "magnitude_note", "mw_note"}


def _parsing(tree: ast.AST) -> list[int]:
    """Lines that search, split or compare the words of a reason."""
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of = node.func.value
            regular = isinstance(of, ast.Name) and of.id == "re"
            looked_at = node.args if regular else [of]
            if (regular or node.func.attr in LOOKING) and any(map(_has_words, looked_at)):
                lines.append(node.lineno)
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            fixed = any(isinstance(one, ast.Constant) and one.value for one in sides)
            if fixed and any(_has_words(one) for one in sides):
                lines.append(node.lineno)
    return lines


def _has_words(node: ast.AST) -> bool:
    """Whether an expression holds the words of a reason: a column, or the text of a remark."""
    for one in ast.walk(node):
        match one:
            case ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=name)):
                if name in _WORDS:
                    return True
            case _:
                continue
        match one:
            case ast.Attribute(value=ast.Name(id="remark" | "r"), attr="text"):
                return True
    return False

"""Mistakes of sections in plain words: what was given, and what is allowed."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from quakeline.core.errors import ConfigError
from quakeline.core.mistakes import alternatives, validated
from quakeline.core.section import Section
from quakeline.events.chain.associate import Settings as Associate
from quakeline.training.settings import Settings as Training
from quakeline.waveforms.preparation.settings import Settings as Prepare
from quakeline.waveforms.sources import Source


class Codes(Section):
    """A section with texts."""

    instruments: list[str]


#: Words of pydantic that nobody should have to read.
THEIRS = ("Input", "tag", "permitted", "discriminator", "valid ", "parse", "Field", "Value error")


@pytest.mark.parametrize(
    ("kind", "given", "line"),
    [
        (Prepare, {"bridge_gap_s": "a"}, "x.bridge_gap_s: 'a' given; allowed: a number"),
        (Prepare, {"bridge_gap_s": -1}, "x.bridge_gap_s: -1 given; allowed: 0 or more"),
        (Prepare, {"bridge_gap_s": 6}, "x.bridge_gap_s: 6 given; allowed: 5 or less"),
        (Prepare, {"mend_spikes": 3}, "x.mend_spikes: 3 given; allowed: true or false"),
        (Prepare, {"instruments": "HH"}, "x.instruments: 'HH' given; allowed: a list"),
        (Prepare, {"prefer": 1}, "x.prefer: 1 given; allowed: keys with values"),
        (
            Prepare,
            {"prefer": {"instrument": []}},
            "x.prefer.instrument: unknown key; did you mean instruments? allowed: instruments, loc",
        ),
        (Associate, {"min_picks": 1}, "x.min_picks: 1 given; allowed: 3 or more"),
        (Training, {"epochs": 1.5}, "x.epochs: 1.5 given; allowed: a whole number"),
        (Training, {"batch": 0}, "x.batch: 0 given; allowed: 1 or more"),
        (Training, {"learning_rate": 0}, "x.learning_rate: 0 given; allowed: above 0"),
        (Training, {"norms": "none"}, "x.norms: 'none' given; allowed: 'keep' or 'train'"),
        (Source, {"kind": "sdss"}, "x.kind: 'sdss' given; did you mean sds? allowed: files, sds"),
        (Source, {"roots": ["a"]}, "x.kind: is required; allowed: files, sds, "),
        (Source, {"kind": "sds"}, "x.roots: is required"),
        (Source, {"kind": "sds", "roots": []}, "x.roots: [] given; at least 1 needed"),
        (Source, {"kind": "sds", "roots": ["a"], "no": 1}, "x.no: unknown key; "),
    ],
)
def test_lines(kind: Any, given: dict[str, Any], line: str) -> None:
    with pytest.raises(ConfigError) as raised:
        validated(kind, given, "x")
    (said,) = str(raised.value).splitlines()
    assert said.startswith(line)
    assert not any(word in said for word in THEIRS)


def test_all_mistakes_are_told() -> None:
    with pytest.raises(ConfigError) as raised:
        validated(Prepare, {"bridge_gap_s": -1, "bridge": 1})
    assert len(str(raised.value).splitlines()) == 2


def test_what_is_right_is_made() -> None:
    assert validated(Prepare, {"bridge_gap_s": 0}, "x").bridge_gap_s == 0


def test_alternatives_are_one_text() -> None:
    said = alternatives(["allowed: a whole number", "allowed: 'auto'", "allowed: 'auto'"])
    assert said == "allowed: a whole number or 'auto'"


@pytest.mark.parametrize(
    "word", ["no", "ON", "2019", "1.0", "010", "2020-01-01", "2020-01-01T00:00:00"]
)
def test_words_that_yaml_makes_no_text_of_are_to_be_in_quotes(word: str) -> None:
    """Codes of stations and names of runs may be such words."""
    for text, kept in ((word, False), (f"'{word}'", True)):
        given = {"instruments": [yaml.safe_load(text)]}
        if kept:
            assert validated(Codes, given, "x").instruments == [word]
            continue
        with pytest.raises(ConfigError, match="allowed: text in quotes") as raised:
            validated(Codes, given, "x")
        assert "datetime" not in str(raised.value)

"""Words of a command line that are wrong: one line that says what was given and what is allowed."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from quakeline import cli
from quakeline.commands.training_jobs import settings_from
from quakeline.core.errors import EXIT_CODE, ConfigError


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("pick --modl x", "pick: no option --modl; did you mean --model?"),
        ("pikc", ": no command pikc; did you mean pick?"),
        ("zzz", ": no command zzz; allowed: catalog, config, correlate, "),
        ("pick", "pick: argument files is missing"),
        ("pick a -o b --threads 0", "pick: --threads: '0' given; allowed: 1 or more"),
        ("pick a -o b --threads=few", "pick: --threads: 'few' given; allowed: a whole number"),
        ("live replay a -o b --loss 3", "live replay: --loss: '3' given; allowed: 1 or less"),
        ("config check a b", "config check: b given; nothing more is allowed"),
        ("pick --model", ": --model needs a value"),
        (
            "tune picker --dataset a --output b --norms none",
            "tune picker: --norms: 'none' given; allowed: keep, train",
        ),
    ],
)
def test_one_line(words: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._code_of(words.split(), []) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (only,) = said.err.splitlines()
    assert only.startswith(f"quakeline{'' if line.startswith(':') else ' '}{line}")
    assert only.endswith(" -h)")


def test_help_stays_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli._code_of(["pick", "-h"], []) == 0
    assert "Usage: quakeline pick" in capsys.readouterr().out
    assert cli._code_of(["evaluate"], []) == 2
    said = capsys.readouterr()
    assert "Usage: quakeline evaluate" in said.out + said.err
    assert cli._code_of(["--version"], []) == 0


@pytest.mark.parametrize(
    "words",
    [
        ["pick", "a.mseed", "-o", "p.csv"],
        ["live", "replay", "a.mseed", "-o", "out"],
        ["train", "t.yaml"],
        ["tune", "picker", "--dataset", "ds", "-o", "w.safetensors"],
        ["tune", "classifier", "--dataset", "ds", "-o", "w.safetensors"],
    ],
)
def test_devices_are_the_same_for_all_commands(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli._code_of([*words, "--device", "tpu"], []) == 2
    assert "--device: 'tpu' given; allowed: auto, cpu, cuda" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", ["scan", "live replay", "live run", "pick", "catalog", "reproduce", "init"]
)
def test_no_word_of_a_help_is_cut(
    words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert cli._code_of([*words.split(), "-h"], []) == 0
    assert "\u2026" not in capsys.readouterr().out


def test_help_breaks_where_the_terminal_does(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No line of a paragraph ends where the first word of the next one had had room."""
    monkeypatch.setenv("COLUMNS", "80")
    for words in (["scan"], ["live", "replay"], ["run"], ["tune", "velocity"]):
        assert cli._code_of([*words, "-h"], []) == 0
        text = capsys.readouterr().out.partition("\u256d")[0]
        lines = [line.strip() for line in text.splitlines()]
        pairs = [(a, b) for a, b in pairwise(lines) if a and b]
        assert pairs, "no paragraph of several lines"
        for line, following in pairs:
            assert len(line) + 1 + len(following.split()[0]) > 80 - 2, (words, line, following)


@pytest.mark.parametrize("value", ["[5", "2024-13-45"])
def test_a_value_that_cannot_be_read_is_one_line(
    value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    word = f"min_pga_gal={value}"
    said = f"--set: {word!r} given, whose value cannot be read"
    with pytest.raises(ConfigError, match=re.escape(said)):
        settings_from({}, [word])
    words = ["dataset", "prepare", "a", "--output", "b", "--set", word]
    assert cli._code_of(words, []) == EXIT_CODE
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"quakeline: {said}")

"""The blocks of commands in the documentation, and what the documentation says of running them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

#: What a line of a block begins with that somebody shall type into a shell.
_COMMAND = re.compile(
    r"(\.venv/bin/\S+|quakeline|snakemake|make|git|cp|cd|pip|python\S*|\$EDITOR|export)(\s|$)"
)
_MARK = re.compile(r"<!-- (not run|slow): (.+) -->")

Kind = Literal["shell", "overlay"]


@dataclass(frozen=True)
class Block:
    """A block of a page: its first line, what it is, its text, and how it is marked and why."""

    page: str
    line: int
    kind: Kind
    text: str
    mark: str = ""
    why: str = ""

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(text: str, page: str) -> list[Block]:
    """Blocks of commands, and of configuration that names its run, in their order."""
    found = []
    mark, why = "", ""
    for line, body in _code(text):
        if isinstance(body, re.Match):
            mark, why = body[1], body[2]
            continue
        kind = _kind(body)
        if kind:
            found.append(Block(page, line, kind, body, mark, why))
        mark = why = ""
    return found


def _kind(body: str) -> Kind | None:
    if any(_COMMAND.match(line) for line in body.splitlines()):
        return "shell"
    return "overlay" if re.match(r"run: \w+$", body.splitlines()[0]) else None


def _code(text: str) -> list[tuple[int, str | re.Match[str]]]:
    """Fenced and indented code, and marks, with the numbers of their lines."""
    found: list[tuple[int, str | re.Match[str]]] = []
    lines = text.splitlines()
    n = 0
    while n < len(lines):
        start, match = n, _MARK.fullmatch(lines[n].strip())
        if match:
            found.append((n + 1, match))
        elif lines[n].startswith("```"):
            n += 1
            while not lines[n].startswith("```"):
                n += 1
            found.append((start + 2, "\n".join(lines[start + 1 : n])))
        elif lines[n].startswith("    ") and not lines[n - 1].strip():
            while n + 1 < len(lines) and (lines[n + 1].startswith("    ")):
                n += 1
            found.append((start + 1, "\n".join(line[4:] for line in lines[start : n + 1])))
        n += 1
    return found


def write_overlay(block: Block, folder: Path) -> None:
    """Put the configuration of a block where its run is looked for."""
    name = yaml.safe_load(block.text)["run"]
    (folder / "config/runs").mkdir(exist_ok=True)
    (folder / "config/runs" / f"{name}.yaml").write_text(block.text + "\n", encoding="utf-8")

"""Reference pages made from the program: tables and stores, commands, Python names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby

import typer
from typer.cli import get_docs_for_click
from typer.main import get_command

import quakeline
from quakeline import cli
from quakeline.core import schemas as described

#: What the rooms of the package are about, as headings of the page of Python names.
_ROOMS = {
    "api": "Waveforms to picks, picks to a catalog",
    "io": "What a run kept",
    "models": "Networks and weights",
    "fibres": "Fibre data",
}


def schemas() -> str:
    """Every table and store, column by column."""
    head = (
        "# Tables and stores\n\nTables are Parquet files; the unit and meaning of each column are "
        "also in the file's own schema. Stores are Zarr v3 groups. Times are UTC. A version is "
        "raised when a column or array changes.\n"
    )
    parts = [head]
    for table in described.TABLES:
        rows = (
            (c.name, c.type, c.unit, "yes" if c.nullable else "", c.meaning) for c in table.columns
        )
        parts.append(f"\n## {table.name}\n\nTable, version {table.version}.\n")
        parts.append(_table(("column", "type", "unit", "may be null", "meaning"), rows))
    for store in described.STORES:
        arrays = ((a.name, ", ".join(a.dims), a.dtype, a.unit, a.meaning) for a in store.arrays)
        names = ", ".join(f"`{name}`" for name in store.attributes)
        parts.append(f"\n## {store.name}\n\nStore, version {store.version}; attributes {names}.\n")
        parts.append(_table(("array", "dimensions", "dtype", "unit", "meaning"), arrays))
    return "\n".join(parts)


def commands() -> str:
    """Every command with its arguments and options, as `--help` shows them."""
    command = get_command(cli.app)
    text = get_docs_for_click(
        obj=command, ctx=typer.Context(command), name="quakeline", title="Commands"
    )
    fenced = False
    lines = []
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        lines.append(line if fenced or line.startswith(("**", "```")) else _plain(line))
    return "\n".join(lines) + "\n"


def api() -> str:
    """The names that `import quakeline` gives, by the rooms that hold them."""
    text = ["# Python\n\nWhat `import quakeline` gives.\n"]
    places = sorted(
        quakeline._PLACES.items(), key=lambda item: [*_ROOMS, room(item[1])].index(room(item[1]))
    )
    for name, members in groupby(places, key=lambda item: room(item[1])):
        text.append(f"\n## {_ROOMS.get(name, name.capitalize())}\n")
        text += [f"\n::: {module}.{member}\n" for member, module in members]
    return "\n".join(text)


def room(module: str) -> str:
    """The part of the package that a module belongs to."""
    return module.split(".")[1]


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(head)
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    for first, *others in rows:
        cells = [f"`{first}`", *(_plain(cell).replace("|", "\\|") for cell in others)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _plain(line: str) -> str:
    """A line in which * and < stand for themselves, but for code and the sign of a list."""
    sign = "* " if line.startswith("* ") else ""
    parts = re.split(r"(`[^`]*`)", line.removeprefix(sign))
    return sign + "".join(
        part if part.startswith("`") else re.sub(r"([*<_])", r"\\\1", part) for part in parts
    )

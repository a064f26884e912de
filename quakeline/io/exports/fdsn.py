"""Events as the text of FDSN event web services (fdsnws-event 1.2, format=text)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from quakeline import __version__
from quakeline.core.timeline import iso
from quakeline.io.export_files import FILE
from quakeline.io.exports.base import Format, Tables
from quakeline.io.formats.channel_codes import rows
from quakeline.io.formats.quakeml import Labels, event_type
from quakeline.io.products.atomic import write_text

_COLUMNS = (
    "EventID|Time|Latitude|Longitude|Depth/km|Author|Catalog|Contributor|ContributorID|MagType"
    "|Magnitude|MagAuthor|EventLocationName|EventType"
)


def text(events: pd.DataFrame, labels: Labels) -> str:
    """EVENTS as text, one line each; what is not known is empty."""
    author = _cell(labels.author or f"quakeline {__version__}")
    agency = _cell(labels.agency_id)
    return "".join(f"{line}\n" for line in ["#" + _COLUMNS, *_lines(events, author, agency)])


def _lines(events: pd.DataFrame, author: str, agency: str) -> list[str]:
    lines = []
    for row in rows(events):
        measured = pd.notna(row["magnitude"])
        cells = [
            _cell(row["event_id"]),
            iso(int(row["time"].as_unit("ns").value), digits=6).rstrip("Z"),
            f"{row['latitude']:.6f}",
            f"{row['longitude']:.6f}",
            f"{row['depth_km']:.4f}",
            author,
            "",
            agency,
            _cell(row["event_id"]),
            _cell(row["magnitude_type"]) if measured else "",
            f"{row['magnitude']:.2f}" if measured else "",
            author if measured else "",
            "",
            _cell(event_type(row["event_class"])),
        ]
        lines.append("|".join(cells))
    return lines


def _cell(value: object) -> str:
    """A text without the characters that part cells and lines; empty where there is none."""
    if not isinstance(value, str):
        return ""
    return " ".join(value.replace("|", "/").split())


def _write(catalog: Tables, path: Path, labels: Labels) -> None:
    write_text(path, text(catalog.events, labels))


FORMAT = Format("events, text of FDSN web services", FILE["fdsn-text"], False, _write)

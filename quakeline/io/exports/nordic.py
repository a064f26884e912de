"""Events in the Nordic format of SEISAN, by obspy's writer.

The newer form (SEISAN 12) is written: it has network and location codes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from pathlib import Path

import obspy.core.event as qml
from obspy.io.nordic.core import _write_nordic

from quakeline.io.export_files import FILE
from quakeline.io.exports.base import Format, Tables
from quakeline.io.formats.quakeml import Labels, each
from quakeline.io.products.atomic import write_text

#: obspy puts the time of writing here; the same catalog must give the same bytes.
_ACTION = re.compile(r"(?<=Action:ARG )\d\d-\d\d-\d\d \d\d:\d\d")


def text(events: Iterable[qml.Event]) -> str:
    """The events one after the other; each a block that ends with a blank line."""
    return "".join(f"{_block(event)}\n" for event in events)


def _block(event: qml.Event) -> str:
    stream = io.StringIO()
    _write_nordic(event, None, userid="QKL", nordic_format="NEW", string_io=stream)
    when = event.preferred_origin().time.strftime("%y-%m-%d %H:%M")
    return _ACTION.sub(when, stream.getvalue())


def _write(catalog: Tables, path: Path, labels: Labels) -> None:
    made = each(catalog.events, catalog.arrivals, catalog.picks, catalog.stations, labels)
    write_text(path, text(made))


FORMAT = Format("Nordic (SEISAN)", FILE["nordic"], False, _write)

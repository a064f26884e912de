"""What `quakeline config check` sees beyond the settings: stations, archive, span, weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from quakeline.core.errors import DataError
from quakeline.core.timeline import Span, iso
from quakeline.io.formats.plausible import shown
from quakeline.io.formats.waveform_files import ChannelHeader, read_headers
from quakeline.io.products.remarks import some
from quakeline.workflow.inspection import places
from quakeline.workflow.inspection.plan import metadata
from quakeline.workflow.inspection.weights import unusable
from quakeline.workflow.networks_told import planned

if TYPE_CHECKING:
    from quakeline.fibres.section import Fibre
    from quakeline.waveforms.sources.base import BaseSource
    from quakeline.workflow.config import Run

#: Files of an archive whose headers are read; more are tried evenly.
MOST_FILES = 100
_SHOWN = 5


@dataclass
class Findings:
    """Facts on the stations and data of a run, by a short name; doubts; and mistakes."""

    facts: dict[str, str] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)


def look(run: Run) -> Findings:
    """Look at stations, data and weights of a run, seen from the folder that it works in.

    Mistakes are what a run cannot begin with, or would end without any data for; doubts are what
    is possible and looks wrong. Servers are not asked.
    """
    found = Findings()
    found.doubts += _on_times(run)
    known = pd.DataFrame()
    try:
        if run.stations.table or run.stations.stationxml:
            known = metadata(run.stations.matching("stationxml"), run.stations.table).stations
            found.facts["stations"] = places.where(known)
            found.doubts += places.doubts(known)
    except DataError as error:
        found.mistakes.append(f"stations: {error}")
    if run.fetch and not run.fetch.source.remote:
        _look_at_archive(run.fetch.source, run.span, known, found)
    for fibre in run.fibres:
        try:
            _look_at_fibre(fibre, run.span, found)
        except DataError as error:
            found.mistakes.append(f"fibres: {fibre.name}: {error}")
    found.mistakes += unusable(run)
    found.facts |= planned(run)
    return found


def _on_times(run: Run) -> Iterator[str]:
    """Times without a zone."""
    for name in ("start", "end"):
        given = getattr(run.time, name)
        if given.tzinfo is None:
            yield f"time.{name}: {given.isoformat()} names no time zone and is read as UTC: write Z"


def _of(span: Span) -> str:
    return f"from {iso(span.start_ns, digits=0)} to {iso(span.end_ns, digits=0)}"


def _look_at_archive(source: BaseSource, span: Span, known: pd.DataFrame, found: Findings) -> None:
    """Whether the archive has files, readable ones, data in the span, and of known stations."""
    try:
        files = source.files(span)
    except DataError as error:
        found.mistakes.append(f"fetch.source: {error}")
        return
    if not files:
        found.mistakes.append(f"fetch.source: the archive has no file {_of(span)}")
        return
    tried = files[:: -(-len(files) // MOST_FILES)]
    said = f"{len(tried)} of " * (len(tried) < len(files)) + f"{len(files)} files"
    headers, unreadable = _headers(tried, source)
    inside = [h for h in headers if h.start_ns < span.end_ns and h.end_ns >= span.start_ns]
    doubts = found.mistakes if len(tried) == len(files) else found.doubts
    if not headers:
        doubts.append(f"fetch.source: none of {said} has waveforms: {next(iter(unreadable), '')}")
    elif not inside:
        whole = Span(min(h.start_ns for h in headers), max(h.end_ns for h in headers))
        doubts.append(
            f"fetch.source: none of {said} has data {_of(span)}, the span of `time`; theirs are"
            f" {_of(whole)}"
        )
    else:
        stations = {f"{h.network}.{h.station}" for h in inside}
        found.facts["data"] = f"{said} of {len(stations)} stations ({some(stations, _SHOWN)})"
        _compare(stations, known, doubts, found)


def _look_at_fibre(fibre: Fibre, span: Span, found: Findings) -> None:
    """Whether a fibre has files of the span, and what gives its channels their places."""
    table, line = fibre.channels.table, fibre.channels.line
    placed_by = table or ("a straight line" if line else "nothing")
    fact = f"channels placed by {placed_by}"
    if not fibre.source.remote:
        n_files = len(fibre.source.files(span))
        if not n_files:
            found.mistakes.append(f"fibres: {fibre.name}: no file {_of(span)}")
            return
        fact = f"{n_files} file{'s' * (n_files > 1)}, {fact}"
    found.facts[f"fibre {fibre.name}"] = fact


def _headers(
    files: Sequence[Path], source: BaseSource
) -> tuple[list[ChannelHeader], dict[str, None]]:
    """Headers of files, and why others have none."""
    headers: list[ChannelHeader] = []
    unreadable: dict[str, None] = {}
    for path in files:
        try:
            headers += read_headers(path, partial(source.named, path))
        except DataError as error:
            unreadable[f"{shown(path)}: {error}"] = None
    return headers, unreadable


def _compare(stations: set[str], known: pd.DataFrame, wrong: list[str], found: Findings) -> None:
    """Stations of the data against those of the metadata."""
    if known.empty:
        return
    described = set(known["network"] + "." + known["station"])
    unknown = stations - described
    if unknown == stations:
        wrong.append(
            f"stations: none of the {len(stations)} with data ({some(stations, _SHOWN)}) is among"
            f" the {len(described)} described ({some(described, _SHOWN)})"
        )
    elif unknown:
        found.doubts.append(
            f"stations: {some(unknown, _SHOWN)} of the data are not described, and are not used"
        )
    idle = described - stations
    if len(idle) > len(described) / 2 and unknown != stations:
        found.doubts.append(
            f"stations: {len(idle)} of {len(described)} described have no data in the files looked"
            " at"
        )

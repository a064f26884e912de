"""`quakeline inspect`: what an archive holds, and what the workflow would do with it."""

from __future__ import annotations

import os
from collections.abc import Callable
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quakeline.core.errors import ConfigError, DataError
from quakeline.io.formats.plausible import shown as printable

if TYPE_CHECKING:
    from rich.console import Console

    from quakeline.core.reasons import Reason
    from quakeline.workflow.inspection.holdings import Holding
    from quakeline.workflow.inspection.plan import ChannelPlan
    from quakeline.workflow.inspection.scan import Scan

_WIDTH = 180
_MOST_FILES = 3

Paths = Annotated[list[Path], typer.Argument(help="Waveform files, folders, or glob patterns.")]
StationXml = Annotated[
    list[str] | None, typer.Option(help="StationXML files (patterns), repeatable.")
]
Stations = Annotated[
    Path | None, typer.Option(help="CSV file with coordinates: network, station, latitude ...")
]
Model = Annotated[
    str, typer.Option(help="Weight set whose sampling rate counts; see `quakeline models`.")
]
Plot = Annotated[Path | None, typer.Option(help="Draw when there are data: *.svg, *.png or *.pdf.")]
Csv = Annotated[Path | None, typer.Option("--csv", help="Write the table to this file.")]
Json = Annotated[
    Path | None, typer.Option("--json", help="Write the table and unreadable files to this file.")
]
Processes = Annotated[
    int | None, typer.Option(min=1, help="Processes at most; default: one per core.")
]


def inspect(
    paths: Paths,
    stationxml: StationXml = None,
    stations: Stations = None,
    model: Model = "phasenet",
    plot: Plot = None,
    csv: Csv = None,
    json: Json = None,
    processes: Processes = None,
) -> None:
    """Say what an archive holds, and what the workflow would do with it.

    Stations, channels, rates, spans, gaps, overlaps, timing quality, missing responses and
    coordinates; only headers are read. "twice" is time that is there more than once, "timing" the
    lowest and the median timing quality of the records. Files that cannot be read are named on
    standard error.
    """
    rate_hz = _rate(model)

    from rich.console import Console

    from quakeline.commands.progress import shown
    from quakeline.io.products import targets
    from quakeline.io.products.remarks import some
    from quakeline.workflow.inspection.holdings import holdings, manifest_of
    from quakeline.workflow.inspection.plan import metadata, plans
    from quakeline.workflow.inspection.plot import SUFFIXES, draw
    from quakeline.workflow.inspection.scan import find, scan_all
    from quakeline.workflow.inspection.table import frame_of, show, write_csv, write_json

    if plot is not None and plot.suffix not in SUFFIXES:
        raise ConfigError(f"--plot: {str(plot)!r} given; allowed: *{', *'.join(SUFFIXES)}")
    options = {"--csv": csv, "--json": json, "--plot": plot}
    responses = [Path(found) for pattern in stationxml or [] for found in glob(pattern)]
    inputs = [*targets.named_files([*paths, stations]), *responses]
    _require(options, inputs)
    known = metadata(stationxml or [], None if stations is None else str(stations))
    files = find(paths)
    with shown("reading headers", Console(stderr=True), _megabytes) as progress:
        scans = scan_all(files, processes or len(os.sched_getaffinity(0)), progress)
    _require(options, _recordings(scans))
    held = holdings(scans)
    planned = plans(held, manifest_of(scans), known, rate_hz)
    show(held, planned, _console())
    _report(scans, held, planned)
    if not known.given:
        typer.echo(
            "no station metadata given (--stationxml, --stations): coordinates and responses were"
            " not looked for"
        )
    frame = frame_of(held, planned)
    unreadable = {printable(one.path): one.unreadable for one in scans if one.unreadable}
    _write(csv, lambda path: write_csv(frame, path))
    _write(json, lambda path: write_json(frame, unreadable, path))
    if not held:
        raise DataError(f"no waveforms in {some([printable(path) for path in paths], _MOST_FILES)}")
    _write(plot, lambda path: draw(held, planned, path))


def _rate(model: str) -> float:
    from quakeline.models.named import named_card

    return named_card(model)[1].sampling_rate_hz


def _console() -> Console:
    """A console that does not fold lines where nobody looks at a screen."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)


def _megabytes(n_bytes: float) -> str:
    return f"{n_bytes / 1e6:.0f} MB"


def _report(scans: list[Scan], held: list[Holding], planned: list[ChannelPlan]) -> None:
    """Totals, remarks on channels, and files that cannot be read."""
    from quakeline.io.products.remarks import some
    from quakeline.workflow.inspection.table import duration

    stations = {tuple(one.codes.split(".")[:2]) for one in held}
    seconds = sum(one.n_samples / one.rate_hz for one in held if one.rate_hz > 0)
    size = sum(one.size for one in scans)
    typer.echo(
        f"{len(stations)} stations, {len(held)} channels, {duration(seconds)} of channel data,"
        f" {len(scans)} files, {_megabytes(size)};"
        f" {sum(plan.used for plan in planned)} channels would be used"
    )
    notes: dict[Reason, list[str]] = {}
    for one in held:
        for note in one.notes:
            notes.setdefault(note, []).append(one.codes)
    for note, codes in notes.items():
        typer.echo(f"remark: {note}: {some(codes, _MOST_FILES)}")
    reasons: dict[str, list[str]] = {}
    for scan in scans:
        if scan.unreadable:
            reasons.setdefault(scan.unreadable, []).append(printable(scan.path))
    for reason, files in reasons.items():
        typer.echo(f"unreadable: {reason}: {some(files, _MOST_FILES)}", err=True)


def _require(options: dict[str, Path | None], inputs: list[Path]) -> None:
    """Refuse files that must not be written, or are named twice."""
    from quakeline.io.products import targets

    given = {option: path for option, path in options.items() if path is not None}
    for option, path in given.items():
        targets.require_file(option, path, inputs)
        if sum(path.resolve() == other.resolve() for other in given.values()) > 1:
            raise ConfigError(
                f"{option}: {str(path)!r} given twice; allowed: a file for each table"
            )


def _recordings(scans: list[Scan]) -> list[Path]:
    """The files that were read, but for tables and pictures that this command may have written."""
    from quakeline.workflow.inspection.plot import SUFFIXES

    own = (".csv", ".json", *SUFFIXES)
    return [scan.path for scan in scans if not (scan.unreadable and scan.path.suffix in own)]


def _write(target: Path | None, writer: Callable[[Path], None]) -> None:
    if target is not None:
        writer(target)
        typer.echo(f"written  {target}")

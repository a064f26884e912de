"""`quakeline fetch`: the raw data of a run, without the rest of the workflow."""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quakeline.core.errors import EXIT_CODE, ConfigError, DataError
from quakeline.core.reasons import Reason, text_of

if TYPE_CHECKING:
    from rich.console import Console

    from quakeline.core.timeline import Span
    from quakeline.waveforms.sources.base import Notify, Obtained
    from quakeline.workflow.config import Run

#: After so many chunks in a row of which nothing could be fetched the rest is not tried.
_GIVEN_UP_AFTER = 3


def fetch(
    overlay: Annotated[
        str | None,
        typer.Argument(help="Overlay on config/config.yaml: a file, or a name in config/runs."),
    ] = None,
) -> None:
    """Fetch the raw data of a run: only what is missing, and what failed or was late before.

    A killed download continues. Where data change that a finished run has used, the next
    `quakeline run` works on those chunks again.
    """
    from rich.console import Console

    from quakeline.workflow import launch

    place = launch.find_place(Path.cwd(), overlay)
    path = launch.find_overlay(place, overlay, Path.cwd())
    run = launch.checked(place, path)
    console = Console()
    _workflow(place, run, path, "stations")
    requests = _Requests()
    if run.remote:
        with chdir(place):
            _download(run, requests, console)
        requests.show(console)
    if requests.problems:
        raise typer.Exit(EXIT_CODE)
    _workflow(place, run, path, "fetch")


def _workflow(place: Path, run: Run, overlay: Path | None, rule: str) -> None:
    """Run the workflow as far as a rule."""
    from quakeline.workflow import launch

    outcome = launch.launch(place, run, overlay, "all", ["--until", rule])
    for line in outcome.lines:
        typer.echo(f"quakeline: {line}", err=True)
    if outcome.code:
        raise typer.Exit(outcome.code)


@dataclass
class _Requests:
    """What became of the requests, and of the time asked for."""

    requests: Counter[str] = field(default_factory=Counter)
    n_bytes: int = 0
    seconds: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    notes: dict[str, dict[Reason, None]] = field(default_factory=lambda: defaultdict(dict))
    problems: list[str] = field(default_factory=list)

    def notify(self, outcome: str, n_bytes: int) -> None:
        """Count a request."""
        self.requests[outcome] += 1
        self.n_bytes += n_bytes

    def add(self, chunk: Span, obtained: Obtained) -> None:
        """Add the windows of a chunk, without its margins."""
        for window in obtained.windows:
            start = max(window.span.start_ns, chunk.start_ns)
            end = min(window.span.end_ns, chunk.end_ns)
            if end <= start:
                continue
            self.seconds[window.station][window.outcome] += round((end - start) / 1e9)
            if window.outcome == "failed":
                self.notes[window.station] |= dict.fromkeys(window.notes)
                self.problems.append(window.station)

    def line(self, place: str) -> str:
        """The state of things in one line."""
        asked = sum(n for outcome, n in self.requests.items() if outcome != "known")
        parts = [f"{self.requests[name]} {name}" for name in ("data", "no data", "failed")]
        return f"{place}: {asked} requests ({', '.join(parts)}), {self.n_bytes / 1e6:.1f} MB"

    def show(self, console: Console) -> None:
        """Print a table of the stations: hours with data, without data, and failed."""
        from rich.box import SIMPLE_HEAD
        from rich.table import Table

        table = Table(box=SIMPLE_HEAD)
        table.add_column("station", no_wrap=True)
        for heading in ("data, h", "no data, h", "failed, h"):
            table.add_column(heading, justify="right")
        table.add_column("why it failed")
        for station, seconds in sorted(self.seconds.items()):
            hours = [f"{seconds[name] / 3600:.2f}" for name in ("data", "no data", "failed")]
            table.add_row(station, *hours, text_of(self.notes[station]))
        console.print(table)
        console.print(self.line("fetched"), highlight=False)
        failed = len(set(self.problems))
        if failed:
            typer.echo(
                f"quakeline: requests failed ({failed} stations or chunks, see above); the same"
                " command asks again",
                err=True,
            )


def _download(run: Run, requests: _Requests, console: Console) -> None:
    """Fetch chunk by chunk; a chunk of which nothing comes does not end it, several do."""
    from quakeline.commands.progress import told

    in_vain = 0
    chunks = run.time.chunks()
    with told(console) as tell:
        for number, chunk in enumerate(chunks, 1):
            where = f"chunk {number} of {len(chunks)}"

            def notify(outcome: str, n_bytes: int, where: str = where) -> None:
                requests.notify(outcome, n_bytes)
                tell(requests.line(where))

            try:
                requests.add(chunk, _obtain(run, chunk, notify))
                in_vain = 0
            except DataError as error:
                in_vain += 1
                if in_vain == min(_GIVEN_UP_AFTER, len(chunks)):
                    raise
                typer.echo(f"quakeline: {chunk.id}: {error}", err=True)
                requests.problems.append(chunk.id)


def _obtain(run: Run, chunk: Span, notify: Notify) -> Obtained:
    """Fetch a chunk, and note where the manifest of a run is out of date by that."""
    from quakeline.core.schemas import STATIONS
    from quakeline.io.products import tables
    from quakeline.io.products.atomic import write_text
    from quakeline.workflow.stages.fetch import archive_folder, edition_note

    results = Path("results") / run.run
    manifest = results / "raw" / f"{chunk.id}.parquet"
    stations = tables.read(results / "stations.parquet", STATIONS)
    span = run.read_for(chunk)
    if run.fetch is None:
        raise ConfigError("fetch: null given; a run of fibres alone has nothing to fetch")
    obtained = run.fetch.source.obtain(span, stations, archive_folder(manifest), notify)
    changed_ns = max((window.changed_ns for window in obtained.windows), default=0)
    if manifest.is_file() and changed_ns > manifest.stat().st_mtime_ns:
        write_text(edition_note(manifest), f"{changed_ns}\n")
    return obtained

"""`quakeline evaluate catalog`: a finished catalog beside a reference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quakeline.commands.places import catalog_of, files_of, run_folder_of, settings_of
from quakeline.core.errors import ConfigError, DataError

if TYPE_CHECKING:
    from quakeline.core.timeline import Span
    from quakeline.io.exports import Tables
    from quakeline.workflow.stages.evaluate import Config


Run = Annotated[str, typer.Argument(help="Name of a run, or a folder with its tables.")]
Reference = Annotated[
    str | None,
    typer.Option(
        help="A file (QuakeML, FDSN text, CSV, Parquet), a run or the folder of a catalog, or"
        " fdsn:SERVICE, fdsn:URL; default, also of the other options: that of the run."
    ),
]
Start = Annotated[
    str | None, typer.Option(help="Begin of what is compared, ISO 8601; default: the run's.")
]
End = Annotated[str | None, typer.Option(help="End of what is compared; default: the run's.")]
ToleranceS = Annotated[
    float | None, typer.Option(min=0.001, help="Largest difference of origin times, seconds.")
]
ToleranceKm = Annotated[
    float | None, typer.Option(min=0.001, help="Largest distance of epicentres, kilometres.")
]
MaxDistance = Annotated[
    float | None, typer.Option(min=0, help="Leave out events farther from every station, km.")
]
MinMagnitude = Annotated[
    float | None, typer.Option(help="Smallest magnitude of the reference that is looked for.")
]
Stations = Annotated[
    Path | None,
    typer.Option(help="Stations (CSV, StationXML, Parquet); default: those beside the tables."),
]
Json = Annotated[Path | None, typer.Option("--json", help="Write everything to this file.")]


def catalog(
    run: Run,
    reference: Reference = None,
    start: Start = None,
    end: End = None,
    tolerance_s: ToleranceS = None,
    tolerance_km: ToleranceKm = None,
    max_distance_km: MaxDistance = None,
    min_magnitude: MinMagnitude = None,
    stations: Stations = None,
    json_file: Json = None,
) -> None:
    """Matched, missed and new events, their differences, completeness and b-value."""
    import json

    from quakeline.events.comparison.evaluation import evaluate, reference_of
    from quakeline.io.products import targets
    from quakeline.io.products.atomic import write_text

    if json_file is not None:
        read = [*files_of(run), stations, reference and Path(reference)]
        targets.require_file("--json", json_file, read)
    folder = run_folder_of(run)
    given = {
        "reference": reference,
        "tolerance_s": tolerance_s,
        "tolerance_km": tolerance_km,
        "max_distance_km": max_distance_km,
        "min_magnitude": min_magnitude,
    }
    chosen = _settings(folder, {key: value for key, value in given.items() if value is not None})
    named = chosen.reference
    if named is None:
        raise ConfigError("--reference: none given, and the run has none in evaluate.reference")
    found = catalog_of(run, stations)
    if found.stations is None or found.stations.empty:
        raise DataError(f"{run} has no table of stations; give them with --stations")
    span = _span(folder, found, start, end)
    theirs = reference_of(chosen, found.stations, span, _file(named, folder))
    result = evaluate(found.events, theirs, found.stations, span, chosen)
    summary = {"reference": named, **result.summary}
    if json_file is not None:
        write_text(json_file, json.dumps(summary, indent=1) + "\n")
    for line in _lines(summary):
        typer.echo(line)
    for doubt in summary["doubts"]:
        typer.secho(f"WARNING       {doubt}", fg="yellow")


def _settings(folder: Path, given: dict[str, Any]) -> Config:
    """The run's section `evaluate` with what is given on the command line."""
    from pydantic import ValidationError

    from quakeline.core.mistakes import mistakes
    from quakeline.workflow.stages.evaluate import Config

    own = settings_of(folder).get("evaluate", {})
    try:
        return Config.model_validate(own | given)
    except ValidationError as error:
        raise ConfigError(mistakes(error, Config, "evaluate")[0]) from None


def _file(name: str, folder: Path) -> Path:
    """A file or a catalog as it is named, else from where the run was; else a run of that name."""
    from quakeline.io.exports import event_folders, session_of
    from quakeline.io.products.runs import home_of
    from quakeline.workflow import launch

    home = home_of(session_of(folder) or folder)
    places = [Path(name), home / name, launch.results_place(Path.cwd()) / "results" / name]
    found = [place for place in places if place.exists()] or [Path(name)]
    # Data may lie in a folder with the name of the run.
    return next((one for one in found if one.is_file() or event_folders(one)), found[0])


def _span(folder: Path, found: Tables, start: str | None, end: str | None) -> Span:
    """What is compared: as given, else the chunks of the run, else from first to last pick."""
    from quakeline.core.timeline import SECOND, Span

    chunks = [Span.parse(path.stem) for path in sorted(folder.glob("raw/*_*.parquet"))]
    times = found.picks["time"].dt.as_unit("ns").astype("int64")
    if chunks:
        known = (min(c.start_ns for c in chunks), max(c.end_ns for c in chunks))
    elif len(times):
        known = (int(times.min()) - 60 * SECOND, int(times.max()) + SECOND)
    else:
        known = (0, 0)
    first = _time("--start", start) if start else known[0] // SECOND * SECOND
    last = _time("--end", end) if end else -(-known[1] // SECOND) * SECOND
    if last <= first:
        raise ConfigError(f"--end must be later than --start: {end!r} and {start!r} given")
    return Span(first, last)


def _time(option: str, text: str) -> int:
    from datetime import datetime

    from quakeline.core.timeline import to_ns

    try:
        return to_ns(datetime.fromisoformat(text))
    except ValueError:
        raise ConfigError(
            f"{option}: {text!r} given; allowed: ISO 8601, e.g. 2024-01-31T06:00:00"
        ) from None


def _lines(summary: dict[str, Any]) -> list[str]:
    lines = [
        f"reference     {summary['reference']}",
        f"matched       {summary['matched']}",
        f"missed        {summary['missed']}",
        f"new           {summary['new']}",
        f"recall        {_percent(summary['recall'])}",
        f"precision     {_percent(summary['precision'])}",
    ]
    units = {"time_s": "s", "epicentre_km": "km", "depth_km": "km", "magnitude": ""}
    for name, unit in units.items():
        spread = summary["differences"][name]
        if spread["n"]:
            # Adding nothing turns a zero with a minus into one without.
            text = f"{round(spread['median'], 2) + 0.0:+.2f} {unit}, MAD {spread['mad']:.2f} {unit}"
            lines.append(f"{name.removesuffix('_' + unit):<13} {text} ({spread['n']})")
    for row in summary["by_magnitude"]:
        name = "M unknown" if row["from"] is None else f"M {row['from']:g}-{row['to']:g}"
        lines.append(_class(name, row))
    for row in summary["by_distance"]:
        end = "" if row["to_km"] is None else f"{row['to_km']:g}"
        lines.append(_class(f"{row['from_km']:g}-{end} km", row))
    for name, law in summary["completeness"].items():
        lines.append(f"{name:<13} {_law(law)}")
    return lines


def _class(name: str, row: dict[str, Any]) -> str:
    return (
        f"{name:<13} recall {_percent(row['recall'])}, precision {_percent(row['precision'])}"
        f" ({row['matched']} matched, {row['missed']} missed, {row['new']} new)"
    )


def _law(law: dict[str, Any]) -> str:
    if law["completeness"] is None:
        return "no magnitudes"
    b = "too few for b" if law["b"] is None else f"b {law['b']:.2f} ± {law['b_sigma']:.2f}"
    return f"Mc {law['completeness']:.1f}, {b} ({law['above_completeness']} events above)"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"

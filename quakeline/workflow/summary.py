"""What a finished run found, as a short text for the terminal."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from quakeline.core.errors import ConfigError, DataError
from quakeline.core.reasons import Code, Reason, reasons_in
from quakeline.core.timeline import iso
from quakeline.workflow.run_tables import RunTables, chunk_tables, load, load_catalog

if TYPE_CHECKING:
    import pandas as pd

    from quakeline.io.formats.focal_mechanisms import Focal
    from quakeline.workflow.config import Run

#: Events and reasons listed at most; the files of the run hold all.
_MOST_EVENTS = 20
_MOST_REASONS = 25
_MOST_NAMES = 4
#: Longer paths are shown by their ends; longer words may be broken.
_LONG_PATH, _LONG_WORD = 30, 16
#: An event needs picks at this many stations, whatever the associator.
_FEWEST_STATIONS = 3


def show(run_dir: Path, console: Console, *, everything: bool = False) -> None:
    """Print what the run in a folder found; `everything` lists all events, files and reasons.

    Raises DataError as `summarise`; what is known about the data of an unfinished run is printed
    all the same.
    """
    try:
        console.print(summarise(run_dir, everything=everything))
    except DataError:
        parts = _reason_parts(run_dir, everything)
        if parts:
            console.print(*parts, sep="\n")
        raise


def summarise(run_dir: Path, *, everything: bool = False) -> Group:
    """Tell what a run found: events, totals, why data were not used, where the products are.

    Raises DataError for a folder that holds no finished run, with the names of those that exist.
    """
    found = load(run_dir)
    parts: list[RenderableType] = [Text(f"Run {run_dir.name}", style="bold"), Text()]
    parts += _event_parts(found, everything) if len(found.events) else _no_event_parts(found)
    diagnosis = _diagnosis(run_dir / "locations" / "diagnosis.json")
    warnings = [*diagnosis.get("doubts", []), *diagnosis.get("sentences", [])]
    parts += [Text(f"\n{sentence}", style="bold yellow") for sentence in warnings]
    parts += [Text(f"\n{sentence}") for sentence in _on_unjoined(found)]
    parts += [Text(), _totals(found, diagnosis.get("velocity", ""))]
    parts += _reason_parts(run_dir, everything)
    parts += _choice_parts(run_dir)
    parts += [Text(), _places(found)]
    return Group(*parts)


def show_catalog(folder: Path, console: Console, *, everything: bool = False) -> None:
    """Print what a catalog that a command or a live session wrote holds; `everything` as in `show`.

    Raises DataError for a folder without a catalog.
    """
    found = load_catalog(folder)
    title = Text(f"Catalog {folder}", style="bold")
    events = _event_parts(found, everything) if len(found.events) else [Text("No events.")]
    diagnosis = _diagnosis(folder / "diagnosis.json")
    warnings = [*diagnosis.get("doubts", []), *diagnosis.get("sentences", [])]
    told = [Text(f"\n{sentence}", style="bold yellow") for sentence in warnings]
    totals = _totals(found, diagnosis.get("velocity", ""))
    parts = title, Text(), *events, *told, Text(), totals, Text(), _catalog_places(folder)
    console.print(*parts, sep="\n")


def _n_stations(frame: pd.DataFrame) -> int:
    """Stations, or channels of fibres that stand for one."""
    return len(frame[["network", "station"]].dropna().drop_duplicates())


def _event_parts(found: RunTables, everything: bool) -> list[RenderableType]:
    """Table of the events; of many those with the most arrivals, in order of time."""
    events = found.events
    size = events["n_p"] + events["n_s"]
    largest = size.sort_values(ascending=False, kind="stable").index[
        : None if everything else _MOST_EVENTS
    ]
    shown = events.loc[largest].sort_values(["time", "event_id"])
    sizes = [name for name in ("magnitude", "mw") if events[name].notna().any()]
    titles = ["origin time", "lat", "lon", "depth km", "P", "S", "rms s"]
    titles += [*({"magnitude": "mag", "mw": "Mw"}[name] for name in sizes), "quality"]
    table = _table(titles, left=("origin time", "quality"), padding=1)
    for row in shown.to_dict("records"):
        _add(table, [*_event_cells(row), *(_number(row[n], 1) for n in sizes), row["quality"]])
    _keep_words(table)
    rest = len(events) - len(shown)
    if not rest:
        return [table]
    more = f"The {len(shown)} events with the most arrivals; {rest} more with --all."
    return [table, Text(more)]


def _event_cells(row: dict[Hashable, Any]) -> list[str]:
    depth, sigma = (_number(row[name], 1) for name in ("depth_km", "depth_sigma_km"))
    return [
        _time(row["time"]),
        _number(row["latitude"], 3),
        _number(row["longitude"], 3),
        f"{depth} ± {sigma}" if sigma else depth,
        str(row["n_p"]),
        str(row["n_s"]),
        _number(row["rms_s"], 2),
    ]


def _no_event_parts(found: RunTables) -> list[RenderableType]:
    return [Text("No events.", style="bold"), Text(_why_no_events(found))]


def _see(found: RunTables, *stages: str) -> str:
    """Name the folders of logs of stages that the run has."""
    folders = [found.folder / "logs" / stage for stage in stages]
    known = [str(folder) for folder in folders if folder.is_dir()]
    return f": see {' and '.join(known)}" if known else ""


def _instruments_with_data(found: RunTables) -> tuple[int, int]:
    """How many stations, and how many fibres, have data that served."""
    of_fibres = found.usable["station"] == "*"
    return _n_stations(found.usable[~of_fibres]), _n_stations(found.usable[of_fibres])


def _with_data(found: RunTables) -> str:
    stations, fibres = _instruments_with_data(found)
    known = {"station": stations, "fibre": fibres}
    return " and ".join(f"{n} {noun}{'s' * (n > 1)}" for noun, n in known.items() if n)


def _thresholds(found: RunTables) -> str:
    """The keys that say how probable a pick must be, of the instruments with data."""
    keys = ("pick.thresholds", "das_annotate.thresholds")
    there = _instruments_with_data(found)
    return " and ".join(key for key, n in zip(keys, there, strict=True) if n)


def _why_no_events(found: RunTables) -> str:
    """Say which step of the run was the last to find anything, and what decides the next."""
    n_picks, n_stations = len(found.picks), _n_stations(found.picks)
    if not found.chunks and found.imported is None:
        return f"There are no manifests in {found.folder / 'raw'}: no data were asked for."
    if found.given_only and not n_picks:
        return "The table of picks has none within the run's time."
    if found.usable.empty and not found.imported:
        return "No data could be used; the reasons are listed below."
    if not n_picks and found.imported is not None:
        return "The table of picks has none within the run's time, and there are no others."
    if not n_picks:
        return (
            f"There are data of {_with_data(found)}, but no picks. Either nothing happened, or"
            f" {_thresholds(found)} are too high, or the recordings are not what the network"
            f" expects{_see(found, 'prepare', 'pick', 'das_annotate', 'das_pick')}."
        )
    if _unplaced(found):
        return (
            f"There are {n_picks} picks of fronts along fibres, but the run has no positions of"
            " their channels (fibres.channels), without which nothing can be associated or located."
        )
    if n_stations < _FEWEST_STATIONS:
        return (
            f"There are {n_picks} picks, but at {n_stations} stations only; an event needs at"
            f" least {_FEWEST_STATIONS}."
        )
    if found.n_candidates:
        return (
            f"{found.n_candidates} groups of picks were found, but none could be located:"
            f" see {found.folder / 'logs/locate/all.log'}."
        )
    return (
        f"{n_picks} picks at {n_stations} stations form no event. What decides are the numbers of"
        " picks that an event needs (section associate), the velocity table and the coordinates of"
        f" the stations: see {found.folder / 'logs/associate/all.log'}."
    )


def _on_unjoined(found: RunTables) -> list[str]:
    """Why picks join no event, with numbers; nothing where most do, or where nobody can say."""
    from quakeline.workflow import unjoined

    associations = found.folder / "associations" / "events.parquet"
    if found.stations is None or found.picks.empty or not associations.is_file():
        return []
    own = found.picks[found.picks["source"] != "das"]
    return list(unjoined.sentences(own, found.stations, unjoined.rules_of(associations)))


def _unplaced(found: RunTables) -> bool:
    """Whether all picks are of fibres without positions."""
    unplaced = {
        row.network
        for row in found.coverage.itertuples()
        if any(one.code is Code.NO_PLACES for one in reasons_in(row.notes, row.notes_codes))
    }
    return bool((found.picks["source"] == "das").all()) and set(found.picks["fibre"]) <= unplaced


def _diagnosis(path: Path) -> dict[str, Any]:
    """What the residuals say about the velocity model; empty for a run made before there was it."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def _totals(found: RunTables, velocity: str) -> Table:
    from quakeline.workflow.networks_told import used

    table = _grid()
    for name, text in {
        "events": _event_total(found.events),
        **_magnitude_totals(found.events, "see classes/ for probabilities" if found.is_run else ""),
        **_mechanism_totals(found.focal),
        **used(found.folder, _configuration(found.folder)),
        "picks": _pick_total(found.picks),
        "stations": _station_total(found),
        **_fibre_totals(found),
        **_data_totals(found),
        **({"velocities": velocity} if velocity else {}),
    }.items():
        _add(table, [name, text])
    return table


def _data_totals(found: RunTables) -> dict[str, str]:
    """Lines on the table of picks and on the data of a run, as far as it has them."""
    totals = {}
    if found.imported is not None:
        own = found.picks[found.picks["pick_id"].isin(found.imported)]
        totals["of a table"] = f"{len(own)} picks at {_n_stations(own)} stations"
    if not found.given_only:
        totals |= {"chunks": _chunk_total(found), "files": _file_total(found)}
    return totals


def _event_total(events: pd.DataFrame) -> str:
    if events.empty:
        return "0"
    return f"{len(events)}, {_time(events['time'].min())} to {_time(events['time'].max())}"


def _magnitude_totals(events: pd.DataFrame, see: str) -> dict[str, str]:
    """How many events have a magnitude and why others have none; classes, and what to see too."""
    from quakeline.io.products.remarks import lacking

    if events.empty:
        return {}
    totals = {}
    for name, column in (("magnitudes", "magnitude"), ("moments (Mw)", "mw")):
        n = int(events[column].notna().sum())
        why = lacking(events, column)
        without = int(events[f"{column}_note"].notna().sum())
        if n or without:
            totals[name] = f"{n} of {len(events)} events{_lacking(without, why)}"
    classes = events["event_class"].dropna().value_counts()
    if len(classes):
        told = ", ".join(f"{count} {name}" for name, count in sorted(classes.items()))
        totals["classes"] = f"{told} ({see})" if see else told
    return totals


def _mechanism_totals(focal: Focal | None) -> dict[str, str]:
    """Mechanisms by quality, and stations whose polarities disagree with most of them."""
    from quakeline.events.chain.mechanism import doubted, told

    if focal is None:
        return {}
    known = int((focal.polarities["polarity"] != 0).sum())
    totals = {
        "mechanisms": told(focal.mechanisms),
        "polarities": f"{known} of {len(focal.polarities)} first motions",
    }
    doubts = doubted(focal.mechanisms, focal.polarities)
    return totals | ({"reversed?": "; ".join(doubts)} if doubts else {})


def _lacking(without: int, why: list[tuple[Reason, int]]) -> str:
    """How many events have no magnitude, and the most frequent reasons."""
    if not without:
        return ""
    told = ", ".join(f"{cause} (at {n} event{'s' if n > 1 else ''})" for cause, n in why[:2])
    return f"; {without} without one: {told}"


def _pick_total(picks: pd.DataFrame) -> str:
    p, s = (int((picks["phase"] == phase).sum()) for phase in ("P", "S"))
    return f"{len(picks)} ({p} P, {s} S), {int(picks['event_id'].notna().sum())} of them in events"


def _station_total(found: RunTables) -> str:
    all_of = "" if found.stations is None else f" of {_n_stations(found.stations)}"
    usable = found.usable[found.usable["station"] != "*"]
    picked = found.picks[found.picks["source"] != "das"]
    if found.given_only and found.stations is not None:
        codes = ["network", "station"]
        known = picked.merge(found.stations[codes].drop_duplicates(), on=codes)
        return f"{_n_stations(known)}{all_of} with picks"
    return f"{_n_stations(usable)}{all_of} with data, {_n_stations(picked)} with picks"


def _fibre_totals(found: RunTables) -> dict[str, str]:
    """A line for the fibres of the run, if it has any."""
    total: dict[str, str] = {}
    for name in sorted({path.parts[-3] for path in found.folder.glob("fibres/*/picks/*")}):
        raw, fronts = _fibre_counts(found.folder / "fibres" / name / "picks")
        text = f"{raw} picks on single channels, {fronts} of them on fronts"
        total[f"fibre {name}"] = text
    return total


def _fibre_counts(folder: Path) -> tuple[int, int]:
    from quakeline.core.schemas import FIBRE_PICKS
    from quakeline.io.products import tables

    picks = tables.read_many(sorted(folder.glob("*.parquet")), FIBRE_PICKS)
    return len(picks), int((picks["front"] >= 0).sum())


def _chunk_total(found: RunTables) -> str:
    from quakeline.io.products.remarks import some

    with_data = set(found.usable["chunk"])
    without = [chunk for chunk in found.chunks if chunk not in with_data]
    text = f"{len(with_data)} with data, {len(without)} without"
    return f"{text}: {some(without, _MOST_NAMES)}" if without else text


def _file_total(found: RunTables) -> str:
    used = set(found.data["path"].dropna())
    unused = set(found.manifest["path"].dropna()) - used
    sizes = found.data.drop_duplicates("path")["bytes"].sum()
    return f"{len(used)} used ({_size(int(sizes))}), {len(unused)} not used"


def _reason_parts(run_dir: Path, everything: bool = False) -> list[RenderableType]:
    """Table of why data were not used, and of remarks on data that were; nothing without any."""
    from quakeline.io.products.remarks import collect, some

    imported = sorted((run_dir / "imported").glob("manifest.parquet"))
    manifests = [*chunk_tables(run_dir, "raw"), *imported]
    found = collect(manifests, chunk_tables(run_dir, "coverage"))
    if not found:
        return []
    table = _table(["status", "reason", "where", "chunks"], left=("status", "reason", "where"))
    for remark in found if everything else found[:_MOST_REASONS]:
        names = remark.where if everything else map(_end_of, remark.where)
        where = some(names, len(remark.where) if everything else _MOST_NAMES)
        _add(table, [remark.status, remark.text, where, remark.chunks])
    _keep_words(table)
    parts: list[RenderableType] = [Text(), Text("Data not used, and remarks", style="bold"), table]
    if len(found) > _MOST_REASONS and not everything:
        more = f"{len(found) - _MOST_REASONS} more with --all."
        parts.append(Text(more))
    return parts


def _choice_parts(run_dir: Path) -> list[RenderableType]:
    """Table of what `auto` became; nothing without any."""
    from quakeline.workflow.choices import product_paths, told

    run = _configuration(run_dir)
    chosen = told(run.chosen if run else {}, product_paths(run_dir))
    if not chosen:
        return []
    table = _grid()
    for name, words in chosen.items():
        _add(table, [name, words])
    return [Text(), Text("Chosen for this run, where settings were left open", style="bold"), table]


def _configuration(run_dir: Path) -> Run | None:
    """The configuration of a run; None where it is absent or of another version."""
    from quakeline.report.publication.crate import CONFIG
    from quakeline.workflow.config import load, read_yaml

    with suppress(ConfigError):
        return load(read_yaml(run_dir / "catalog" / CONFIG))
    return None


def _places(found: RunTables) -> Table:
    table = _grid()
    products = {
        "report": "report.html",
        "catalog": "catalog/catalog.csv",
        "QuakeML": "catalog/catalog.qml",
        "tables": "catalog/events.parquet, arrivals.parquet, picks.parquet",
    }
    for name, product in products.items():
        exists = (found.folder / product.partition(",")[0]).is_file()
        _add(table, [name, str(found.folder / product) if exists else "not made"])
    return table


def _catalog_places(folder: Path) -> Table:
    """The files of a catalog, or of each day of a session."""
    from quakeline.io.exports import event_folders

    table = _grid()
    files = {"catalog": "catalog.csv", "QuakeML": "catalog.qml", "tables": "events.parquet"}
    for place in event_folders(folder):
        for name, product in files.items():
            if (place / product).is_file():
                _add(table, [name, str(place / product)])
    return table


def _end_of(path: str) -> str:
    """The last parts of a long path; a short one, or codes of a channel, as they are."""
    if len(path) <= _LONG_PATH or "/" not in path:
        return path
    parts = Path(path).parts[-2:]
    return f".../{'/'.join(parts)}" if len("/".join(parts)) <= _LONG_PATH else f".../{parts[-1]}"


def _keep_words(table: Table) -> None:
    """Make columns of text wide enough for their words, so that none is broken in the middle."""
    for column in table.columns:
        words = [word for cell in column.cells for word in str(cell).split()]
        column.min_width = min(max(map(len, words), default=0), _LONG_WORD)


def _table(titles: list[str], left: tuple[str, ...], padding: int = 2) -> Table:
    table = Table(box=None, padding=(0, padding, 0, 0), header_style="bold")
    for title in titles:
        side: Literal["left", "right"] = "left" if title in left else "right"
        whole = title in ("origin time", "status") or side == "right"
        table.add_column(title, justify=side, overflow="fold", no_wrap=whole)
    return table


def _grid() -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    return table


def _add(table: Table, cells: Iterable[object]) -> None:
    """Add a row of plain text: brackets in a code or path are no markup."""
    table.add_row(*(Text(str(cell)) for cell in cells))


def _number(value: float, digits: int) -> str:
    """Write a number, or nothing for NaN."""
    return f"{value:.{digits}f}" if value == value else ""


def _time(time: pd.Timestamp) -> str:
    return iso(int(time.as_unit("ns").value), digits=1)


def _size(n_bytes: int) -> str:
    size, units = float(n_bytes), ["B", "kB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size, units = size / 1000, units[1:]
    return f"{size:.4g} {units[0]}"

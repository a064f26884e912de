"""The page: gathers its parts and fills the template."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from quakeline.core.schemas import MECHANISMS, POLARITIES, PROBABILITIES, WAVEFORMS
from quakeline.io.formats.focal_mechanisms import Focal
from quakeline.io.formats.pick_tables import NO_WEIGHTS
from quakeline.io.products import remarks, tables
from quakeline.report import (
    counts,
    coverage,
    event_table,
    fibres,
    figures,
    formatting,
    mechanisms,
    moving_map,
    record_sections,
    resources,
    stations,
    traces,
)
from quakeline.report.axes import time_ticks
from quakeline.report.basemap.ground import Sources as Ground
from quakeline.report.catalog import Catalog, nanoseconds
from quakeline.report.kept_stores import Archive
from quakeline.report.map import draw
from quakeline.report.publication import provenance_table
from quakeline.report.scripts import TEMPLATES, Scripts, embedded, style_sheet

#: Lines of the table of reasons, and names in a line.
_MOST_REASONS = 60
_MOST_NAMES = 8
#: Events of the reference that are listed as missed.
_MOST_MISSED = 50


@dataclass(frozen=True)
class Sources:
    """Files of the run beside the catalog itself, and in words what `auto` became."""

    tables: dict[str, Path]
    manifests: list[Path]
    coverage: list[Path]
    waveforms: list[Path]
    probabilities: list[Path]
    benchmarks: list[Path]
    fibre_picks: list[Path]
    panels: list[Path]
    chosen: dict[str, str]
    weights: list[Path]
    diagnosis: Path
    mechanisms: list[Path]
    polarities: list[Path]
    catalog_files: list[str]
    below: Ground = field(default_factory=Ground)


def render(
    catalog: Catalog,
    sources: Sources,
    drawing: record_sections.Drawing,
    title: str,
    run_name: str,
    max_rows: int,
) -> str:
    """The whole page as HTML. The same input gives the same text."""
    waveforms = Archive(sources.waveforms, WAVEFORMS)
    probabilities = Archive(sources.probabilities, PROBABILITIES)
    lanes = [] if catalog.given_only else coverage.lanes(catalog, waveforms)
    records = (
        record_sections.records(catalog, waveforms, probabilities, drawing) if waveforms else []
    )
    drawn = [int(record.event["number"]) for record in records]
    listed = event_table.table(catalog.events, drawn, max_rows)
    samples = traces.packed(records)
    moving = moving_map.data(catalog, sources.below)
    focal = _focal(sources)
    costs = resources.costs(sources.benchmarks)
    reasons = remarks.collect(sources.manifests, sources.coverage)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            style=style(),
            title=title,
            run_name=run_name,
            catalog=catalog,
            headline=counts.headline(catalog, lanes),
            of_fibres_without_events=_fibres_alone(catalog) and not len(catalog.events),
            why_empty=counts.why_empty(catalog, lanes),
            map=draw(catalog, sources.below, focal),
            natural_earth=sources.below.natural_earth,
            listed=listed,
            files=_files(sources.catalog_files),
            records=records,
            kept={"waveforms": bool(waveforms), "probabilities": bool(probabilities)},
            fibres=fibres.views(catalog.channels, sources.fibre_picks, sources.panels),
            drawing=drawing,
            drawing_note=record_sections.caption(drawing),
            size=record_sections,
            lanes=lanes,
            lane_ticks=time_ticks(catalog.span),
            event_places=_event_places(catalog),
            columns=coverage.COLUMNS,
            reasons=reasons[:_MOST_REASONS],
            reasons_left_out=max(len(reasons) - _MOST_REASONS, 0),
            picks_by_station=counts.picks_by_station(catalog),
            costs=costs,
            peak_mb=max((c.peak_mb for c in costs if not math.isnan(c.peak_mb)), default=math.nan),
            table_weights=NO_WEIGHTS,
            chosen=sources.chosen,
            **_origins(catalog, sources),
            diagnosis=json.loads(sources.diagnosis.read_text(encoding="utf-8")),
            **_statistics(catalog),
            **_mechanisms(catalog, focal),
            moving=moving,
            moving_json=Markup(embedded(moving)),
            samples=Markup(embedded(samples)) if samples else "",
            scripts=_scripts(bool(moving), bool(listed.rows), bool(samples)),
        )
    )


def _statistics(catalog: Catalog) -> dict[str, Any]:
    rows = stations.residuals(catalog)
    missed = catalog.matches[catalog.matches["status"] == "missed"]
    missed = missed.assign(time_ns=nanoseconds(missed["reference_time"]))
    largest = missed.sort_values("reference_magnitude", ascending=False, kind="stable")
    why = remarks.lacking(catalog.events, "magnitude")
    return {
        "magnitude_time": figures.magnitude_time(catalog),
        "frequency": figures.frequency(catalog),
        "why_no_magnitude": str(why[0][0]) if why else "",
        "wadati": figures.wadati(catalog),
        "residuals": rows,
        "residual_scale": stations.residual_scale(rows),
        "lone": stations.lone_picks(catalog),
        "compared": catalog.evaluation,
        "missed": largest.head(_MOST_MISSED).sort_values("time_ns").to_dict("records"),
    }


def _fibres_alone(catalog: Catalog) -> bool:
    """Whether the run looked at fibres and at no seismometers."""
    return bool(catalog.settings.get("fibres")) and not catalog.settings.get("fetch")


def _scripts(map_moves: bool, with_events: bool, with_samples: bool) -> Scripts:
    """The only scripts that the page allows."""
    wanted = {
        "map.js": map_moves,
        "events.js": with_events,
        "traces.js": with_samples,
        "records.js": with_samples,
    }
    names = [name for name, needed in wanted.items() if needed]
    return Scripts.named("selection.js", *names) if names else Scripts(())


def _files(paths: list[str]) -> list[dict[str, str]]:
    """Names and relative addresses of the catalog's files."""
    return [{"name": Path(path).name, "path": quote(path)} for path in paths]


def _focal(sources: Sources) -> Focal | None:
    """Mechanisms and polarities; None in a run that looks for none."""
    if not sources.mechanisms:
        return None
    return Focal(
        tables.read_many(sources.mechanisms, MECHANISMS),
        tables.read_many(sources.polarities, POLARITIES),
    )


def _mechanisms(catalog: Catalog, focal: Focal | None) -> dict[str, Any]:
    """What the section of mechanisms shows; None in a run that looks for none."""
    return {
        "mechanisms": None if focal is None else mechanisms.view(catalog, focal),
        "ball_half": mechanisms.HALF,
        "ball_radius": mechanisms.RADIUS,
    }


def _origins(catalog: Catalog, sources: Sources) -> dict[str, Any]:
    chunked = {
        "manifests": sources.manifests,
        "coverage": sources.coverage,
        "waveforms": sources.waveforms,
        "probabilities": sources.probabilities,
    }
    return {
        "products": provenance_table.products(sources.tables, chunked),
        "networks": provenance_table.networks(catalog, sources.probabilities, sources.weights),
        "software": provenance_table.software(),
    }


def _event_places(catalog: Catalog) -> list[int]:
    """Columns of the coverage timeline in which events lie."""
    span = catalog.span
    shares = (catalog.events["time_ns"] - span.start_ns) / (span.end_ns - span.start_ns)
    inside = shares[(shares >= 0) & (shares < 1)]
    return sorted({int(share * coverage.COLUMNS) for share in inside})


def style() -> Markup:
    """The style sheet of all pages, for templates."""
    return Markup(style_sheet())


def environment(*folders: Path) -> Environment:
    """Templates of folders and of the report, with the filters that they use."""
    made = Environment(
        loader=FileSystemLoader([*folders, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(
        number=formatting.number,
        signed=formatting.signed,
        latitude=formatting.latitude,
        longitude=formatting.longitude,
        utc=formatting.utc,
        clock=formatting.clock,
        duration=formatting.duration,
        percent=formatting.percent,
        svg=Markup,
        linked=formatting.linked,
    )
    made.globals.update(
        count=formatting.count,
        selection=formatting.selection,
        some=remarks.some,
        most_names=_MOST_NAMES,
    )
    return made

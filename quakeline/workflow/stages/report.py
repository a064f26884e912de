"""The report: one self-contained page about a run, for reading, printing and supplements."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from quakeline.core.section import Section

if TYPE_CHECKING:
    from quakeline.report.basemap.ground import Sources as Ground
    from quakeline.report.catalog import Catalog
    from quakeline.report.page import Sources
    from quakeline.report.record_sections import Drawing

VERSION = 9

logger = logging.getLogger("quakeline")


class Config(Section):
    """What the report shows; nothing here changes any other product."""

    title: str | None = Field(
        None, description="heading of the page; null: 'Earthquake catalog' and the name of the run"
    )
    max_events: int = Field(
        20,
        ge=0,
        description="record sections drawn, for the events with the most arrivals; the page says"
        " how many were left out",
    )
    max_rows: int = Field(
        500,
        ge=1,
        description="events listed on paper and in browsers that run no scripts, those with the"
        " most arrivals first; elsewhere the table holds up to 20,000 events, catalog.csv all",
    )
    section_before_s: float = Field(
        3.0, ge=0, description="seconds drawn before the first arrival of a record section"
    )
    section_after_s: float = Field(
        8.0, gt=0, description="seconds drawn after the last arrival of a record section"
    )
    section_instruments: int = Field(
        12,
        ge=1,
        description="instruments drawn in a record section: those with arrivals of the event"
        " first, then the nearest",
    )
    section_highpass_hz: float | None = Field(
        1.0,
        gt=0,
        description="corner in Hz of the causal high-pass that is applied to drawn traces only;"
        " null: draw them as prepared, without their mean",
    )
    natural_earth: bool = Field(
        True, description="draw coastlines, borders and lakes of Natural Earth below the maps"
    )
    map_lines: list[str] = Field(
        default_factory=list,
        description="shapefiles (.shp, in degrees) to draw below the maps; those with coast,"
        " border, bound or lake in their names take the place of Natural Earth's, others are"
        " lines such as faults",
    )
    terrain: str | None = Field(
        None,
        description="grid of heights to shade below the maps: GeoTIFF in degrees, or NetCDF with"
        " axes lon and lat (or x and y); null: none",
    )

    def files(self) -> dict[str, list[str]]:
        """Files that the settings name, by their dotted path."""
        return {
            "report.map_lines": list(self.map_lines),
            "report.terrain": [self.terrain] if self.terrain else [],
        }

    def below(self) -> Ground:
        """What lies below stations and events on the maps."""
        from quakeline.report.basemap.ground import Sources

        terrain = Path(self.terrain) if self.terrain else None
        return Sources(self.natural_earth, [Path(path) for path in self.map_lines], terrain)

    def drawing(self) -> Drawing:
        """Which record sections are drawn, and how."""
        from quakeline.report.record_sections import Drawing

        return Drawing(
            max_events=self.max_events,
            before_s=self.section_before_s,
            after_s=self.section_after_s,
            max_instruments=self.section_instruments,
            highpass_hz=self.section_highpass_hz,
        )


def run(
    config: Config,
    *,
    run_name: str,
    settings: str,
    events: Path,
    arrivals: Path,
    picks: Path,
    stations: Path,
    diagnosis: Path,
    manifests: list[Path],
    coverage: list[Path],
    waveforms: list[Path],
    probabilities: list[Path],
    evaluation: list[Path],
    matches: list[Path],
    benchmarks: list[Path],
    channels: list[Path],
    fibre_picks: list[Path],
    panels: list[Path],
    choices: list[Path],
    chosen: str,
    weights: list[Path],
    mechanisms: list[Path],
    polarities: list[Path],
    maps: list[Path],
    report: Path,
) -> None:
    """Write the page.

    Parameters
    ----------
    run_name, settings, chosen
        Name of the run, its configuration as YAML text, and what that chose for `auto` (JSON text).
    events, arrivals, picks, stations
        Tables of the catalog (EVENTS, ARRIVALS, PICKS) and of the stations (STATIONS).
    manifests, coverage
        MANIFEST of each chunk and of a table of picks, COVERAGE of each chunk.
    waveforms, probabilities
        Stores of the chunks (WAVEFORMS, PROBABILITIES); empty where the run did not keep them.
    diagnosis, evaluation, matches
        What `locate` says about the velocity model (JSON), and what `evaluate` wrote; empty in a
        run without a reference.
    benchmarks
        Snakemake's measurements, `benchmarks/<rule>/<chunk or all>.tsv`.
    channels, fibre_picks, panels
        Channels, picks (FIBRE_CHANNELS, FIBRE_PICKS) and pictures (PANELS) of the fibres, one for
        each fibre and chunk: `fibres/<fibre>/<kind>/<chunk>`.
    choices, weights
        Products that tell what `auto` became, and weights files, whose cards the page tells.
    mechanisms, polarities
        MECHANISMS and POLARITIES; empty in a run that does not look for mechanisms.
    maps, report
        Files for the maps (the settings say what each is), and the page to write (HTML).
    """
    from quakeline.report.catalog import load
    from quakeline.report.page import Sources
    from quakeline.workflow.choices import told

    catalog = load(
        events, arrivals, picks, stations, manifests, settings, channels, matches, evaluation
    )
    sources = Sources(
        tables={"events": events, "arrivals": arrivals, "picks": picks, "stations": stations},
        manifests=manifests,
        coverage=coverage,
        waveforms=waveforms,
        probabilities=probabilities,
        benchmarks=benchmarks,
        fibre_picks=fibre_picks,
        panels=panels,
        chosen=told(json.loads(chosen), choices),
        weights=weights,
        diagnosis=diagnosis,
        mechanisms=mechanisms,
        polarities=polarities,
        below=config.below(),
        catalog_files=_beside(report, [events, arrivals, picks]),
    )
    _write(config, catalog, sources, run_name, report)


def _write(config: Config, catalog: Catalog, sources: Sources, run_name: str, path: Path) -> None:
    """Render the page as the settings want it, write it, and log what it shows."""
    from quakeline.io.products.atomic import write_text
    from quakeline.report.page import render

    title = config.title or f"Earthquake catalog: {run_name}"
    page = render(catalog, sources, config.drawing(), title, run_name, config.max_rows)
    write_text(path, page)
    logger.info(
        "report: %d events, %d picks, %.2f MB",
        len(catalog.events),
        len(catalog.picks),
        len(page.encode()) / 1e6,
    )


def _beside(report: Path, tables: list[Path]) -> list[str]:
    """Files of the catalog as the page names them: relative to its own folder."""
    files = [Path("catalog/catalog.csv"), Path("catalog/catalog.qml")]
    files += [Path(path.parent.name, path.name) for path in tables]
    return [path.as_posix() for path in files]

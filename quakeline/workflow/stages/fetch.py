"""The raw data of a chunk: which files hold them, and why data that were asked for are absent."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from quakeline.core.section import Section
from quakeline.core.timeline import Span
from quakeline.waveforms.preparation.settings import READ_AHEAD_S
from quakeline.waveforms.sources import Source

VERSION = 6


class Config(Section):
    """Where the raw data come from."""

    source: Source = Field(description="the archive; its `kind` decides which keys follow")


def run(
    config: Config,
    *,
    chunk: str,
    margin_s: float,
    stations: Path,
    archive: str,
    manifest: Path,
    read_ahead_s: float = READ_AHEAD_S,
) -> None:
    """Write the manifest (MANIFEST) of a chunk: one row per file and channel."""
    from quakeline.core.schemas import MANIFEST, STATIONS
    from quakeline.io.products import tables
    from quakeline.waveforms.sources.manifest import manifest_of

    span = Span.parse(chunk).widen(margin_s + read_ahead_s)
    known = tables.read(stations, STATIONS)
    made = manifest_of(config.source, span, known, archive_folder(manifest))
    tables.write(made, MANIFEST, manifest)


def archive_folder(manifest: Path) -> Path:
    """Folder of the run for data that are downloaded, from the path of a manifest."""
    return manifest.parents[1] / "archive"


def edition_note(manifest: Path) -> Path:
    """File beside a manifest that says that the archive has changed since."""
    return manifest.with_suffix(".edition")

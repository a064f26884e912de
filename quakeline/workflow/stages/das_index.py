"""The files of a fibre in a chunk: which hold data, why others do not, where channels lie."""

from __future__ import annotations

import logging
from pathlib import Path

from quakeline.core.clock import REACH_S
from quakeline.core.reasons import Code, Reason, cells
from quakeline.core.section import Section
from quakeline.core.timeline import Span

VERSION = 4

logger = logging.getLogger("quakeline")


class Config(Section):
    """Nothing to set: what files hold stands in `fibres`."""


def run(
    config: Config,
    *,
    chunk: str,
    fibre: str,
    settings: str,
    margin_s: float,
    archive: str,
    manifest: Path,
    channels: Path,
) -> None:
    """Write the manifest (MANIFEST) of a fibre in a chunk, and its channels (FIBRE_CHANNELS).

    `settings` is the fibre's section as JSON. A chunk without any file has a row that says so, and
    no channels.
    """
    import pandas as pd

    from quakeline.core.schemas import FIBRE_CHANNELS, MANIFEST
    from quakeline.fibres.recordings.channels import describe
    from quakeline.fibres.recordings.chunk import manifest_rows
    from quakeline.fibres.recordings.recording import survey
    from quakeline.fibres.section import Fibre
    from quakeline.io.products import tables

    described = Fibre.model_validate_json(settings)
    span = Span.parse(chunk).widen(margin_s + REACH_S)
    files = described.source.files(span)
    found = survey(files, described.format, span)
    used = [item.stretch for item in found if item.status == "data" and item.stretch]
    rows = manifest_rows(fibre, found)
    if not rows:
        why = cells("reason", [Reason.of(Code.NO_FIBRE_FILE)])
        rows = [{"network": fibre, "station": "*", "status": "no data", **why}]
    places = tables.empty(FIBRE_CHANNELS)
    if used:
        places = describe(fibre, described.channels, used[0].distances, used[0].start_ns)
    logger.info("das_index: %d files searched, %d parts hold data", len(files), len(used))
    for row in rows:
        if row["status"] in ("unreadable", "unused"):
            logger.warning("%s: %s: %s", row["status"], row["path"], row["reason"])
    tables.write(pd.DataFrame(rows), MANIFEST, manifest)
    tables.write(places, FIBRE_CHANNELS, channels)

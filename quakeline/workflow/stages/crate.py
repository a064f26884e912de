"""The catalog's provenance as a Workflow Run RO-Crate, from which the run can be repeated."""

from __future__ import annotations

import logging
from pathlib import Path

from pydantic import Field

from quakeline.core.section import Section

VERSION = 2

logger = logging.getLogger("quakeline")


class Config(Section):
    """What the crate says of the catalog beyond how it was made."""

    title: str | None = Field(None, description="name of the data set; null: that of the run")
    license: str | None = Field(
        None,
        description="licence of the catalog, e.g. https://creativecommons.org/licenses/by/4.0/",
    )
    author: str | None = Field(None, description="person or group that made the catalog")


def run(
    config: Config,
    *,
    run_name: str,
    settings: str,
    given: list[Path],
    manifests: list[Path],
    weights: list[Path],
    stations: Path,
    catalog: list[Path],
    crate: Path,
) -> None:
    """Write `ro-crate-metadata.json`, and beside it settings, list of inputs and workflow.

    `settings` is the whole configuration as YAML, `given` are the files that it names, `manifests`
    the tables (MANIFEST) of raw files, `catalog` the files of one folder, the catalog; `stations`
    is the first product of the run, whose time is its begin.
    """
    import time

    from quakeline.core.timeline import iso
    from quakeline.report.publication import crate as crates

    about = crates.Description(
        run=run_name,
        title=config.title or f"Earthquake catalog: {run_name}",
        license=config.license,
        author=config.author,
        begun=iso(stations.stat().st_mtime_ns, 0),
        ended=iso(time.time_ns(), 0),
    )
    crates.write(catalog[0].parent, about, settings, given, manifests, weights)
    logger.info("crate: %s, code %s", crate, crates.code_commit() or "without a git commit")

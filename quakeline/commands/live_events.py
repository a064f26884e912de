"""Events of `quakeline live`: from the sections of a run, or from options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from quakeline.core.errors import ConfigError

if TYPE_CHECKING:
    from obspy import Inventory

    from quakeline.live.events.setup import Setup
    from quakeline.workflow.config import Run


def of_run(settings: Run, known: Inventory, tell: Callable[[str], None]) -> Setup | None:
    """What the sections of a run say of events; None where they are not wanted, or not possible.

    `known` is the inventory of `stations.stationxml`.
    """
    from quakeline.events.chain import material
    from quakeline.events.chain.sections import Sections
    from quakeline.io.formats.inventory import table_of
    from quakeline.io.formats.station_list import checked, overlaid
    from quakeline.io.formats.station_tables import read_table
    from quakeline.live.events.setup import Setup

    live = settings.live
    if live is None or live.events is None:
        return None
    stations = table_of(known)
    inputs = material.digests(settings.velocity)
    if settings.stations.table:
        stations = overlaid(stations, read_table(Path(settings.stations.table)))
        inputs |= digests([Path(settings.stations.table)])
    if stations.empty:
        tell(
            "remark: no events: neither stations.table nor stations.stationxml has coordinates of"
            " stations; allowed also: stations.table: results/<run>/stations.parquet"
        )
        return None
    sections = Sections(**{name: getattr(settings, name) for name in Sections.model_fields})
    model = settings.velocity.model()
    files = [*sections.locate.files(), *sections.magnitude.files()]
    inputs |= digests([Path(one) for one in files])
    plain = settings.velocity.plain()
    return Setup(checked(stations), model, sections, settings.measure, live.events, plain, inputs)


def of_options(stations: Path | None, velocity: Path | None) -> Setup | None:
    """What `--stations` and `--velocity` say of events; None without stations."""
    from quakeline.events.chain import material
    from quakeline.io.formats import inventory
    from quakeline.live.events.setup import Setup

    if stations is None:
        if velocity is not None:
            raise ConfigError("--velocity: given without --stations; events need both")
        return None
    model, section = material.described(velocity)
    inputs = {**material.digests(section), **digests([stations])}
    return Setup(inventory.read_any(stations), model, velocity=section.plain(), inputs=inputs)


def digests(files: list[Path]) -> dict[str, str]:
    """SHA-256 of files, by name."""
    from quakeline.io.products.provenance import digest_file

    return {str(one): digest_file(one) for one in files}

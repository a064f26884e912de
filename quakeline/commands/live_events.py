"""Events of `quakeline live`: from the sections of a run, or from options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from quakeline.core.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pandas as pd

    from quakeline.live.events.setup import Setup
    from quakeline.workflow.config import Run


def of_run(settings: Run, tell: Callable[[str], None]) -> Setup | None:
    """What the sections of a run say of events; None where they are not wanted, or not possible."""
    from quakeline.events.chain import material
    from quakeline.events.chain.sections import Sections
    from quakeline.live.events.setup import Setup

    live = settings.live
    if live is None or live.events is None:
        return None
    stations = stations_of(settings)
    if stations.empty:
        tell(
            "remark: no events: the stations' places are not known; allowed: stations.table,"
            " stations.stationxml, or a run before that asked stations.fdsn"
        )
        return None
    sections = Sections(**{name: getattr(settings, name) for name in Sections.model_fields})
    files = [*sections.locate.files(), *sections.magnitude.files()]
    files += [settings.stations.table] if settings.stations.table else []
    return Setup(
        stations,
        settings.velocity.model(),
        sections,
        settings.measure,
        live.events,
        settings.velocity.plain(),
        {**material.digests(settings.velocity), **digests([Path(one) for one in files])},
    )


def stations_of(settings: Run) -> pd.DataFrame:
    """All stations whose places the run's own files say (STATIONS); there may be none.

    Of stations that web services describe, those that the run got before.
    """
    from quakeline.core.schemas import STATIONS
    from quakeline.io.formats import inventory
    from quakeline.io.formats.station_list import checked, overlaid
    from quakeline.io.formats.station_tables import read_table
    from quakeline.io.products import tables

    given = settings.stations
    described = inventory.read([Path(one) for one in given.matching("stationxml")])
    found = inventory.table_of(described)
    if given.table:
        found = overlaid(found, read_table(Path(given.table)))
    asked = Path("results") / settings.run / "stations.parquet"
    if given.fdsn and asked.is_file():
        more = tables.read(asked, STATIONS)
        return more if found.empty else checked(overlaid(more, found))
    return found if found.empty else checked(found)


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
    places = inventory.read_any(stations)
    inputs = {**material.digests(section), **digests([stations])}
    return Setup(places, model, velocity=section.plain(), inputs=inputs)


def digests(files: list[Path]) -> dict[str, str]:
    """SHA-256 of files, by name. Raises DataError where one cannot be read."""
    from quakeline.io.products.provenance import digest_file

    try:
        return {str(one): digest_file(one) for one in files}
    except OSError as error:
        raise DataError(f"cannot read {error.filename}: {error.strerror}") from error

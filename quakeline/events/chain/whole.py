"""The whole chain in memory: picks, stations and velocities to a catalog."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from quakeline.events.chain.associate import associated, known_catalog
from quakeline.events.chain.classify import classified
from quakeline.events.chain.locate import located
from quakeline.events.chain.magnitude import Sized, corrections_of, sized
from quakeline.events.chain.material import Material
from quakeline.events.chain.merge import Catalog, assembled
from quakeline.events.chain.sections import Sections
from quakeline.io.products import provenance

#: Raised when the same input would give another catalog.
VERSION = 18
#: West, east, south, north in degrees; west above east crosses the date line.
Region = tuple[float, float, float, float]


@dataclass(frozen=True)
class Made:
    """A catalog with what led to it: magnitudes of stations, CLASSES, events outside a region."""

    catalog: Catalog
    sized: Sized
    classes: pd.DataFrame
    outside: int = 0


def made(
    material: Material,
    sections: Sections,
    threads: int = 1,
    *,
    region: Region | None = None,
    earlier: Sequence[tuple[pd.DataFrame, pd.DataFrame]] = (),
    progress: Callable[[int, int], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> Made:
    """Make a catalog as the workflow does.

    Parameters
    ----------
    material, sections, threads
        Picks, stations and velocities; the settings; cores.
    region
        Events outside are left out, their picks belong to no event.
    earlier, progress, tell
        As in `associated`; the catalog that the settings name comes after `earlier`.
    """
    settings = sections.plain()
    if material.section:
        settings["velocity"] = dict(material.section)
    recipe = {**settings, "region": region and list(region)}
    record = provenance.Record("catalog", VERSION, recipe, dict(material.inputs))
    with provenance.recording(record):
        done = _steps(material, sections, threads, region, earlier, progress, tell)
        chosen = provenance.current().get("chosen", {})
    catalog = replace(done.catalog, record=record, settings=settings, chosen=chosen)
    return replace(done, catalog=catalog)


def _steps(
    material: Material,
    sections: Sections,
    threads: int,
    region: Region | None,
    earlier: Sequence[tuple[pd.DataFrame, pd.DataFrame]],
    progress: Callable[[int, int], None] | None,
    tell: Callable[[str], None] | None,
) -> Made:
    """All steps in a row."""
    picks, sites, model = material.picks, material.sites, material.model
    # A wrong file that the settings name costs no work.
    sections.locate.options()
    corrections = corrections_of([Path(name) for name in sections.magnitude.files()])
    candidates, assignments = associated(
        sections.associate,
        picks,
        sites,
        model,
        threads,
        earlier=[
            *earlier,
            *known_catalog([Path(name) for name in sections.associate.known_files()]),
        ],
        progress=progress,
        tell=tell,
    )
    times = sections.associate.times()
    placed = located(
        sections.locate,
        candidates,
        assignments,
        picks,
        sites,
        model,
        threads,
        min_interevent_s=times["min_interevent_s"],
        tolerance_s=times["tolerance_s"],
    )
    events, arrivals = placed.events, placed.arrivals
    kept = inside(events, region) if region else events
    arrivals = arrivals[arrivals["event_id"].isin(kept["event_id"])].reset_index(drop=True)
    sizes = sized(
        sections.magnitude,
        kept.reset_index(drop=True),
        arrivals,
        picks,
        material.measurements,
        material.stations,
        model,
        corrections,
    )
    judged, classes = classified(
        sections.classify, sizes.events, arrivals, picks, material.measurements
    )
    catalog = assembled(
        sections.merge,
        judged,
        arrivals,
        picks,
        material.stations,
        sizes.stations,
        material.inputs.get("velocity"),
    )
    catalog = replace(catalog, diagnosis=placed.diagnosis)
    return Made(catalog, sizes, classes, len(events) - len(kept))


def inside(events: pd.DataFrame, region: Region) -> pd.DataFrame:
    """Events within a region."""
    west, east, south, north = region
    longitude = events["longitude"]
    across = longitude.between(west, east) if west <= east else ~longitude.between(east, west)
    return events[across & events["latitude"].between(south, north)]

"""Hypocentres of associated events from arrival times in a velocity model."""

from __future__ import annotations

from pathlib import Path

from quakeline.events.chain.locate import Settings

VERSION = 18

Config = Settings


def run(
    config: Config,
    *,
    candidates: Path,
    assignments: Path,
    picks: list[Path],
    stations: Path,
    channels: list[Path],
    velocity: Path,
    velocity_parts: list[Path],
    terms: list[Path],
    model: str,
    min_interevent_s: float,
    tolerance_s: float,
    threads: int,
    events: Path,
    arrivals: Path,
    diagnosis: Path,
) -> None:
    """Write located events (EVENTS) and their arrivals (ARRIVALS) with residuals and weights.

    `terms` are the table of station terms, or none; `diagnosis` (JSON) is what the residuals say
    about the velocity model. `model` is the section `velocity` as JSON, `velocity` and
    `velocity_parts` are its files. `min_interevent_s` and `tolerance_s` are those of the
    section `associate`, below 0: auto; no two events that share stations are closer than the first.
    """
    from quakeline.core.schemas import ARRIVALS, EVENTS, FIBRE_CHANNELS, PICKS, STATIONS
    from quakeline.earth.sections import model_of
    from quakeline.earth.sites import Sites
    from quakeline.events.chain.locate import USED, located
    from quakeline.io.products import tables
    from quakeline.io.products.atomic import write_text

    made = located(
        config,
        tables.read(candidates, EVENTS),
        tables.read(assignments, ARRIVALS),
        tables.read_many(picks, PICKS, columns=USED),
        Sites.of(tables.read(stations, STATIONS), tables.read_many(channels, FIBRE_CHANNELS)),
        model_of(velocity, model),
        threads,
        terms=terms[0] if terms else None,
        min_interevent_s=min_interevent_s,
        tolerance_s=tolerance_s,
    )
    write_text(diagnosis, made.diagnosis.text() if made.diagnosis else "{}\n")
    tables.write(made.events, EVENTS, events)
    tables.write(made.arrivals, ARRIVALS, arrivals)

"""`quakeline mechanism`: focal mechanisms from polarities."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quakeline.core.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pandas as pd

    from quakeline.events.mechanisms.hash_files import PolarityEvent

Phase = Annotated[
    Path, typer.Option("--hash-phase", help="Phase file with polarities, as HASH reads it.")
]
Stations = Annotated[
    Path | None, typer.Option("--hash-stations", help="Stations, as HASH reads them.")
]
Reversals = Annotated[
    Path | None, typer.Option("--hash-reversals", help="Stations and days of reversed polarity.")
]
Velocity = Annotated[
    list[Path] | None,
    typer.Option(help="Depth and vp of a HASH model; may be repeated: all are tried in turn."),
]
Output = Annotated[Path, typer.Option("--output", "-o", help="Folder for mechanisms.parquet.")]
Trials = Annotated[int, typer.Option(min=1, max=1000, help="Trials of take-off angles.")]
MinPolarities = Annotated[int, typer.Option(min=4, help="Polarities that an event needs.")]
AzimuthGap = Annotated[float, typer.Option(min=10, max=360, help="Largest gap of azimuths, deg.")]
TakeoffGap = Annotated[float, typer.Option(min=10, max=90, help="Largest gap of take-offs, deg.")]
MaxDistance = Annotated[float, typer.Option(min=1, help="Farthest stations that count, km.")]

_TABLE, _CSV = "mechanisms.parquet", "mechanisms.csv"


def mechanism(
    hash_phase: Phase,
    output: Output,
    hash_stations: Stations = None,
    hash_reversals: Reversals = None,
    velocity: Velocity = None,
    trials: Trials = 30,
    min_polarities: MinPolarities = 8,
    max_azimuth_gap: AzimuthGap = 90.0,
    max_takeoff_gap: TakeoffGap = 60.0,
    max_distance_km: MaxDistance = 120.0,
) -> None:
    """Find focal mechanisms from first-motion polarities, as HASH does.

    Rays follow from the velocity models, or are those that the phase file states. Events that
    polarities cannot tell of have a note in place of a mechanism.
    """
    from quakeline.core.schemas import MECHANISMS
    from quakeline.events.mechanisms import hash_files
    from quakeline.events.mechanisms.mechanisms import Rules, of_events
    from quakeline.io.products import provenance, tables, targets

    inputs = [hash_phase, hash_stations, hash_reversals, *(velocity or [])]
    targets.require_folder("--output", output, "mechanism", (_TABLE, _CSV), inputs)
    events = hash_files.phases(hash_phase)
    if not events:
        raise DataError(f"{hash_phase} holds no events")
    places = _places(events, hash_stations, velocity)
    models = [hash_files.velocities(path) for path in velocity or []]
    turned = hash_files.reversals(hash_reversals) if hash_reversals else hash_files.Reversals({})
    rules = Rules(trials, min_polarities, max_azimuth_gap, max_takeoff_gap, max_distance_km)
    found = of_events(events, models, places, turned, rules)
    digests = {str(path): provenance.digest_file(path) for path in inputs if path is not None}
    record = provenance.Record("mechanism", 1, dict(vars(rules)), digests)
    with targets.filling(output, "mechanism") as place, provenance.recording(record):
        tables.write(found, MECHANISMS, place / _TABLE)
        found[MECHANISMS.plain_names].to_csv(place / _CSV, index=False)
    typer.echo(_told(found))
    typer.echo(f"written  {output}: {len(found)} events")


def _places(
    events: list[PolarityEvent], stations: Path | None, velocity: list[Path] | None
) -> pd.DataFrame:
    """Where stations are; nothing is needed where the phase file states all rays."""
    import pandas as pd

    from quakeline.events.mechanisms import hash_files

    if any(event.polarities["takeoff"].isna().any() for event in events):
        if stations is None or not velocity:
            raise ConfigError(
                "--hash-stations and --velocity: both are needed, since the phase file states no"
                " take-off angles"
            )
        return hash_files.stations(stations)
    return pd.DataFrame(columns=["network", "station", "latitude", "longitude", "depth_km"])


def _told(found: pd.DataFrame) -> str:
    """How many mechanisms of which quality, in a line."""
    counts = found["quality_class"].value_counts()
    listed = ", ".join(f"{counts.get(letter, 0)} {letter}" for letter in "ABCD")
    none = int(found["quality_class"].isna().sum())
    return f"found    {len(found) - none} mechanisms ({listed}), {none} events without one"

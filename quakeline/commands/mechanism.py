"""`quakeline mechanism`: focal mechanisms from polarities."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quakeline.commands.mechanism_inputs import Given, Read, read_given
from quakeline.core.errors import ConfigError

if TYPE_CHECKING:
    from quakeline.events.mechanisms.mechanisms import Found
    from quakeline.events.mechanisms.settings import Settings

Catalog = Annotated[
    str | None,
    typer.Argument(metavar="[CATALOG]", help="Run, or folder of a catalog, with --polarities."),
]
Polarities = Annotated[
    Path | None,
    typer.Option(
        help="CSV of polarities: event_id or time (of the origin), network, station, polarity (U or"
        " D, + or -, 1 or -1), and if there are any location, probability, sp_ratio."
    ),
]
Networks = Annotated[
    list[Path] | None,
    typer.Option(
        "--polarity-network",
        help="Weights of a network of polarities, which reads them from the waveforms that the run"
        " kept; may be repeated: all must agree.",
    ),
]
MinProbability = Annotated[
    float, typer.Option(min=0.5, max=1.0, help="Least probability of networks' polarities.")
]
Phase = Annotated[
    Path | None,
    typer.Option("--hash-phase", help="Phase file with polarities, of HASH or SKHASH (CSV)."),
]
Stations = Annotated[
    Path | None, typer.Option("--hash-stations", help="Stations, as HASH or SKHASH reads them.")
]
Reversals = Annotated[
    Path | None,
    typer.Option("--hash-reversals", help="Stations and days of reversed polarity, likewise."),
]
Velocity = Annotated[
    list[Path] | None,
    typer.Option(
        help="A model as in a run, or one of HASH (depth, vp); with phase files of layers, and may"
        " be repeated: all are tried in turn. Default with a catalog: that of the run."
    ),
]
Output = Annotated[Path, typer.Option("--output", "-o", help="Folder for mechanisms.parquet.")]
Trials = Annotated[int, typer.Option(min=1, max=1000, help="Trials of take-off angles.")]
MinPolarities = Annotated[int, typer.Option(min=4, help="Polarities that an event needs.")]
AzimuthGap = Annotated[float, typer.Option(min=10, max=360, help="Largest gap of azimuths, deg.")]
TakeoffGap = Annotated[float, typer.Option(min=10, max=90, help="Largest gap of take-offs, deg.")]
MaxDistance = Annotated[float, typer.Option(min=1, help="Farthest stations that count, km.")]
Ratios = Annotated[
    bool,
    typer.Option(
        "--amplitude-ratios",
        help="With networks also ratios of S and P amplitudes, of instruments with a response.",
    ),
]
Composite = Annotated[
    float | None,
    typer.Option(
        min=0.001,
        help="With a catalog: events with fewer polarities than --min-polarities give one mechanism"
        " together with the others of them within so many km.",
    ),
]
WorstQuality = Annotated[
    str, typer.Option(help="Worst quality, A to D, of which a mechanism is given.")
]

_TABLE, _CSV, _QML = "mechanisms.parquet", "mechanisms.csv", "mechanisms.qml"
_USED = "polarities.parquet"


def mechanism(
    output: Output,
    catalog: Catalog = None,
    polarities: Polarities = None,
    polarity_network: Networks = None,
    min_probability: MinProbability = 0.7,
    amplitude_ratios: Ratios = False,
    hash_phase: Phase = None,
    hash_stations: Stations = None,
    hash_reversals: Reversals = None,
    velocity: Velocity = None,
    trials: Trials = 30,
    min_polarities: MinPolarities = 8,
    max_azimuth_gap: AzimuthGap = 90.0,
    max_takeoff_gap: TakeoffGap = 60.0,
    max_distance_km: MaxDistance = 120.0,
    worst_quality: WorstQuality = "D",
    composite_km: Composite = None,
) -> None:
    """Find focal mechanisms from first-motion polarities, as HASH does.

    Either of a catalog, with a table of polarities or networks that read them from its waveforms:
    rays follow from its hypocentres, their errors
    and its velocity model. Or of files of HASH or SKHASH: rays follow from the velocity models, or
    are those that the phase file states. Events that polarities cannot tell of have a note in place
    of a mechanism.
    """
    from quakeline.events.chain.mechanism import doubted, reversals_of, told
    from quakeline.events.mechanisms.composites import with_members
    from quakeline.events.mechanisms.mechanisms import of_events

    if worst_quality not in ("A", "B", "C", "D"):
        raise ConfigError(f"--worst-quality: {worst_quality!r} given; allowed: A, B, C, D")
    given = Given(
        catalog=catalog,
        polarities=polarities,
        networks=list(polarity_network or []),
        phase=hash_phase,
        stations=hash_stations,
        reversals=hash_reversals,
        velocity=list(velocity or []),
        composite_km=composite_km,
    )
    _require_places(given, output)
    settings = _settings(
        given,
        amplitude_ratios=amplitude_ratios,
        min_probability=min_probability,
        trials=trials,
        min_polarities=min_polarities,
        max_azimuth_gap_deg=max_azimuth_gap,
        max_takeoff_gap_deg=max_takeoff_gap,
        max_distance_km=max_distance_km,
        worst_quality=worst_quality,
    )
    turned = reversals_of(hash_reversals)
    read = read_given(given, settings)
    found = of_events(read.groups, read.launch, turned, settings.rules())
    if given.composite_km is not None:
        found = replace(found, mechanisms=with_members(found.mechanisms, read.groups))
    _write(output, given, settings, read, found)
    typer.echo(f"found    {told(found.mechanisms)}")
    for line in doubted(found.mechanisms, found.polarities):
        typer.echo(f"reversed? {line}")
    typer.echo(f"written  {output}: {len(found.mechanisms)} events")


def _require_places(given: Given, output: Path) -> None:
    """Refuse files that do not exist, and a folder that may not be filled."""
    from quakeline.commands.places import files_of, require_files
    from quakeline.io.products import targets

    require_files(given.by_option())
    own = files_of(given.catalog) if given.catalog is not None else []
    models = given.velocity if given.catalog is not None else []
    targets.require_folder(
        "--output",
        output,
        "mechanism",
        (_TABLE, _CSV, _QML, _USED),
        [*given.files(), *models, *own],
    )


def _settings(given: Given, *, amplitude_ratios: bool, **others: Any) -> Settings:
    """The options as the settings of a run. Raises ConfigError."""
    from quakeline.events.mechanisms.settings import Settings

    if amplitude_ratios and not given.networks:
        raise ConfigError(
            "--amplitude-ratios: given without --polarity-network; a table of polarities has them"
            " as its column sp_ratio"
        )
    asked = given.polarities is None
    return Settings(
        networks=[str(path) for path in given.networks if asked],
        amplitude_ratios=amplitude_ratios and asked,
        **others,
    )


def _write(output: Path, given: Given, settings: Settings, read: Read, found: Found) -> None:
    """Write the mechanisms, the polarities that they are of, and what they follow from."""
    from quakeline.commands.places import catalog_inputs
    from quakeline.core.schemas import MECHANISMS, POLARITIES
    from quakeline.events.chain.mechanism import joined
    from quakeline.events.mechanisms import quakeml
    from quakeline.io.products import provenance, tables, targets
    from quakeline.workflow.stages.mechanism import VERSION

    digests = {str(path): provenance.digest_file(path) for path in read.inputs}
    digests |= catalog_inputs(given.catalog) if given.catalog is not None else {}
    asked: dict[str, Any] = vars(settings.rules()).copy()
    if given.networks:
        asked["min_probability"] = settings.min_probability
        asked["amplitude_ratios"] = settings.amplitude_ratios
    if given.composite_km is not None:
        asked["composite_km"] = given.composite_km
    record = provenance.Record("mechanism", VERSION, asked, digests)
    with targets.filling(output, "mechanism") as place, provenance.recording(record):
        tables.write(found.mechanisms, MECHANISMS, place / _TABLE)
        tables.write(joined(found.polarities, read.unknown), POLARITIES, place / _USED)
        found.mechanisms[MECHANISMS.plain_names].to_csv(place / _CSV, index=False)
        quakeml.write(found.mechanisms, found.polarities, read.groups, place / _QML)

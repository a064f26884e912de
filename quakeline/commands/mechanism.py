"""`quakeline mechanism`: focal mechanisms from polarities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from quakeline.core.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pandas as pd

    from quakeline.earth.velocity import Model
    from quakeline.events.mechanisms.launching import Launch
    from quakeline.events.mechanisms.polarities import PolarityEvent
    from quakeline.events.mechanisms.settings import Quality, Settings
    from quakeline.io.exports import Tables

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
        help="With phase files depth and vp of a HASH model, which may be repeated: all are tried"
        " in turn. With a catalog a model as in a run; default: that of the run."
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
        help="With a catalog: events whose hypocentres are linked by no more than so many km give"
        " one mechanism, of all their polarities.",
    ),
]
WorstQuality = Annotated[
    str, typer.Option(help="Worst quality, A to D, of which a mechanism is given.")
]

_TABLE, _CSV, _QML = "mechanisms.parquet", "mechanisms.csv", "mechanisms.qml"
_USED = "polarities.parquet"
#: Travel times reach farther than stations that count, by this factor.
_REACH = 1.1


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
    from quakeline.commands.places import catalog_inputs, files_of, require_files
    from quakeline.core.schemas import MECHANISMS, POLARITIES
    from quakeline.events.chain.mechanism import doubted, joined, reversals_of, told
    from quakeline.events.mechanisms import quakeml
    from quakeline.events.mechanisms.mechanisms import of_events
    from quakeline.events.mechanisms.polarities import clusters
    from quakeline.events.mechanisms.settings import Settings
    from quakeline.io.products import provenance, tables, targets
    from quakeline.workflow.stages.mechanism import VERSION

    if worst_quality not in ("A", "B", "C", "D"):
        raise ConfigError(f"--worst-quality: {worst_quality!r} given; allowed: A, B, C, D")
    networks = list(polarity_network or [])
    options: dict[str, Sequence[Path | None]] = {
        "--polarities": [polarities],
        "--polarity-network": networks,
        "--hash-phase": [hash_phase],
        "--hash-stations": [hash_stations],
        "--hash-reversals": [hash_reversals],
        # with a catalog also the name of a model
        "--velocity": (velocity or []) if catalog is None else [],
    }
    require_files(options)
    given = [path for paths in options.values() for path in paths if path is not None]
    inputs = [*given, *((velocity or []) if catalog is not None else [])]
    own = files_of(catalog) if catalog is not None else []
    targets.require_folder(
        "--output", output, "mechanism", (_TABLE, _CSV, _QML, _USED), [*inputs, *own]
    )
    if amplitude_ratios and not networks:
        raise ConfigError(
            "--amplitude-ratios: given without --polarity-network; a table of polarities has them"
            " as its column sp_ratio"
        )
    settings = Settings(
        networks=[str(path) for path in networks if polarities is None],
        amplitude_ratios=amplitude_ratios and polarities is None,
        min_probability=min_probability,
        trials=trials,
        min_polarities=min_polarities,
        max_azimuth_gap_deg=max_azimuth_gap,
        max_takeoff_gap_deg=max_takeoff_gap,
        max_distance_km=max_distance_km,
        worst_quality=cast("Quality", worst_quality),
    )
    rules = settings.rules()
    turned = reversals_of(hash_reversals)
    unknown = tables.empty(POLARITIES)
    if catalog is not None or polarities is not None or networks:
        known = _known(catalog, hash_phase, hash_stations, velocity)
        inputs = [*given, *known.velocity_files]
        if networks and polarities is None:
            groups, unknown = _by_networks(known, networks, settings)
        else:
            groups = _of_table(known, polarities, networks)
        launch = known.launch({event.event_id for (event,) in groups})
        if composite_km is not None:
            groups = clusters([event for (event,) in groups], composite_km)
    elif composite_km is not None:
        raise ConfigError("--composite-km: given without a catalog, whose events it joins")
    else:
        groups, launch = _of_files(hash_phase, hash_stations, velocity, max_distance_km)
    found = of_events(groups, launch, turned, rules)
    digests = {str(path): provenance.digest_file(path) for path in inputs}
    digests |= catalog_inputs(catalog) if catalog is not None else {}
    asked: dict[str, float] = {}
    if networks:
        asked |= {"min_probability": min_probability, "amplitude_ratios": amplitude_ratios}
    asked |= {"composite_km": composite_km} if composite_km is not None else {}
    record = provenance.Record("mechanism", VERSION, {**vars(rules), **asked}, digests)
    with targets.filling(output, "mechanism") as place, provenance.recording(record):
        tables.write(found.mechanisms, MECHANISMS, place / _TABLE)
        tables.write(joined(found.polarities, unknown), POLARITIES, place / _USED)
        found.mechanisms[MECHANISMS.plain_names].to_csv(place / _CSV, index=False)
        quakeml.write(found.mechanisms, found.polarities, groups, place / _QML)
    typer.echo(f"found    {told(found.mechanisms)}")
    for line in doubted(found.mechanisms, found.polarities):
        typer.echo(f"reversed? {line}")
    typer.echo(f"written  {output}: {len(found.mechanisms)} events")


@dataclass(frozen=True)
class _Known:
    """A catalog, and the velocity model by which its rays are found.

    `velocity_files` are those of a model that is not the catalog's own.
    """

    name: str
    folder: Path
    tables: Tables
    model: Model
    velocity_files: list[Path]

    def launch(self, wanted: set[str]) -> Launch:
        """Rays from the hypocentres of some events."""
        from quakeline.commands.places import channels_of
        from quakeline.earth.sites import Sites
        from quakeline.events.mechanisms.launching import InNetwork

        assert self.tables.stations is not None
        sites = Sites.of(self.tables.stations, channels_of(self.folder))
        events = self.tables.events
        return InNetwork.of(sites, self.model, events[events["event_id"].isin(wanted)])


def _known(
    catalog: str | None, phase: Path | None, stations: Path | None, velocity: list[Path] | None
) -> _Known:
    from quakeline.commands.places import catalog_of, run_folder_of, velocity_of

    if catalog is None:
        raise ConfigError("CATALOG: none given, whose events the polarities are of")
    if phase is not None or stations is not None:
        raise ConfigError("--hash-phase, --hash-stations: given with a catalog, which has its own")
    if velocity and len(velocity) > 1:
        raise ConfigError("--velocity: given more than once; a catalog takes one model")
    folder = run_folder_of(catalog)
    own = catalog_of(catalog)
    if own.stations is None:
        raise DataError(f"{folder} holds no stations.parquet, which tells where stations are")
    if own.events.empty:
        raise DataError(f"{folder} holds no events")
    model, section = velocity_of(folder, velocity[0] if velocity else None)
    files = [Path(path) for path in section.files()] if velocity else []
    return _Known(catalog, folder, own, model, files)


def _of_table(
    known: _Known, polarities: Path | None, networks: list[Path]
) -> list[list[PolarityEvent]]:
    """Events of a catalog with the polarities of a table."""
    from quakeline.events.chain.mechanism import read_of_table

    if polarities is None:
        raise ConfigError("needed with a catalog: --polarities, or --polarity-network")
    if networks:
        raise ConfigError("--polarities and --polarity-network: given together; one of them")
    read = read_of_table(polarities, known.tables.events)
    if read.left_out:
        typer.echo(read.left_out)
    if not read.events:
        raise DataError(f"{polarities}: none of its polarities is of an event of {known.name}")
    _require_stations(polarities, known, read.events)
    return [[event] for event in read.events]


def _require_stations(path: Path, known: _Known, events: Sequence[PolarityEvent]) -> None:
    """Refuse a table none of whose codes is that of a station."""
    stations = known.tables.stations
    assert stations is not None
    ours = set(zip(stations["network"], stations["station"], strict=True))
    theirs = [
        pair
        for event in events
        for pair in zip(event.polarities["network"], event.polarities["station"], strict=True)
    ]
    if theirs and not ours & set(theirs):
        raise DataError(
            f"{path}: no polarity belongs to a station; e.g. {'.'.join(theirs[0])} given, stations"
            f" are {', '.join(sorted('.'.join(pair) for pair in ours)[:3])} ..."
        )


def _by_networks(
    known: _Known, files: list[Path], settings: Settings
) -> tuple[list[list[PolarityEvent]], pd.DataFrame]:
    """Events of a run with polarities that networks read, and rows of those that are unknown."""
    from rich.console import Console

    from quakeline.commands.progress import shown
    from quakeline.events.chain.mechanism import read_by_networks
    from quakeline.events.measurement.kept_waveforms import Waveforms

    waveforms = Waveforms(known.folder.absolute() / "waveforms")
    console = Console(stderr=True)
    tables = known.tables
    with shown("mechanism", console, lambda total: f"{total:.0f} arrivals") as progress:
        read = read_by_networks(
            settings, tables.events, tables.pairs, waveforms.at, files, progress
        )
    told = read.told
    every = read.asked
    typer.echo(f"told     {told} of {every} polarities, by {' and '.join(read.names)}")
    if not told:
        raise DataError(f"{known.name}: none of its {every} P arrivals has a polarity")
    return [[event] for event in read.events], read.unknown


def _of_files(
    phase: Path | None, stations: Path | None, velocity: list[Path] | None, max_km: float
) -> tuple[list[list[PolarityEvent]], Launch]:
    """Events of a phase file of HASH or SKHASH, and where their rays come from."""
    from quakeline.events.mechanisms import hash_files, rays, skhash_files
    from quakeline.events.mechanisms.launching import Layered, Stated

    if phase is None:
        raise ConfigError("needed are a catalog and --polarities, or --hash-phase")
    if skhash_files.is_one(phase, "p_polarity"):
        groups = skhash_files.phases(phase)
    else:
        groups = [[event] for event in hash_files.phases(phase)]
    events = [event for group in groups for event in group]
    if not events:
        raise DataError(f"{phase} holds no events")
    if all("takeoff" in event.polarities for event in events):
        return groups, Stated()
    if stations is None or not velocity:
        raise ConfigError(
            "--hash-stations and --velocity: both are needed, since the phase file states no"
            " take-off angles"
        )
    csv = skhash_files.is_one(stations, "latitude")
    places = skhash_files.stations(stations) if csv else hash_files.stations(stations)
    models = [hash_files.velocities(path) for path in velocity]
    deepest = max(event.depth_km + 3 * event.depth_sigma_km for event in events)
    times = rays.times_of(models, places, deepest, _REACH * max_km)
    return groups, Layered(times, places)

"""What `quakeline mechanism` reads: events with polarities, and where their rays come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from quakeline.core.errors import ConfigError, DataError
from quakeline.earth.shipped import VELOCITY_MODELS

if TYPE_CHECKING:
    import pandas as pd

    from quakeline.earth.velocity import Model
    from quakeline.events.mechanisms.launching import Launch
    from quakeline.events.mechanisms.polarities import PolarityEvent
    from quakeline.events.mechanisms.settings import Settings
    from quakeline.io.exports import Tables

#: Travel times reach farther than stations that count, by this factor.
_REACH = 1.1
#: Makes S velocities, which polarities of P do not need, of models that have none.
_VP_VS = 1.73


@dataclass(frozen=True)
class Given:
    """What the options name.

    `phase`, `stations` and `reversals` are files of HASH or SKHASH. `composite_km` joins small
    events to one mechanism; None: each gives its own.
    """

    catalog: str | None
    polarities: Path | None
    networks: list[Path]
    phase: Path | None
    stations: Path | None
    reversals: Path | None
    velocity: list[Path]
    composite_km: float | None

    def by_option(self) -> dict[str, Sequence[Path | None]]:
        """What must be files, by option; None where an option is not given."""
        return {
            "--polarities": [self.polarities],
            "--polarity-network": self.networks,
            "--hash-phase": [self.phase],
            "--hash-stations": [self.stations],
            "--hash-reversals": [self.reversals],
            # with a catalog also a grid, which may be a folder
            "--velocity": self._velocity_files if self.catalog is None else [],
        }

    @property
    def _velocity_files(self) -> list[Path]:
        """Those of velocities that are no names of the program's models."""
        return [path for path in self.velocity if str(path) not in VELOCITY_MODELS]

    def files(self) -> list[Path]:
        """All given files."""
        every = self.by_option().values()
        return [path for paths in every for path in paths if path is not None]


@dataclass(frozen=True)
class Read:
    """Events in groups that give one mechanism each, and the rays from their hypocentres.

    `unknown` are polarities that networks do not tell (POLARITIES), `inputs` the files all follows
    from, but those of the catalog.
    """

    groups: list[list[PolarityEvent]]
    launch: Launch
    unknown: pd.DataFrame
    inputs: list[Path]


def read_given(given: Given, settings: Settings) -> Read:
    """Read what the options name. Raises ConfigError, DataError."""
    from quakeline.core.schemas import POLARITIES
    from quakeline.io.products import tables

    if given.catalog is not None or given.polarities is not None or given.networks:
        return _of_catalog(given, settings)
    if given.composite_km is not None:
        raise ConfigError("--composite-km: given without a catalog, whose events it joins")
    groups, launch = _of_files(
        given.phase, given.stations, given.velocity, settings.max_distance_km
    )
    return Read(groups, launch, tables.empty(POLARITIES), given.files())


def _of_catalog(given: Given, settings: Settings) -> Read:
    """Events of a catalog with polarities of a table, or those that networks read."""
    from quakeline.core.schemas import POLARITIES
    from quakeline.events.mechanisms.composites import clusters
    from quakeline.io.products import tables

    known = _known(given.catalog, given.phase, given.stations, given.velocity)
    if given.networks and given.polarities is None:
        events, unknown = _by_networks(known, given.networks, settings)
    else:
        events = _of_table(known, given.polarities, given.networks)
        unknown = tables.empty(POLARITIES)
    launch = known.launch({event.event_id for event in events})
    groups = clusters(events, given.composite_km, settings.min_polarities)
    return Read(groups, launch, unknown, [*given.files(), *known.velocity_files])


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
    catalog: str | None, phase: Path | None, stations: Path | None, velocity: list[Path]
) -> _Known:
    from quakeline.commands.places import catalog_of, run_folder_of, velocity_of

    if catalog is None:
        raise ConfigError("CATALOG: none given, whose events the polarities are of")
    if phase is not None or stations is not None:
        raise ConfigError("--hash-phase, --hash-stations: given with a catalog, which has its own")
    if len(velocity) > 1:
        raise ConfigError("--velocity: given more than once; a catalog takes one model")
    folder = run_folder_of(catalog)
    own = catalog_of(catalog)
    if own.stations is None:
        raise DataError(f"{folder} holds no stations.parquet, which tells where stations are")
    if own.events.empty:
        raise DataError(f"{folder} holds no events")
    given = velocity[0] if velocity else None
    model, section = velocity_of(folder, given, _VP_VS if given else 0.0)
    files = [Path(path) for path in section.files()] if velocity else []
    return _Known(catalog, folder, own, model, files)


def _of_table(known: _Known, polarities: Path | None, networks: list[Path]) -> list[PolarityEvent]:
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
    return read.events


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
) -> tuple[list[PolarityEvent], pd.DataFrame]:
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
    return read.events, read.unknown


def _of_files(
    phase: Path | None, stations: Path | None, velocity: list[Path], max_km: float
) -> tuple[list[list[PolarityEvent]], Launch]:
    """Events of a phase file of HASH or SKHASH, and where their rays come from."""
    from quakeline.earth.sections import named, require_layers
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
    models = [require_layers(named(path, _VP_VS).model(), "--hash-phase") for path in velocity]
    deepest = max(event.depth_km + 3 * event.depth_sigma_km for event in events)
    times = rays.times_of(models, places, deepest, _REACH * max_km)
    return groups, Layered(times, places)

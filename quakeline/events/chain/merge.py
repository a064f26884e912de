"""The catalog: picks, events and arrivals that agree with each other, and how they are written."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from quakeline.core.errors import DataError
from quakeline.core.section import Section

if TYPE_CHECKING:
    import pandas as pd

    from quakeline.events.location.diagnosis import Diagnosis
    from quakeline.io.formats.focal_mechanisms import Focal
    from quakeline.io.formats.quakeml import Labels
    from quakeline.io.products.provenance import Record

logger = logging.getLogger("quakeline")

#: Names of the files of a catalog, beside those of further formats.
FILES = (
    *(f"{name}.parquet" for name in ("events", "arrivals", "picks", "stations")),
    *("catalog.qml", "catalog.csv", "config.yaml", "diagnosis.json"),
)


class Settings(Section):
    """How the catalog is signed."""

    agency_id: str = Field(
        "quakeline",
        min_length=1,
        max_length=64,
        description="agency that the QuakeML names as the maker of events and picks",
    )
    author: str | None = Field(
        None,
        min_length=1,
        max_length=128,
        description='author that the QuakeML names; null: "quakeline" and its version',
    )
    earth_model: str | None = Field(
        None,
        min_length=1,
        max_length=64,
        description="name of the velocity model in the QuakeML; null: the first 12 digits of the"
        " SHA-256 of the velocity table",
    )
    exports: list[
        Literal["fdsn-text", "nonlinloc", "hypodd", "nordic", "pyrocko", "hash", "skhash"]
    ] = Field(
        default_factory=list,
        description="further formats of the catalog: files catalog.txt and catalog.nordic, folders"
        " nonlinloc/, hypodd/ and pyrocko/ beside events.parquet, and of polarities (section"
        " mechanism) hash/ and skhash/; `quakeline export` makes them of any run",
    )

    @field_validator("exports")
    @classmethod
    def _once(cls, value: list[str]) -> list[str]:
        if len(set(value)) < len(value):
            raise ValueError("names a format twice")
        return value


@dataclass(frozen=True)
class Catalog:
    """EVENTS, ARRIVALS and PICKS of a catalog, sorted by time, and STATIONS.

    `labels` are those of the QuakeML, `exports` the names of further formats. `record` says what
    made the catalog, `settings` with which sections of a configuration, `chosen` what settings that
    are `auto` became, `diagnosis` what the residuals say about the velocity model. `focal` are
    mechanisms and polarities, which the QuakeML holds too, `velocities` those of P over depth, as
    exports have them.
    """

    events: pd.DataFrame
    arrivals: pd.DataFrame
    picks: pd.DataFrame
    stations: pd.DataFrame
    labels: Labels
    exports: tuple[str, ...] = ()
    record: Record | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    chosen: Mapping[str, Any] = field(default_factory=dict)
    diagnosis: Diagnosis | None = None
    focal: Focal | None = None
    velocities: tuple[tuple[float, float], ...] | None = None

    def __repr__(self) -> str:
        counts = [(len(getattr(self, name)), name) for name in ("events", "arrivals", "picks")]
        n_stations = len(self.stations[["network", "station"]].drop_duplicates())
        said = ", ".join(f"{n} {name}" for n, name in (*counts, (n_stations, "stations")))
        return f"<catalog: {said}>"

    def put(
        self,
        events: Path,
        arrivals: Path,
        picks: Path,
        quakeml: Path,
        csv: Path,
        exports: Sequence[Path],
    ) -> None:
        """Write each part to its path; `exports` are all files of the formats in their order."""
        from quakeline.core.schemas import ARRIVALS, EVENTS, PICKS
        from quakeline.io import exports as formats
        from quakeline.io.formats import quakeml as catalogs
        from quakeline.io.products import tables

        tables.write(self.events, EVENTS, events, points=True)
        tables.write(self.arrivals, ARRIVALS, arrivals)
        tables.write(self.picks, PICKS, picks)
        parts = self.events, self.arrivals, self.picks
        catalogs.write_quakeml(*parts, quakeml, self.stations, self.labels, self.focal)
        catalogs.write_csv(self.events, csv)
        whole = formats.Tables(*parts, self.stations, self.focal, self.velocities)
        for name, path in formats.targets(self.exports, exports):
            formats.write(name, whole, path, self.labels)

    def write(self, folder: str | Path) -> None:
        """Write to a folder what the stage merge writes; the tables say what made them.

        Stations and settings, if there are any, lie beside them for whatever reads the catalog
        again.

        Raises
        ------
        ConfigError
            The folder holds what `write` or `quakeline catalog` did not make, or is of a run.
        OutputError
            The place cannot be written.
        """
        from quakeline.io.products import targets

        folder = Path(folder)
        targets.require_folder("folder", folder, "catalog", files_of(self.exports))
        with targets.filling(folder, "catalog") as place:
            self.fill(place)

    def fill(self, folder: Path) -> None:
        """Write as `write`, without a look at what a folder holds."""
        from quakeline.core.schemas import STATIONS
        from quakeline.io import exports as formats
        from quakeline.io.products import provenance, tables
        from quakeline.io.products.atomic import write_text

        with provenance.recording(self.record) if self.record else nullcontext():
            provenance.carry(self.chosen)
            self.put(
                folder / "events.parquet",
                folder / "arrivals.parquet",
                folder / "picks.parquet",
                folder / "catalog.qml",
                folder / "catalog.csv",
                [folder / name for name in formats.files_of(self.exports)],
            )
            if len(self.stations):
                tables.write(self.stations, STATIONS, folder / "stations.parquet")
        if self.diagnosis:
            write_text(folder / "diagnosis.json", self.diagnosis.text())
        if self.settings:
            write_text(folder / "config.yaml", text_of(self.settings))


def text_of(settings: Mapping[str, Any]) -> str:
    """Sections of a configuration as the text of a `config.yaml` beside a catalog."""
    import yaml

    return str(yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True))


def assembled(
    settings: Settings,
    events: pd.DataFrame,
    arrivals: pd.DataFrame,
    picks: pd.DataFrame,
    stations: pd.DataFrame,
    station_magnitudes: pd.DataFrame | None = None,
    velocity_digest: str | None = None,
    pickers: tuple[str, ...] = (),
) -> Catalog:
    """All tables of a run as a catalog.

    Picks of all chunks are kept, each once, with the event that they belong to, if any, and the
    amplitudes behind STATION_MAGNITUDES. Everything is sorted by time. `velocity_digest` is the
    SHA-256 of the file of velocities; it names them where the settings do not. `pickers` describe
    weights that were trained from others.

    Raises
    ------
    DataError
        An event_id is not unique, or an arrival has no event, no pick, or the pick of another one.
    """
    from quakeline.core.schemas import ARRIVALS, EVENTS, PICKS, STATIONS
    from quakeline.io.products import tables

    found = events.sort_values(["time", "event_id"], ignore_index=True)
    made = _without_repeats(picks)
    _check(found, arrivals, made)
    used = _in_order(arrivals, found, made)
    made = _with_events(made, used)
    if station_magnitudes is not None:
        made = _with_amplitudes(made, station_magnitudes)
    logger.info("merge: %d events, %d of %d picks used", len(found), len(used), len(made))
    if found.empty:
        logger.warning("merge: the catalog has no events")
    return Catalog(
        tables.typed(found, EVENTS),
        tables.typed(used, ARRIVALS),
        tables.typed(made, PICKS),
        tables.typed(stations, STATIONS),
        labels_of(settings, velocity_digest, pickers),
        tuple(settings.exports),
    )


def files_of(exports: Sequence[str]) -> list[str]:
    """Names of all files that `Catalog.write` may make, with those of further formats."""
    from quakeline.io import exports as formats

    return [*FILES, *formats.files_of(exports)]


def labels_of(
    settings: Settings, velocity_digest: str | None = None, pickers: tuple[str, ...] = ()
) -> Labels:
    """How a catalog is signed; `velocity_digest` and `pickers` as in `assembled`."""
    from quakeline.io.formats.quakeml import Labels

    known_as = settings.earth_model or (velocity_digest[:12] if velocity_digest else None)
    return Labels(settings.agency_id, settings.author, known_as, pickers)


def _without_repeats(picks: pd.DataFrame) -> pd.DataFrame:
    """Sort picks by time and id; of several with one id keep that of the first chunk."""
    repeated = int(picks.duplicated("pick_id").sum())
    differing = int(picks.drop_duplicates().duplicated("pick_id").sum())
    if repeated:
        logger.info("merge: %d picks of several chunks dropped as repeats", repeated)
    if differing:
        logger.warning("merge: %d repeated picks differ between chunks", differing)
    kept = picks.drop_duplicates("pick_id")
    return kept.sort_values(["time", "pick_id"], ignore_index=True)


def _check(events: pd.DataFrame, arrivals: pd.DataFrame, picks: pd.DataFrame) -> None:
    """Refuse tables that contradict each other."""
    known_event = arrivals["event_id"].isin(events["event_id"])
    known_pick = arrivals["pick_id"].isin(picks["pick_id"])
    mistakes = {
        "event_id occurs more than once": events["event_id"][events["event_id"].duplicated()],
        "arrivals belong to no event": arrivals["event_id"][~known_event],
        "arrivals belong to no pick": arrivals["pick_id"][~known_pick],
        "pick has more than one arrival": arrivals["pick_id"][arrivals["pick_id"].duplicated()],
    }
    for mistake, ids in mistakes.items():
        if len(ids):
            raise DataError(f"{mistake}: {ids.iloc[0]} ({len(ids)} in all)")


def _in_order(arrivals: pd.DataFrame, events: pd.DataFrame, picks: pd.DataFrame) -> pd.DataFrame:
    """Sort arrivals as their events and, inside an event, as their picks."""
    order = arrivals.assign(
        _event=_positions(arrivals["event_id"], events["event_id"]),
        _pick=_positions(arrivals["pick_id"], picks["pick_id"]),
    )
    return order.sort_values(["_event", "_pick"], ignore_index=True)[list(arrivals.columns)]


def _positions(ids: pd.Series, table: pd.Series) -> pd.Series:
    return ids.map({value: position for position, value in enumerate(table)})


def _with_events(picks: pd.DataFrame, arrivals: pd.DataFrame) -> pd.DataFrame:
    events = dict(zip(arrivals["pick_id"], arrivals["event_id"], strict=True))
    return picks.assign(event_id=picks["pick_id"].map(events).astype("str"))


def _with_amplitudes(picks: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """Fill in the Wood-Anderson amplitudes behind magnitudes of stations."""
    used = measured[measured["magnitude"].notna()]
    amplitudes = dict(zip(used["pick_id"], used["wood_anderson_mm"], strict=True))
    found = picks["pick_id"].map(amplitudes).astype(float)
    return picks.assign(wood_anderson_mm=found.fillna(picks["wood_anderson_mm"].astype(float)))

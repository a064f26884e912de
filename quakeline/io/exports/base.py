"""What a format of catalogs is, and the tables that it is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from quakeline.core.errors import DataError
from quakeline.io.formats.focal_mechanisms import Focal
from quakeline.io.formats.quakeml import Labels
from quakeline.io.products.atomic import write_text


@dataclass(frozen=True)
class Tables:
    """EVENTS, ARRIVALS and PICKS of a catalog; STATIONS and focal mechanisms if there are any.

    `velocities` are depths in km, from sea level down, and P velocities in km/s, with straight
    lines between them; a depth that occurs twice is an interface. None: they are not known.
    """

    events: pd.DataFrame
    arrivals: pd.DataFrame
    picks: pd.DataFrame
    stations: pd.DataFrame | None = None
    focal: Focal | None = None
    velocities: tuple[tuple[float, float], ...] | None = None

    @property
    def pairs(self) -> pd.DataFrame:
        """Arrivals with the columns of their picks, in order of arrivals.

        Raises
        ------
        DataError
            An arrival belongs to a pick that is not in the table.
        """
        columns = [name for name in self.picks.columns if name not in ("phase", "event_id")]
        joined = self.arrivals.merge(
            self.picks[columns], on="pick_id", how="left", validate="many_to_one"
        )
        lost = joined["time"].isna()
        if lost.any():
            row = joined[lost].iloc[0]
            raise DataError(
                f"event {row['event_id']}: pick {row['pick_id']} is not in the table of picks"
            )
        return joined


@dataclass(frozen=True)
class Format:
    """A format: what it is, and what it is called; a folder has `files`."""

    about: str
    name: str
    needs_stations: bool
    write: Callable[[Tables, Path, Labels], None]
    files: tuple[str, ...] = ()


def write_files(files: dict[str, str], folder: Path) -> None:
    """Write texts by their names into a folder, which is made where it is absent."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        write_text(folder / name, text)

"""`quakeline.open_run`: a finished run, or the folder of a catalog, to work with in Python."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import yaml

from quakeline.api.traces import gapless
from quakeline.core.errors import ConfigError, DataError
from quakeline.core.geometry import distance_azimuth
from quakeline.core.schemas import MECHANISMS, POLARITIES, STATIONS
from quakeline.io import exports
from quakeline.io.products import provenance, tables
from quakeline.io.products.lazy import open_stores

if TYPE_CHECKING:
    import geopandas
    import obspy
    import xarray
    from obspy.core.event import Catalog

    from quakeline.api.figures.plots import Plots

_SHOWN = 5


def open_run(folder: Path | str) -> FinishedRun:
    """Open what a run, a command or a live session left; nothing is read before it is used.

    Parameters
    ----------
    folder
        `results/<run>`, the name of a run below `results/`, a folder that holds
        `events.parquet`, `arrivals.parquet` and `picks.parquet`, or that of a live session.

    Raises
    ------
    DataError
        The folder holds no catalog.

    Examples
    --------
    >>> import quakeline
    >>> run = quakeline.open_run("results/unterhaching")
    >>> run
    <catalog of results/unterhaching: 2 events, 15 arrivals, 4 stations>
    >>> [round(depth) for depth in run.events["depth_km"]]
    [5, 6]
    """
    given = Path(folder)
    place = next((p for p in (given, Path("results") / given) if _has_catalog(p)), None)
    if place is None:
        raise DataError(f"{given} holds no events.parquet, nor does {given / 'catalog'}")
    return FinishedRun(place)


def _has_catalog(folder: Path) -> bool:
    return bool(exports.event_folders(folder))


class FinishedRun:
    """A catalog with all that belongs to it; see `open_run`.

    Tables are pandas frames; their columns, units and meanings stand in
    `quakeline.core.schemas`: EVENTS, ARRIVALS, PICKS and STATIONS. Each is read once, when it is
    first asked for.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __repr__(self) -> str:
        counts = ((len(self.events), "events"), (len(self.arrivals), "arrivals"))
        n = len(self.stations[["network", "station"]].drop_duplicates())
        said = ", ".join(f"{count} {name}" for count, name in (*counts, (n, "stations")))
        return f"<catalog of {self.folder}: {said}>"

    @cached_property
    def _tables(self) -> exports.Tables:
        return exports.read_tables(self.folder)

    @property
    def events(self) -> pd.DataFrame:
        """One row for each event (EVENTS): UTC time, degrees, km, their errors, magnitude."""
        return self._tables.events

    @property
    def arrivals(self) -> pd.DataFrame:
        """One row for each pick of an event (ARRIVALS): residual in s, distance in km, weight."""
        return self._tables.arrivals

    @property
    def picks(self) -> pd.DataFrame:
        """All picks (PICKS), of events or not: instrument, phase, UTC time, probability."""
        return self._tables.picks

    @property
    def stations(self) -> pd.DataFrame:
        """One row for each channel epoch (STATIONS); without rows where no table is there."""
        found = self._tables.stations
        return tables.empty(STATIONS) if found is None else found

    @property
    def mechanisms(self) -> pd.DataFrame:
        """A row for each event (MECHANISMS); without rows where the run looked for none."""
        focal = self._tables.focal
        return tables.empty(MECHANISMS) if focal is None else focal.mechanisms

    @property
    def polarities(self) -> pd.DataFrame:
        """First motions (POLARITIES); without rows where the run looked for no mechanisms."""
        focal = self._tables.focal
        return tables.empty(POLARITIES) if focal is None else focal.polarities

    @property
    def waveforms(self) -> xarray.Dataset:
        """The waveforms that the run kept, as `quakeline.open_stores` gives them: lazily.

        `data` (instrument, component, time), float32 in the unit of `units`, and `valid`.

        Raises
        ------
        DataError
            The run kept none (`keep: [waveforms]`).
        ConfigError
            The extra `dask` is not installed.

        Examples
        --------
        >>> import quakeline
        >>> run = quakeline.open_run("results/unterhaching")
        >>> second = run.waveforms.sel(time=slice("2010-05-27T16:25:00", "2010-05-27T16:25:01"))
        >>> dict(second.sizes)["component"], float(second.attrs["sampling_rate_hz"])
        (3, 100.0)
        """
        return self._stores["waveforms"]

    @property
    def probabilities(self) -> xarray.Dataset:
        """The probabilities that the run kept, lazily: (instrument, class, time) from 0 to 1.

        Raises as `waveforms`.
        """
        return self._stores["probabilities"]

    @cached_property
    def _stores(self) -> _Stores:
        return _Stores(self.folder)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The whole configuration by which the catalog was made, defaults included.

        Raises DataError where the folder does not have it.
        """
        own = exports.session_of(self.folder) or self.folder
        for path in (self.folder / "catalog/config.yaml", own / "config.yaml"):
            if path.is_file():
                return dict(yaml.safe_load(path.read_text(encoding="utf-8")))
        raise DataError(f"{self.folder} holds no config.yaml: the run did not end")

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """How the table of events was made: quakeline version, stage, settings, input digests."""
        return provenance.read(exports.event_folders(self.folder)[-1] / "events.parquet")

    def catalog(self) -> Catalog:
        """The events as an obspy catalog, with picks, arrivals, magnitudes and uncertainties.

        Examples
        --------
        >>> import quakeline
        >>> catalog = quakeline.open_run("results/unterhaching").catalog()
        >>> len(catalog), catalog[0].preferred_origin().time.isoformat()[:19]
        (2, '2010-05-27T16:24:31')
        """
        from quakeline.io.formats.quakeml import to_catalog

        known = self._tables
        return to_catalog(self.events, self.arrivals, self.picks, self.stations, focal=known.focal)

    def to_geopandas(self, table: str = "events") -> geopandas.GeoDataFrame:
        """A table with places on the globe, for GIS and for geopandas' own maps.

        Parameters
        ----------
        table
            events, stations, or arrivals or picks, which lie at their stations.

        Returns
        -------
        The table as a `geopandas.GeoDataFrame` of points, longitude and latitude in degrees
        (EPSG:4326), as `quakeline.to_geopandas` makes it.

        Raises
        ------
        ConfigError
            Another table is asked for.
        QuakelineError
            The extra `geo` is not installed.

        Examples
        --------
        >>> import quakeline
        >>> events = quakeline.open_run("results/unterhaching").to_geopandas()
        >>> [f"{point.x:.1f} {point.y:.1f}" for point in events.geometry]
        ['11.6 48.0', '11.6 48.0']
        """
        from quakeline.api.geo import TABLES, at_stations, to_geopandas

        if table not in TABLES:
            raise ConfigError(f"table: {table!r} given; allowed: {', '.join(TABLES)}")
        frame = getattr(self, table)
        if table == "arrivals":
            codes = self.picks[["pick_id", "network", "station"]].drop_duplicates("pick_id")
            frame = frame.merge(codes, on="pick_id", how="left")
        if table in ("arrivals", "picks"):
            frame = at_stations(frame, self.stations)
        return to_geopandas(frame)

    def event(self, given: str | int) -> pd.Series[Any]:
        """The row of an event, by its id or its number in order of time, from 0.

        Raises ConfigError for another event than those of the catalog.
        """
        ids = list(self.events["event_id"])
        if isinstance(given, int | np.integer) and -len(ids) <= given < len(ids):
            return self.events.iloc[int(given)]
        if given in ids:
            return self.events.iloc[ids.index(str(given))]
        more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
        known = ", ".join(ids[:_SHOWN]) or "none"
        raise ConfigError(f"event: {given!r} given; there are 0 to {len(ids) - 1}, {known}{more}")

    def arrivals_of(self, given: str | int) -> pd.DataFrame:
        """Arrivals of an event with the columns of their picks (`time`, `network`, ...)."""
        own = self.arrivals[self.arrivals["event_id"] == self.event(given)["event_id"]]
        picks = self.picks.drop_duplicates("pick_id").drop(columns=["phase", "event_id"])
        joined: pd.DataFrame = own.merge(picks, on="pick_id", how="left")
        return joined

    def stream(
        self, event: str | int, before_s: float = 5.0, after_s: float = 20.0
    ) -> obspy.Stream:
        """Kept waveforms of an event, of all instruments that were recording, as obspy has them.

        Parameters
        ----------
        event
            Id of the event, or its number in order of time.
        before_s, after_s
            From so long before the origin time to so long after the last arrival.

        Returns
        -------
        obspy.Stream
            A trace for each component and gapless stretch, at the rate of the network; `stats` has
            `distance` (m, from the epicentre) and `units` as well.

        Raises
        ------
        ConfigError
            There is no such event, or the extra `dask` is not installed.
        DataError
            The run kept no waveforms.

        Examples
        --------
        >>> import quakeline
        >>> stream = quakeline.open_run("results/unterhaching").stream(0)
        >>> sorted({trace.stats.station for trace in stream})
        ['UH1', 'UH2', 'UH3', 'UH4']
        """
        import obspy

        row = self.event(event)
        last = self.arrivals_of(event)["time"].max()
        start = row["time"] - pd.Timedelta(seconds=before_s)
        end = (row["time"] if pd.isna(last) else last) + pd.Timedelta(seconds=after_s)
        span = slice(*(t.tz_convert(None) for t in (start, end)))
        window = self.waveforms.sel(time=span).load()
        traces = (
            trace
            for label in map(str, window["instrument"].values)
            for trace in _traces(window.sel(instrument=label), label, self._distance_m(row, label))
        )
        return obspy.Stream(traces)

    def _distance_m(self, event: pd.Series[Any], label: str) -> float:
        """Distance of an instrument (NET.STA.LOC.BI) from an epicentre in m; NaN if unknown."""
        network, station = label.split(".")[:2]
        table = self.stations
        own = table[(table["network"] == network) & (table["station"] == station)]
        if own.empty:
            return float("nan")
        place = own[["latitude", "longitude"]].to_numpy(dtype=float)[:1].T
        return float(distance_azimuth(event["latitude"], event["longitude"], *place)[0][0] * 1000)

    @property
    def plot(self) -> Plots:
        """Figures for papers: map, section, record_section, residuals, gutenberg_richter."""
        from quakeline.api.figures.plots import Plots

        return Plots(self)


class _Stores(dict[str, "xarray.Dataset"]):
    """Stores of a run, each opened when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __missing__(self, kind: str) -> xarray.Dataset:
        found = open_stores(self._folder, kind)
        self[kind] = found
        return found


def _traces(window: xarray.Dataset, label: str, distance_m: float) -> Iterator[obspy.Trace]:
    """A trace for each component of an instrument and gapless stretch."""
    for component in map(str, window["component"].values):
        one = window.sel(component=component)
        yield from gapless(
            label,
            component,
            one["data"].values,
            one["valid"].values,
            int(one["time"].values[0].astype("int64")),
            float(window.attrs["sampling_rate_hz"]),
            distance=distance_m,
            units=str(one["units"].values),
        )

"""`quakeline tune velocity`: a 1D model from one's own picks."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quakeline.commands.options import Interpolation, Joined, Threads, say_given
from quakeline.commands.places import (
    catalog_of,
    channels_of,
    folder_of,
    require_stations,
    run_folder_of,
    settings_of,
    velocity_of,
)
from quakeline.core.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from quakeline.earth.sites import Sites
    from quakeline.earth.velocity import VelocityModel
    from quakeline.events.location.minimum1d import Best

logger = logging.getLogger("quakeline")

Data = Annotated[str, typer.Argument(help="Name of a run, or a table of picks (CSV, Parquet).")]
Stations = Annotated[
    Path | None, typer.Argument(help="Stations, CSV or StationXML; not for a run.")
]
Output = Annotated[Path, typer.Option("--output", "-o", help="Folder for velocity.csv and more.")]
Velocity = Annotated[
    Path | None,
    typer.Option(help="Model to begin with; default: the run's, or IASP91."),
]
VpVs = Annotated[float, typer.Option("--vp-vs", help="vp/vs that makes vs; 0: as in the model.")]
Most = Annotated[int, typer.Option(min=20, help="Events that are used at most.")]
_COMMAND = "tune velocity"
_FILES = ("velocity.csv", "velocity_quality.csv", "station_terms.csv")
#: Fewer events tell nothing of a model.
_FEWEST = 15
#: Layers below that depth, which most events have above them, change no more: in km.
_BELOW_KM = 3.0
#: A table of picks is worked on in pieces of so many picks at least, cut where there is no pick for
#: so long, until it has that many times the events that are used.
_PIECE, _QUIET_S, _SPARE = 2000, 10.0, 1.2
#: Share of the residuals of events left out below which a model is the better one; resolution below
#: which a velocity is mostly that of the start.
_BETTER, _RESOLVED = 0.98, 0.5


def velocity(
    data: Data,
    stations: Stations = None,
    output: Output = Path("velocity"),
    velocity: Velocity = None,
    vp_vs: VpVs = 0.0,
    interpolation: Joined = "auto",
    events: Most = 200,
    threads: Threads = None,
) -> None:
    """Invert picks for a minimum 1D model with station terms, from several starting models.

    Of a run, its own events are used, and its model to begin with; a table of picks is associated
    first, as far as that takes. Every fifth event is left out: its residuals tell whether the model
    predicts. Writes velocity.csv, which `velocity.table` takes, velocity_quality.csv, and
    station_terms.csv, which `locate.station_terms` takes: the model needs its terms.
    """
    from quakeline.events.location import minimum1d
    from quakeline.events.location.diagnosis import MANY
    from quakeline.io.products import targets

    require_stations(data, stations)
    used = [Path(data) if stations else folder_of(data), stations, velocity]
    targets.require_folder("--output", output, _COMMAND, _FILES, used)
    if stations is None:
        network = _of_run(data, velocity, vp_vs, interpolation)
    else:
        network = _of_picks(Path(data), stations, velocity, vp_vs, interpolation, events, threads)
    parts = minimum1d.material(
        network.sites, network.catalog, network.depth_km, network.least_sigma_s, events
    )
    if parts.events < _FEWEST:
        total = len(network.catalog[0])
        tried = parts.held.events
        raise DataError(
            f"{data}: {parts.events} events to invert; {_FEWEST} are needed, and of {MANY} or more"
            f" a model can be trusted. Of {total} events {total - parts.events - tried} have fewer"
            f" than {minimum1d.LEAST_ARRIVALS} arrivals, and {tried}, one in five of the rest, are"
            " left out to try the model"
        )
    begin = network.begin
    typer.echo(
        f"events   {parts.events} inverted, {parts.held.events} left out;"
        f" {len(parts.inverted)} arrivals of the first"
    )
    results = []
    for start in minimum1d.starts(begin):
        one = minimum1d.inverted(parts, start)
        results.append(one)
        typer.echo(
            f"start {len(results)}  vp {start.vp[0]:.2f} to {start.vp[-1]:.2f} km/s: residuals"
            f" {one.rms_s[0]:.3f} -> {one.rms_s[1]:.3f} s, of events left out"
            f" {one.held_s[0]:.3f} -> {one.held_s[1]:.3f} s"
        )
    given = minimum1d.inverted(parts, begin, frozen=True)
    found = minimum1d.best(results)
    typer.echo(
        f"residuals of events left out: {given.held_s[0]:.3f} s in the given model,"
        f" {given.held_s[1]:.3f} s with station terms alone, {found.held_s[1]:.3f} s in the new"
        " model with its terms"
    )
    _write(found, network.sites, output)
    if found.held_s[1] > _BETTER * min(given.held_s):
        _warn(
            "the new velocities do not predict better than the given ones with station terms:"
            " keep those"
        )
        return
    if parts.events < MANY:
        _warn(
            f"{parts.events} events hardly tell velocities from depths: in a catalog with this"
            f" model these are stated with the errors of its velocities, which {MANY} events or"
            " more make smaller"
        )
    model, terms = output / _FILES[0], output / _FILES[2]
    typer.echo(
        f"next     of a table: quakeline catalog PICKS STATIONS --velocity {model}"
        f" --set locate.station_terms={terms}"
    )
    typer.echo(f"         of a run: velocity.table: {model}, locate.station_terms: {terms}")


def _warn(line: str) -> None:
    typer.secho(f"WARNING  {line}", err=True, fg="yellow")


@dataclass(frozen=True)
class _Network:
    """What there is to invert: a catalog (EVENTS, ARRIVALS, PICKS), and the model to begin with."""

    sites: Sites
    catalog: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]
    begin: VelocityModel
    depth_km: tuple[float, float]
    least_sigma_s: float

    @classmethod
    def of(
        cls,
        sites: Sites,
        catalog: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
        model: VelocityModel,
        depth_km: tuple[float, float],
        least_sigma_s: float,
    ) -> _Network:
        """With the model in layers down to where events are."""
        import numpy as np

        from quakeline.events.location import minimum1d

        depths = catalog[0]["depth_km"].to_numpy(float)
        bottom = float(np.quantile(depths, 0.95)) + _BELOW_KM if len(depths) else depth_km[1]
        top = min(float(sites.local["depth_km"].min()), model.tops[0])
        return cls(sites, catalog, minimum1d.layered(model, top, bottom), depth_km, least_sigma_s)


def _of_run(
    data: str, velocity: Path | None, vp_vs: float, interpolation: Interpolation
) -> _Network:
    """The catalog of a run, and its model unless another one is given."""
    from quakeline.commands.settings import sections
    from quakeline.earth.sections import require_layers
    from quakeline.earth.sites import Sites
    from quakeline.events.association import depth_range

    folder = run_folder_of(data)
    tables = catalog_of(data)
    if tables.stations is None:
        raise DataError(f"{folder} holds no stations.parquet, which tells where stations are")
    model, _ = velocity_of(folder, velocity, vp_vs, interpolation)
    layers = require_layers(model, "quakeline tune velocity")
    typer.echo(f"velocity {model.reading}", err=True)
    sites = Sites.of(tables.stations, channels_of(folder))
    least_s = sections([], base=settings_of(folder)).locate.min_pick_sigma_s
    catalog = tables.events, tables.arrivals, tables.picks
    return _Network.of(sites, catalog, layers, depth_range(sites), least_s)


def _of_picks(
    picks: Path,
    stations: Path,
    velocity: Path | None,
    vp_vs: float,
    interpolation: Interpolation,
    events: int,
    threads: int | None,
) -> _Network:
    """A catalog of picks: in pieces from the first pick on, until there are events enough."""
    import pandas as pd

    from quakeline.earth.sections import require_layers
    from quakeline.events.association import depth_range
    from quakeline.events.chain import associate, locate, material

    given = material.read(picks, stations, velocity, vp_vs, interpolation=interpolation)
    if given.picks.empty:
        raise DataError(f"{picks}: no picks to associate")
    layers = require_layers(given.model, "quakeline tune velocity")
    say_given(given)
    cores = threads or os.cpu_count() or 1
    sites, model, locating = given.sites, given.model, locate.Settings()
    locator = locate.locator_of(locating, sites, model, cores)
    found, arrivals, count = [], [], 0
    for piece in _pieces(given.picks):
        candidates = associate.associated(
            associate.Settings(), piece, sites, model, cores, tell=logger.debug
        )
        some, joined = locator.locate(*candidates, piece)
        found.append(some)
        arrivals.append(joined)
        count += len(some)
        typer.echo(f"catalog  {count} events up to {piece['time'].max():%Y-%m-%dT%H:%M}", err=True)
        if count >= _SPARE * events:
            break
    parts = pd.concat(found, ignore_index=True), pd.concat(arrivals, ignore_index=True)
    return _Network.of(
        sites,
        (*parts, given.picks),
        layers,
        depth_range(sites),
        locating.min_pick_sigma_s,
    )


def _pieces(picks: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Picks in the order of time, cut where there is none for a while."""
    import numpy as np

    ordered = picks.sort_values("time", kind="stable", ignore_index=True)
    quiet = ordered["time"].diff().dt.total_seconds().to_numpy() > _QUIET_S
    start = 0
    for end in [*np.flatnonzero(quiet).tolist(), len(ordered)]:
        if end - start >= _PIECE or (end == len(ordered) and end > start):
            yield ordered.iloc[start:end]
            start = end


def _write(found: Best, sites: Sites, output: Path) -> None:
    """Write the model and the terms, and show them; top_km tells readers of constant layers."""
    import pandas as pd

    from quakeline.io.products import targets
    from quakeline.io.products.atomic import write_text

    model = found.model
    layers = len(model.vp)
    errors = {"vp_error": found.error_km_s[:layers], "vs_error": found.error_km_s[layers:]}
    columns = {"top_km": model.tops, "vp": model.vp, "vs": model.vs, **errors}
    table = pd.DataFrame(columns).round(3)
    shown = table.assign(
        vp_resolution=found.resolution[:layers].round(2),
        vs_resolution=found.resolution[layers:].round(2),
    )
    typer.echo(shown.to_string(index=False))
    unknown = table["top_km"][found.resolution[:layers] < _RESOLVED]
    if len(unknown):
        tops = ", ".join(f"{top:g}" for top in unknown)
        typer.echo(f"vp of the layers from {tops} km down is mostly that of the model begun with")
    made = dict(zip(_FILES, (table, shown, _terms(found, sites)), strict=True))
    with targets.filling(output, _COMMAND) as place:
        for name, frame in made.items():
            write_text(place / name, frame.to_csv(index=False))
    typer.echo(f"written  {output}")


def _terms(found: Best, sites: Sites) -> pd.DataFrame:
    """Delays of stations in s, by phase."""
    import pandas as pd

    from quakeline.earth.sites import KEYS
    from quakeline.events.location.terms import COLUMNS

    rows = [
        (*sites.table.loc[site, KEYS], "S" if is_s else "P", round(value, 4))
        for (site, is_s), value in sorted(found.terms_s.items())
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))

"""`quakeline correlate`: differential times of a run's events from its waveforms."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from quakeline.commands.places import catalog_inputs, catalog_of, files_of, run_folder_of
from quakeline.core.errors import ConfigError

Run = Annotated[str, typer.Argument(help="Name of a run that kept its waveforms, or its folder.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")]
MaxKm = Annotated[float, typer.Option(min=0.01, help="Farthest that two hypocentres may be apart.")]
Neighbours = Annotated[int, typer.Option(min=1, help="Events that each event is compared with.")]
Band = Annotated[str, typer.Option("--band", help="Band-pass, Hz: LOW,HIGH.")]
Shift = Annotated[float, typer.Option(min=0.01, help="Longest shift of a waveform, s.")]
Correlation = Annotated[float, typer.Option(min=0.0, max=1.0, help="Smallest coefficient.")]
Links = Annotated[int, typer.Option(min=1, help="Fewest differences of a pair of events.")]
Dask = Annotated[
    str, typer.Option(help="Compute on a dask cluster: its scheduler's address, or local:N.")
]

_TABLE = "differentials.parquet"


def correlate(
    run: Run,
    output: Output,
    max_km: MaxKm = 5.0,
    neighbours: Neighbours = 20,
    band: Band = "2,15",
    max_shift: Shift = 0.2,
    min_correlation: Correlation = 0.7,
    min_links: Links = 4,
    dask: Dask = "",
) -> None:
    """Correlate the waveforms of neighbouring events, for relocation by hypoDD or GrowClust.

    Writes dt.cc with phase.dat, station.dat and what their numbers mean, and the same differences
    as differentials.parquet.
    """
    from contextlib import nullcontext

    from rich.console import Console

    from quakeline.commands.progress import shown
    from quakeline.core.schemas import DIFFERENTIALS
    from quakeline.events.measurement.differential import Rules, differentials
    from quakeline.events.measurement.kept_waveforms import Waveforms
    from quakeline.events.measurement.spread import workers
    from quakeline.io import exports
    from quakeline.io.exports import hypodd
    from quakeline.io.products import provenance, tables, targets

    rules = Rules(
        max_km=max_km,
        neighbours=neighbours,
        band_hz=_band(band),
        max_shift_s=max_shift,
        min_correlation=min_correlation,
        min_links=min_links,
    )
    names = (*hypodd.FILES, hypodd.DIFFERENCES, _TABLE)
    targets.require_folder("--output", output, "correlate", names, files_of(run))
    catalog = catalog_of(run)
    folder = run_folder_of(run)
    waveforms = Waveforms(folder.absolute() / "waveforms")
    console = Console(stderr=True)
    with (
        workers(dask) if dask else nullcontext() as spread,
        shown("correlate", console, lambda total: f"{total:.0f} arrivals") as progress,
    ):
        made, unused = differentials(
            catalog.events, catalog.pairs, waveforms, rules, progress, spread
        )
    record = provenance.Record("correlate", 1, asdict(rules), catalog_inputs(run))
    with targets.filling(output, "correlate") as place, provenance.recording(record):
        exports.write("hypodd", catalog, place)
        exports.write_differences(catalog, made, place)
        tables.write(made, DIFFERENTIALS, place / _TABLE)
    for reason, count in sorted(unused.items()):
        typer.echo(f"not used  {count} {reason}")
    pairs = made[["event_id_1", "event_id_2"]].drop_duplicates()
    typer.echo(f"written   {output}: {len(made)} differences of {len(pairs)} pairs of events")


def _band(text: str) -> tuple[float, float]:
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        low = high = 0.0
    if not 0 < low < high:
        raise ConfigError(f"--band: {text!r} given; allowed: LOW,HIGH in Hz, as 2,15")
    return low, high

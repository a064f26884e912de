"""`quakeline scan`: Seismo-Performer's archive_scan.py, its options and its output."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from quakeline.core.errors import ConfigError, DataError

if TYPE_CHECKING:
    from quakeline.api.direct.archive_scan import Loader, Options

Listed = Annotated[
    Path, typer.Argument(help="A text file: in each line the files of N, E and Z of a station.")
]
Weights = Annotated[
    Path | None,
    typer.Option("--weights", "-w", help="File of weights, as published or .safetensors."),
]
Cnn = Annotated[bool, typer.Option("--cnn", help="Spec-CNN instead of Seismo-Performer.")]
Gpd = Annotated[bool, typer.Option("--gpd", help="GPD instead of Seismo-Performer.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Where predictions are written.")]
Threshold = Annotated[
    str, typer.Option(help="Smallest probability: a number, or 'p: 0.9997, s: 0.9995'.")
]
TraceSize = Annotated[
    float,
    typer.Option("--trace-size", min=4, help="Seconds that are read at once; changes no result."),
]
Batch = Annotated[
    int | None, typer.Option("--batch-size", min=1, help="Windows at once; default: the fastest.")
]
Shift = Annotated[int, typer.Option(min=1, max=400, help="Step between windows in samples.")]
NoFilter = Annotated[bool, typer.Option("--no-filter", help="Do not filter waveforms.")]
NoDetrend = Annotated[bool, typer.Option("--no-detrend", help="Do not detrend waveforms.")]
Precision = Annotated[
    int, typer.Option("--print-precision", min=1, max=16, help="Decimals of probabilities.")
]
Timed = Annotated[bool, typer.Option("--time", help="Print how long the network took.")]
Cpu = Annotated[bool, typer.Option("--cpu", help="Use no GPU.")]
PerTrace = Annotated[
    bool, typer.Option("--trace-normalization", help="Divide blocks of 600 s, not windows.")
]
Model = Annotated[
    str | None, typer.Option(help="Python module with a function load_model for the network.")
]
Resampled = Annotated[
    Literal["band", "interpolate"],
    typer.Option(help="interpolate: as the authors' program, without a filter against aliases."),
]
LoaderArguments = Annotated[str, typer.Option("--loader_argv", help="Its arguments: 'k=v k=v'.")]


def scan(
    list_file: Listed,
    weights: Weights = None,
    cnn: Cnn = False,
    gpd: Gpd = False,
    out: Out = Path("predictions.txt"),
    threshold: Threshold = "0.95",
    trace_size: TraceSize = 600.0,
    batch_size: Batch = None,
    shift: Shift = 10,
    no_filter: NoFilter = False,
    no_detrend: NoDetrend = False,
    print_precision: Precision = 4,
    time: Timed = False,
    cpu: Cpu = False,
    trace_normalization: PerTrace = False,
    model: Model = None,
    loader_argv: LoaderArguments = "",
    resampling: Resampled = "band",
) -> None:
    """Scan archives as Seismo-Performer's program does: a line for each prediction.

    STATION PHASE probability DD.MM.YYYY HH:MM:SS.ss. A phase has at most one prediction within
    100 s. Waveforms are streamed: --trace-size changes neither memory nor results; blocks are 600 s
    since 1970.
    """
    import os

    from quakeline.api.direct.archive_scan import Options, thresholds

    given = {"--cnn": cnn, "--gpd": gpd, "--model": model is not None}
    several = [name for name, there in given.items() if there]
    if len(several) > 1 or (model and weights):
        words = " and ".join([*several, *["--weights"] * bool(weights)])
        raise ConfigError(
            f"{words} given; allowed: one of --cnn, --gpd, --model; --weights not with --model"
        )
    if loader_argv and not model:
        raise ConfigError("--loader_argv given without --model")
    if trace_size != 600:
        typer.echo("--trace-size: waveforms are streamed, blocks stay 600 s", err=True)
    options = Options(
        network="cnn" if cnn else "gpd" if gpd else "performer",
        weights=weights,
        loader=_loader(model, loader_argv) if model else None,
        thresholds=thresholds(threshold),
        batch=batch_size,
        shift=shift,
        filtered=not no_filter,
        detrended=not no_detrend,
        per_trace=trace_normalization,
        resampling=resampling,
        device="cpu" if cpu else "auto",
        threads=len(os.sched_getaffinity(0)),
    )
    _write(list_file, options, out, print_precision, timed=time)


def _loader(module: str, text: str) -> Loader:
    from quakeline.api.direct.archive_scan import Loader

    pairs = [word.partition("=") for word in text.split()]
    wrong = [key for key, equals, _ in pairs if not equals or not key]
    if wrong:
        raise ConfigError(f"--loader_argv: {wrong[0]!r} given; allowed: 'key=value key=value'")
    return Loader(module, {key: value for key, _, value in pairs})


def _write(list_file: Path, options: Options, out: Path, digits: int, *, timed: bool) -> None:
    from quakeline.api.direct import archive_scan
    from quakeline.io.products import targets
    from quakeline.io.products.atomic import write_text

    targets.require_file("--out", out, [list_file, options.weights])
    found: list[str] = []
    usable, network_s = 0, 0.0
    for scanned in archive_scan.scan(list_file, options):
        if scanned.picks is None:
            typer.echo(f"skipped: {scanned.files[0]}: {scanned.problem}", err=True)
            continue
        targets.require_file("--out", out, scanned.files)
        usable, network_s = usable + 1, network_s + scanned.network_s
        found += archive_scan.lines(scanned.picks, digits)
    if not usable:
        raise DataError(f"{list_file}: no group of files can be used")
    write_text(out, "".join(f"{line}\n" for line in found))
    if timed:
        typer.echo(f"network  {network_s:.2f} s")
    typer.echo(f"written  {out}, {len(found)} predictions of {usable} groups of files")

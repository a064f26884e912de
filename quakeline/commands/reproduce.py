"""`quakeline reproduce`: repeats the run of a published catalog and compares."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

CratePath = Annotated[
    Path, typer.Argument(help="The crate: folder of a catalog, or its ro-crate-metadata.json.")
]
Folder = Annotated[
    Path | None, typer.Option(help="New folder to work in; default: reproduced/RUN.")
]
Data = Annotated[
    Path | None,
    typer.Option(help="Folder that relative paths of the run start from; default: this one."),
]
RunCode = Annotated[
    bool,
    typer.Option(
        "--run-code", help="Run the code that the crate names: the loader of a network of its own."
    ),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show all that Snakemake says.")]
Cores = Annotated[str, typer.Option(help="Cores to use at most: a number, or all.")]


def reproduce(
    crate: CratePath,
    folder: Folder = None,
    data: Data = None,
    cores: Cores = "all",
    run_code: RunCode = False,
    verbose: Verbose = False,
) -> None:
    """Repeat the run of a catalog in a new folder and compare: identical, or what differs.

    Inputs must have the digests that the crate states; other versions of programs are named. No
    code of the crate is run, unless --run-code says so. Exit code 1 when the catalogs differ.
    """
    from functools import partial

    from quakeline.commands.phases import carried_out
    from quakeline.workflow import launch, reproduction

    read = reproduction.read(crate)
    here = Path.cwd()
    target = (folder or here / "reproduced" / read.run.run).absolute()
    reproduction.require_harmless(read, run_code)
    reproduction.require_free(read, target)
    for line in reproduction.other_versions(read):
        typer.echo(f"quakeline: {line}", err=True)
    reproduction.furnish(read, target, (data or here).absolute())
    start = partial(launch.launch, target, launch.checked(target, None), None, cores, [])
    code = carried_out(start, target, read.run.run, quiet=not verbose)
    if code:
        raise typer.Exit(code)
    said = reproduction.differences(read, target / "results" / read.run.run / "catalog")
    typer.echo("\n".join(["the catalogs differ", *said]) if said else "the catalogs are identical")
    raise typer.Exit(1 if said else 0)

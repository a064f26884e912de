"""Whether libraries are installed that only some users need: the extras of the package."""

from __future__ import annotations

from importlib.util import find_spec

from quakeline.core.errors import QuakelineError

#: Modules of each extra, as `[project.optional-dependencies]` of pyproject.toml has them.
MODULES = {
    "cloud": ("botocore", "s3fs", "snakemake_storage_plugin_s3"),
    "cluster": ("snakemake_executor_plugin_cluster_generic",),
    "das": ("dascore", "xdas"),
    "dask": ("dask", "distributed", "xarray"),
    "geo": ("geopandas",),
    "grid": ("eikonalfm", "h5netcdf", "xarray"),
    "live": ("datalink_client", "seedlink_client"),
    "seisbench": ("seisbench",),
    "slurm": ("snakemake_executor_plugin_slurm",),
}


def lacking(extra: str, what: str) -> str:
    """One line on what must be installed for some work; empty where all of it is there."""
    absent = [name for name in MODULES[extra] if not _is_there(name)]
    if not absent:
        return ""
    return (
        f"{what}: {' and '.join(absent)} needed, which {'is' if len(absent) == 1 else 'are'} not"
        f" installed: pip install 'quakeline[{extra}]'"
    )


def require(extra: str, what: str) -> None:
    """Raise QuakelineError, one line, where a library of an extra is not installed."""
    line = lacking(extra, what)
    if line:
        raise QuakelineError(line)


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ValueError:  # a module that someone has marked as absent
        return False

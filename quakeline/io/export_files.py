"""Names of the files that exports of a catalog have, without the libraries that write them."""

from __future__ import annotations

from collections.abc import Iterable

#: Formats of one file, by the name that the configuration and `quakeline export` use.
FILE = {
    "geoparquet": "events.parquet",
    "quakeml": "catalog.qml",
    "csv": "catalog.csv",
    "fdsn-text": "catalog.txt",
    "nordic": "catalog.nordic",
}
#: Formats of several files, in a folder of the format's name.
FOLDER = {
    "nonlinloc": ("catalog.obs", "stations.in"),
    "hypodd": ("phase.dat", "station.dat", "events.csv", "stations.csv"),
    "pyrocko": ("events.yaml", "markers.txt", "stations.txt"),
    "hash": (
        *("phases.txt", "stations.txt", "reversals.txt", "velocity.txt"),
        *("events.csv", "stations.csv"),
    ),
    "skhash": ("polarities.csv", "stations.csv", "reversals.csv", "control.txt"),
}
#: Tables of mechanisms and of polarities, beside those of a catalog that has them.
FOCAL_FILES = ("mechanisms.parquet", "polarities.parquet")


def files_of(names: Iterable[str]) -> list[str]:
    """Names of all files of some formats, in order."""
    return [
        file
        for name in names
        for file in ([f"{name}/{own}" for own in FOLDER.get(name, ())] or [FILE[name]])
    ]

"""Which axis of a file is time, from what the file itself states.

ProdML names the axes of its raw data (`Dimensions`), and says how many channels there are
(`NumberOfLoci`). Some recorders store (locus, time), which readers that take every file for
(time, locus) do not notice.
"""

from __future__ import annotations

import re
from pathlib import Path

import h5py
import numpy as np

from quakeline.core.errors import DataError

_RAW = "Acquisition/Raw[0]"


def prodml_is_by_channel(path: Path) -> bool:
    """Whether a ProdML file holds its raw data as (locus, time).

    Raises
    ------
    DataError
        What the file says of its axes contradicts its counts.
    """
    with h5py.File(path, "r") as file:
        data = file[f"{_RAW}/RawData"]
        named = _named(data.attrs.get("Dimensions"))
        counted = _counted(file, data.shape)
    if named is not None and counted is not None and named != counted:
        order = ("time, locus", "locus, time")[named]
        raise DataError(
            f"its Dimensions are ({order}), but its NumberOfLoci is the length of the other axis;"
            " format.order says which it is"
        )
    return bool(counted if named is None else named)


def _named(stated: object) -> bool | None:
    """Whether `Dimensions` name time last; None where they do not name it."""
    if stated is None:
        return None
    words = re.findall("[a-z]+", " ".join(map(_text, np.atleast_1d(np.asarray(stated)))).lower())
    if len(words) != 2 or words.count("time") != 1:
        return None
    return bool(words[1] == "time")


def _counted(file: h5py.File, shape: tuple[int, ...]) -> bool | None:
    """Whether the counts say that time is the last axis; None where they do not tell."""
    holders = [file[_RAW], file["Acquisition"]]
    loci = next((int(h.attrs["NumberOfLoci"]) for h in holders if "NumberOfLoci" in h.attrs), None)
    if loci is None or len(shape) != 2 or (shape[0] == loci) == (shape[1] == loci):
        return None
    return bool(shape[0] == loci)


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)

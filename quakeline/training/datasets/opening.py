"""Opens a data set, whatever its format, and puts its records into parts."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from quakeline.core.errors import DataError, QuakelineError, why_unread
from quakeline.io.products.provenance import digest_file
from quakeline.training.datasets import arrays, sac, seisbench, stead
from quakeline.training.datasets.records import DEV, PARTS, TEST, TRAIN, Dataset

#: Share of the events in the parts dev and test each, where a data set names no parts.
_SHARE = 0.15


def open_dataset(path: Path) -> Dataset:
    """Open a data set: a folder of SeisBench's format or of SAC files, a NumPy archive, HDF5.

    Raises DataError where there is none, it is of another format or damaged; so does reading the
    samples of what is opened.
    """
    if not path.exists():
        raise DataError(f"{path} does not exist")
    with _reading(path):
        found = _opened(path)

    def samples(row: int) -> np.ndarray:
        with _reading(path):
            return found.samples(row)

    return replace(found, samples=samples)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Say in one line what h5py and other readers raise for damaged files."""
    try:
        yield
    except QuakelineError:
        raise
    except (OSError, RuntimeError, LookupError, ValueError, TypeError, ArithmeticError) as error:
        raise DataError(f"cannot read {path}: {why_unread(error, path)}") from error


def _opened(path: Path) -> Dataset:
    folder = path if path.is_dir() else path.parent
    if seisbench.is_one(folder) and (path.is_dir() or path.name.startswith(("metadata", "wavef"))):
        return seisbench.read(folder)
    if stead.is_one(path):
        return stead.read(path)
    if sac.is_one(path):
        return sac.read(path)
    if path.is_file() and arrays.is_windows(path):
        return arrays.read_windows(path)
    if path.is_file() and not h5py.is_hdf5(path):
        return arrays.read_npz(path)
    raise DataError(
        f"{path} is no data set; allowed: a folder of metadata.csv and waveforms.hdf5 (SeisBench),"
        " a NumPy archive (.npz), an HDF5 file with X and Y (Seismo-Performer), or with records"
        " below data (STEAD, EQTransformer), a folder of SAC files"
    )


def digest(dataset: Dataset) -> str:
    """SHA-256 of the digests of a data set's files."""
    return hashlib.sha256("".join(map(digest_file, dataset.files)).encode()).hexdigest()


def in_parts(dataset: Dataset) -> Dataset:
    """A data set whose records are in parts: as it says, else by event.

    Raises DataError where it names other parts, or an event is in two of them.
    """
    table = dataset.table
    named = table["split"] != ""
    if not named.any():
        groups = dict(zip(table["event"], table["event"], strict=True))
        found = assigned(groups)
        return dataset.with_splits(found[event] for event in table["event"])
    strange = sorted(set(table.loc[named, "split"]) - {*PARTS})
    if strange:
        raise DataError(f"{dataset.path}: split {strange[0]!r}; allowed: {', '.join(PARTS)}")
    doubles = shared_events(dataset)
    if doubles:
        raise DataError(
            f"{dataset.path}: {len(doubles)} events are in more than one part, the first is"
            f" {doubles[0]}: what was learnt would be tested on itself"
        )
    return dataset


def shared_events(dataset: Dataset) -> list[str]:
    """Events with records in more than one part."""
    named = dataset.table[dataset.table["split"] != ""]
    counts = named.groupby("event", sort=True)["split"].nunique()
    return [str(event) for event in counts[counts > 1].index]


def assigned(group_of: dict[str, str]) -> dict[str, str]:
    """Parts of events: all events of a group are in one part, the same on every machine.

    The order of groups is that of the digests of their names; the largest one is for training. Two
    groups are for training and development, three and more also for tests.
    """
    members: dict[str, list[str]] = defaultdict(list)
    for event, group in group_of.items():
        members[group].append(event)
    order = sorted(members, key=lambda name: (_hashed(name), name))
    largest = max(order, key=lambda name: len(members[name]), default="")
    others = [name for name in order if name != largest]
    _, n, _ = shares(len(order))
    parts = dict.fromkeys(order, TRAIN)
    parts |= dict.fromkeys(others[:n], DEV) | dict.fromkeys(others[n : 2 * n], TEST)
    return {event: parts[group] for event, group in group_of.items()}


def shares(count: int) -> tuple[int, int, int]:
    """How many of so many events, or groups of them, are for training, development and tests."""
    n = max(round(_SHARE * count), 1)
    dev = min(n, max(count - 1, 0))
    test = min(n, max(count - 1 - dev, 0))
    return count - dev - test, dev, test


def linked(pairs: Iterable[tuple[str, ...]]) -> dict[str, str]:
    """Groups of what occurs together, by the name of one member: disjoint sets."""
    leader: dict[str, str] = {}

    def find(one: str) -> str:
        while leader.setdefault(one, one) != one:
            leader[one] = one = leader[leader[one]]
        return one

    for names in pairs:
        for name in names:
            first, other = sorted((find(names[0]), find(name)))
            leader[other] = first
    return {name: find(name) for name in sorted(leader)}


def _hashed(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()

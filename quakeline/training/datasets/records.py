"""What every data set is: a table of its records, and a reader of their samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.signal import resample_poly

from quakeline.core.errors import DataError

#: Phases that are told apart, each with its column of the table.
PHASES = ("P", "S")
#: Parts of a data set.
TRAIN, DEV, TEST = PARTS = ("train", "dev", "test")
#: Columns of the table of a data set, see `Dataset`.
COLUMNS = ("name", "station", "start", "event", "split", "kind", "source", "rate_hz", "npts",
           "components", *PHASES, "unsure")  # fmt: skip
_ONSETS = (*PHASES, "unsure")
_LETTERS = {"1": "N", "2": "E", "3": "Z", "Y": "N", "X": "E"}


@dataclass(frozen=True)
class Dataset:
    """Labelled records; samples are read one record at a time, so that a set may be of any size.

    Attributes
    ----------
    path, form
        Where it is, and the format in words.
    table
        A row for each record: `name`; `station` as NET.STA.LOC and `start` in ISO 8601, "" where
        not stated; `event` to which it belongs (its own name where none is stated); `split`, train,
        dev, test or ""; `kind`, event (with an onset, or by what the set says of it) or noise;
        `source`, the kind of event in small letters, "" where not stated; `rate_hz`; `npts`;
        `components`, a letter for each; `P` and `S`, tuples of the samples of onsets; `unsure`,
        those of what may be one.
    samples
        Gives the samples of a row, shape (components, npts), float32, NaN where there are none.
    files
        What it is made of, for its digest.
    prepared
        Whether samples are windows behind the filter of their network, which is not applied again.
    """

    path: Path
    form: str
    table: pd.DataFrame
    samples: Callable[[int], np.ndarray]
    files: tuple[Path, ...]
    prepared: bool = False

    def __len__(self) -> int:
        return len(self.table)

    def rows(self, part: str) -> list[int]:
        """Numbers of the records of a part."""
        return np.flatnonzero((self.table["split"] == part).to_numpy()).tolist()

    def onsets(self, row: int) -> dict[str, tuple[float, ...]]:
        """Samples of the onsets of a record by phase."""
        return {phase: tuple(self.table[phase].iloc[row]) for phase in PHASES}

    def noise_end(self, row: int) -> int:
        """Number of samples from the start of a record that hold noise alone.

        Those before the first onset, sure or not, where P is labelled; of a record of noise
        without onsets all. 0 for a record of an event without a P, in which P may be anywhere.
        """
        record = self.table.iloc[row]
        if record["kind"] == "event" and not record["P"]:
            return 0
        first = min((at for name in _ONSETS for at in record[name]), default=record["npts"])
        return int(first)

    def read(self, row: int, wanted: str) -> np.ndarray:
        """Samples of a record, its components in an order; those it does not have are NaN.

        Raises DataError where samples are infinite, some that should be there are NaN, or there
        are fewer components than the data set says.
        """
        found = self.samples(row)
        record = self.table.iloc[row]
        stated = record["components"]
        if found.ndim != 2 or len(found) < len(stated):
            raise DataError(
                f"{self.path}: record {record['name']} has the shape {found.shape}; needed are the"
                f" components {stated} by samples"
            )
        known = np.isfinite(found)
        if not known.all():
            raise DataError(f"{self.path}: record {record['name']} holds NaN or infinite samples")
        letters = [_LETTERS.get(letter, letter) for letter in record["components"].upper()]
        data = np.full((len(wanted), found.shape[1]), np.nan, np.float32)
        for target, letter in enumerate(wanted):
            if letter in letters:
                data[target] = found[letters.index(letter)]
        return data

    def resampled(self, rate_hz: float) -> Dataset:
        """The same records at another rate, behind a filter against aliases (scipy)."""
        rates = self.table["rate_hz"].astype(float)
        factors = (rate_hz / rates).tolist()

        def samples(row: int) -> np.ndarray:
            found = self.samples(row)
            if factors[row] == 1:
                return found
            ratio = Fraction(factors[row]).limit_denominator(1000)
            made = resample_poly(found, ratio.numerator, ratio.denominator, axis=1, padtype="line")
            return np.asarray(made, np.float32)

        moved: dict[str, Any] = {
            name: [
                tuple(at * factor for at in own)
                for own, factor in zip(self.table[name], factors, strict=True)
            ]
            for name in _ONSETS
        }
        npts = [
            -(-int(n) * f.numerator // f.denominator)
            for n, f in zip(
                self.table["npts"],
                (Fraction(factor).limit_denominator(1000) for factor in factors),
                strict=True,
            )
        ]
        table = self.table.assign(rate_hz=rate_hz, npts=npts, **moved)
        return replace(self, table=table, samples=samples)

    def with_splits(self, splits: Iterable[str]) -> Dataset:
        """The same records in other parts."""
        return replace(self, table=self.table.assign(split=list(splits)))


def table_of(columns: Mapping[str, Any], stated: Iterable[str] = ()) -> pd.DataFrame:
    """A table of records with all columns; what is not given is "" or no onset.

    A record is of an event where it has an onset, or where what the data set states of it
    (`stated`, a text for each record; "" for nothing) is anything but noise.
    """
    frame = pd.DataFrame(dict(columns))
    for name in COLUMNS:
        if name not in frame:
            frame[name] = [()] * len(frame) if name in _ONSETS else ""
    labelled = frame["P"].map(len) + frame["S"].map(len) > 0
    words = pd.Series(list(stated) or [""] * len(frame), dtype=str).str.strip().str.lower()
    of_event = (words != "") & ~words.str.startswith("noise")
    frame["kind"] = np.where(labelled | of_event, "event", "noise")
    frame["event"] = frame["event"].where(frame["event"] != "", frame["name"])
    return frame[list(COLUMNS)]


def onsets_of(columns: Iterable[np.ndarray]) -> list[tuple[float, ...]]:
    """Onsets of each record from columns of samples, NaN where there is none; in order of time."""
    stacked = np.array([np.asarray(column, float) for column in columns])
    return [tuple(sorted(set(row[np.isfinite(row)].tolist()))) for row in stacked.T]

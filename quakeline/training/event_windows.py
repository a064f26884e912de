"""Records to images as a network of events sees them, each with its class."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from quakeline.core.errors import DataError
from quakeline.models.cards import Card
from quakeline.models.event_cards import EVENT, EXPLOSION, NOISE
from quakeline.models.event_images import PREPARED
from quakeline.training.augmentation import augmented
from quakeline.training.datasets.records import Dataset
from quakeline.training.settings import Settings
from quakeline.training.windows import Example

#: What data sets call classes, and what they are called here.
_SYNONYMS = {"quarry blast": EXPLOSION, "blast": EXPLOSION, "probable explosion": EXPLOSION}


@dataclass(frozen=True)
class EventWindows:
    """Windows of the records of one part, for a network of events.

    A record of a class of the network is a window with its P where the card says, at random in
    training and else in the middle of that range; noise is anywhere in a record of noise, or before
    the first onset of another record with a P, where there is room.
    """

    dataset: Dataset
    rows: list[int]
    card: Card
    settings: Settings
    training: bool
    _left_out: Counter[str] = field(default_factory=Counter, repr=False)

    def examples(self) -> list[Example]:
        """All windows that can be cut, with their classes."""
        return list(self._examples)

    @property
    def left_out(self) -> Counter[str]:
        """How many records give no window, by reason."""
        _ = self._examples
        return self._left_out

    @cached_property
    def _examples(self) -> list[Example]:
        return [example for row in self.rows for example in self._of(row)]

    def _of(self, row: int) -> list[Example]:
        record, window = self.dataset.table.iloc[row], self.card.window_samples
        n, quiet = int(record["npts"]), self.dataset.noise_end(row)
        found = []
        kind = class_of(record["source"], record["kind"], self.card)
        if record["kind"] == "event":
            if kind is None:
                self._left_out["of a class that the network does not have"] += 1
            elif not record["P"]:
                self._left_out["without a P"] += 1
            elif self._room(float(record["P"][0]), n) is None:
                self._left_out["without room for a window around its P"] += 1
            else:
                found.append(Example(row, kind, float(record["P"][0])))
        if NOISE in self.card.classes and quiet >= window:
            found.append(Example(row, NOISE, None if quiet == n else quiet - window / 2))
        elif record["kind"] != "event":
            self._left_out["noise shorter than a window"] += 1
        return found

    def _room(self, onset: float, n: int) -> tuple[int, int] | None:
        """First and last start of a window in the record with the onset where the card says."""
        rate, window = self.card.sampling_rate_hz, self.card.window_samples
        earliest, latest = self.card.onset_s or (0.0, 0.0)
        low = max(round(onset - latest * rate), 0)
        high = min(round(onset - earliest * rate), n - window)
        return (low, high) if low <= high else None

    def made(self, example: Example, epoch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Image, class as (classes,) of 0 and 1, and its weight ()."""
        number = epoch if self.training else 0
        seed = [self.settings.seed, int(self.training), number, example.row]
        random = np.random.default_rng([*seed, round(example.at or 0)])
        start, window = self._start(example, random), self.card.window_samples
        data = self.dataset.read(example.row, self.card.components)[:, start : start + window]
        valid = np.isfinite(data)
        data = np.where(valid, data, np.float32(0))
        data = data - data.mean(axis=1, keepdims=True)
        if self.training:
            data, valid = augmented(data, valid, self.settings.augmentation, random)
        image = PREPARED[self.card.network](data[None])[0]
        one = [float(name == example.kind) for name in self.card.classes]
        return image, np.array(one, np.float32), np.ones((), np.float32)

    def _start(self, example: Example, random: np.random.Generator) -> int:
        n = int(self.dataset.table["npts"].iloc[example.row])
        if example.kind == NOISE and example.at is None:
            low, high = 0, n - self.card.window_samples
        elif example.kind == NOISE:
            low, high = 0, int(example.at or 0) - self.card.window_samples // 2
        else:
            low, high = self._room(example.at or 0.0, n) or (0, 0)
        return int(random.integers(low, high + 1)) if self.training else (low + high) // 2


def class_of(source: str, kind: str, card: Card) -> str | None:
    """The class of a record among those of a network; None where it has none of them."""
    if kind == "noise":
        return NOISE if NOISE in card.classes else None
    name = source.replace("_", " ")
    name = _SYNONYMS.get(name, name)
    if name in card.classes:
        return name
    return EVENT if EVENT in card.classes else None


def check(dataset: Dataset, card: Card) -> None:
    """Refuse, with a DataError, a data set from which a network of events cannot learn."""
    rates = sorted(set(dataset.table["rate_hz"]) - {card.sampling_rate_hz})
    if rates:
        raise DataError(
            f"{dataset.path} has records at {rates[0]:g} Hz; {card.name} takes"
            f" {card.sampling_rate_hz:g} Hz: resample them, or another network"
        )

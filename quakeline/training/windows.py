"""Records to windows as the engine would give them to the network, each with what it should say."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from quakeline.core.errors import DataError
from quakeline.inference.windows import normalise
from quakeline.models.cards import Card
from quakeline.signal.filters import butterworth, filtered
from quakeline.training import labels
from quakeline.training.augmentation import augmented
from quakeline.training.datasets.records import PHASES, Dataset
from quakeline.training.settings import Settings

#: Class of an example of noise, whatever the network calls it.
_NOISE = "N"
#: How large a record is that is added to another one.
_SUPERPOSED = (0.1, 1.0)


@dataclass(frozen=True)
class Example:
    """A window that is learnt from: a record, and for networks of one class its class and place.

    `at` is the sample of the record in the middle of the window, None for any place in the first
    `quiet` samples, which hold noise alone.
    """

    row: int
    kind: str = ""
    at: float | None = None
    quiet: int = 0


#: A window of noise ends as long before the first onset of a record: labels are late at times, and
#: resampling spreads an onset to both sides.
_BEFORE_ONSET_S = 0.5

#: Bytes of records, ready to be cut, that are kept in memory for each part.
_KEPT_BYTES = 1 << 29


@dataclass(frozen=True)
class Windows:
    """Windows of the records of one part for a network.

    Whether windows change at random follows from `training`; else each record gives the same window
    every time, with its onset as far from the middle as in training. Records that were read are
    kept, the first ones of a set that is larger than `_KEPT_BYTES`: with another order each epoch
    none is worth more than another.
    """

    dataset: Dataset
    rows: list[int]
    card: Card
    settings: Settings
    training: bool
    _kept: dict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict, repr=False)

    def examples(self) -> list[Example]:
        """All of them: one for each record, or for each onset and for noise."""
        if self.card.output == "samples":
            return [Example(row) for row in self.rows]
        return [example for row in self.rows for example in self._classes(row)]

    def _classes(self, row: int) -> list[Example]:
        onsets = self.dataset.onsets(row)
        found = [
            Example(row, phase, at) for phase in self.card.phases for at in onsets.get(phase, ())
        ]
        n, window = int(self.dataset.table["npts"].iloc[row]), self.card.window_samples
        quiet = self.dataset.noise_end(row)
        if quiet < n:
            quiet -= round(_BEFORE_ONSET_S * self.card.sampling_rate_hz)
        if quiet >= window and any(name in labels.NOISE for name in self.card.classes):
            found.append(Example(row, _NOISE, quiet=quiet))
        return found

    @cached_property
    def _onsets(self) -> list[dict[str, tuple[float, ...]]]:
        columns = [self.dataset.table[phase] for phase in PHASES]
        return [dict(zip(PHASES, own, strict=True)) for own in zip(*columns, strict=True)]

    @property
    def _jitter(self) -> int:
        """How far the onset is from the middle of a window at most, in samples."""
        far = self.settings.jitter_s
        if far is None:
            return self.card.hop_samples // 2
        return round(far * self.card.sampling_rate_hz)

    @cached_property
    def _unsure(self) -> list[tuple[float, ...]]:
        return list(self.dataset.table["unsure"])

    def made(self, example: Example, epoch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Window (components, n), what the network should say of it, and how much that counts.

        The second has the shape of the network's output of one window, the third (n,) or ().
        """
        number = epoch if self.training else 0
        seed = [self.settings.seed, int(self.training), number, example.row]
        random = np.random.default_rng([*seed, round(example.at or 0)])
        data, valid = self._record(example.row)
        start = self._start(example, data.shape[1], random)
        window = self.card.window_samples
        data, valid = _cut(data, start, window), _cut(valid, start, window)
        placed = [(example.row, start)]
        if self.training:
            share = self.settings.augmentation.superpose
            if share and self.card.output == "samples" and random.random() < share:
                data, placed = self._superposed(data, valid, placed, random)
            data, valid = augmented(data, valid, self.settings.augmentation, random)
        batch = np.where(valid, data, np.float32(0))[None]
        normalise(batch, valid[None], self.card.normalisation)
        return batch[0], *self._wanted(example, placed)

    def _superposed(
        self,
        data: np.ndarray,
        valid: np.ndarray,
        placed: list[tuple[int, int]],
        random: np.random.Generator,
    ) -> tuple[np.ndarray, list[tuple[int, int]]]:
        """The samples with those of another record of an event, and where windows of both begin.

        Only records in which P and S are labelled are taken: of others some would be no label.
        """
        whole = self._whole
        if not whole:
            return data, placed
        row = whole[int(random.integers(len(whole)))]
        other, there = self._record(row)
        start = self._start(Example(row), other.shape[1], random)
        window = self.card.window_samples
        added = np.where(_cut(there, start, window), _cut(other, start, window), np.float32(0))
        own, others = (float(np.abs(one[valid]).max(initial=0)) for one in (data, added))
        if not (own > 0 and others > 0):
            return data, placed
        factor = np.float32(random.uniform(*_SUPERPOSED) * own / others)
        return np.where(valid, data + factor * added, data), [*placed, (row, start)]

    @cached_property
    def _whole(self) -> list[int]:
        """Records with all phases of the network and nothing unsure."""
        return [
            row
            for row in self.rows
            if all(self._onsets[row].get(phase) for phase in self.card.phases)
            and not self._unsure[row]
        ]

    def _record(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """Samples and mask of a whole record, filtered as the network asks; not to be changed."""
        if row in self._kept:
            return self._kept[row]
        found = self._read(row)
        size = found[0].nbytes + found[1].nbytes
        if (len(self._kept) + 1) * size <= _KEPT_BYTES:
            self._kept[row] = found
        return found

    def _read(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        card = self.card
        data = self.dataset.read(row, card.components)
        valid = np.isfinite(data)
        if card.filter and not self.dataset.prepared:
            rule = card.filter
            sections = butterworth(rule.low_hz, rule.high_hz, rule.order, card.sampling_rate_hz)
            data = filtered(data, valid, sections, zero_phase=rule.zero_phase)
        return data, valid

    def _start(self, example: Example, n: int, random: np.random.Generator) -> int:
        """First sample of the window in the record; it may lie before it."""
        card, window = self.card, self.card.window_samples
        if card.output == "window":
            if example.at is None:
                return int(random.integers(0, example.quiet - window + 1))
            low, high = self._reach(example.row, example.at) if n > window else (0, 0)
            return round(example.at) - window // 2 + int(random.integers(low, high + 1))
        onsets = [at for own in self._onsets[example.row].values() for at in own]
        if not onsets:
            return int(random.integers(min(0, n - window), max(0, n - window) + 1))
        # one of the onsets anywhere in the part of the window that is used
        anchor = round(onsets[int(random.integers(len(onsets)))])
        blind = card.blind_samples
        lowest = max(anchor - window + blind + 1, min(0, n - window))
        highest = min(anchor - blind, max(0, n - window))
        if lowest > highest:  # an onset near the end of its record
            lowest = highest = max(
                min(anchor - window // 2, max(0, n - window)), min(0, n - window)
            )
        return int(random.integers(lowest, highest + 1))

    def _reach(self, row: int, at: float) -> tuple[int, int]:
        """How far the middle of a window may lie before and behind its onset, in samples.

        No farther than half way to another onset, whose window it would be: with P at a place and
        S shortly behind it the same window would be learnt as both.
        """
        far = self._jitter
        others = [one - at for own in self._onsets[row].values() for one in own if one != at]
        before = max((one for one in others if one < 0), default=-np.inf)
        behind = min((one for one in others if one > 0), default=np.inf)
        return -int(min(far, -before / 2)), int(min(far, behind / 2))

    def _wanted(
        self, example: Example, placed: list[tuple[int, int]]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Labels and weights of a window of some records, each with its first sample in it."""
        card, n = self.card, self.card.window_samples
        if card.output == "window":
            names = labels.NOISE if example.kind == _NOISE else (example.kind,)
            one = [float(name in names) for name in card.classes]
            return np.array(one, np.float32), np.ones((), np.float32)
        each = [self._moved(row, start) for row, start in placed]
        onsets = {phase: tuple(at for one in each for at in one[phase]) for phase in PHASES}
        shape = labels.shape_of(card.network, self.settings, card.sampling_rate_hz)
        wanted = labels.curves(card, onsets, n, shape)
        row, start = placed[0]
        unsure = tuple(at - start for at in self._unsure[row])
        return wanted, labels.weights(card, each[0], unsure, n)

    def _moved(self, row: int, start: int) -> dict[str, tuple[float, ...]]:
        """Onsets of a record in a window that begins at a sample of it."""
        return {p: tuple(at - start for at in own) for p, own in self._onsets[row].items()}


def check(dataset: Dataset, card: Card) -> None:
    """Refuse, with a DataError, a data set from which a network cannot learn."""
    from quakeline.training.datasets.inspecting import outside

    table, place = dataset.table, dataset.path
    rates = sorted(set(table["rate_hz"]) - {card.sampling_rate_hz})
    if rates:
        raise DataError(
            f"{place} has records at {rates[0]:g} Hz; {card.name} takes"
            f" {card.sampling_rate_hz:g} Hz: resample them, or another network"
        )
    lost = outside(table)
    if lost.any():
        name = table.loc[lost, "name"].iloc[0]
        raise DataError(
            f"{place}: {int(lost.sum())} records have a label outside their samples, the first is"
            f" {name}"
        )
    phases = [
        phase for phase in card.phases if phase in table and (table[phase].map(len) > 0).any()
    ]
    missing = [phase for phase in card.phases if phase not in phases]
    if not phases:
        raise DataError(f"{place} has no labels of {' or '.join(card.phases)}: nothing to learn")
    if missing:
        raise DataError(
            f"{place} has labels of {', '.join(phases)} alone; {card.name} would forget"
            f" {', '.join(missing)}"
        )


def _cut(array: np.ndarray, start: int, n: int) -> np.ndarray:
    """Samples [start, start + n) of the last axis; zero (False) outside."""
    found = np.zeros((*array.shape[:-1], n), array.dtype)
    first, last = max(start, 0), min(start + n, array.shape[-1])
    if first < last:
        found[..., first - start : last - start] = array[..., first:last]
    return found

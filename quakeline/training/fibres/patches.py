"""Fibre records to patches as `annotate` gives them to a model, each with what it should say."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
import torch

from quakeline.core.errors import ConfigError, DataError
from quakeline.fibres.das import apply
from quakeline.fibres.das.fk import filter_of
from quakeline.fibres.das.model import DASModel
from quakeline.fibres.das.patches import PatchingStructure
from quakeline.fibres.das.segments import sections_of
from quakeline.fibres.das.stream import Stream
from quakeline.fibres.recordings.arrays import TIME, as_source, spacing
from quakeline.training.augmentation import augmented
from quakeline.training.fibres.records import FibreRecords
from quakeline.training.labels import NOISE, bump, shape_of
from quakeline.training.settings import Settings

#: Where an onset may be that nobody labelled nothing is learnt, but for so many seconds.
_SURE_S = 0.5
#: Share of the patches that have an onset in them; others lie anywhere, so that noise is learnt.
_AROUND = 0.7
#: Records that are kept, prepared, for each part.
_KEPT = 32


@dataclass(frozen=True)
class Place:
    """A patch that is learnt from: somewhere in a record."""

    row: int
    kind: str = ""


@dataclass(frozen=True)
class Prepared:
    """A record behind resampling, filter and transforms of the model.

    `data` has the shape (channels, samples), `onsets` are samples by phase, (channels,).
    """

    data: np.ndarray
    onsets: dict[str, np.ndarray]
    dt: float
    dx: float | None


@dataclass(frozen=True)
class Patches:
    """Patches of the records of one part for a model.

    Whether patches move and change at random follows from `training`; else each record gives the
    same patch every time.
    """

    records: FibreRecords
    rows: list[int]
    model: DASModel
    structure: PatchingStructure
    settings: Settings
    training: bool
    _kept: OrderedDict[int, Prepared] = field(default_factory=OrderedDict, repr=False)

    def examples(self) -> list[Place]:
        """One for each record."""
        return [Place(row) for row in self.rows]

    def made(self, example: Place, epoch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Patch (samples, channels), labels (classes, values), and how much each counts (values,).

        Values are those of the output of the model, (samples, channels) one after the other.
        """
        seed = [self.settings.seed, int(self.training), epoch if self.training else 0, example.row]
        random = np.random.default_rng(seed)
        record, shape = self._record(example.row), self.structure
        n, width = shape.in_samples, shape.in_channels
        first, channel = self._corner(record, random)
        data = _cut(record.data, channel, first, width, n)
        valid = np.isfinite(data)
        data = np.where(valid, data, np.float32(0))
        if self.training:
            data, valid = augmented(data, valid, self.settings.augmentation, random)
        values = torch.from_numpy(np.ascontiguousarray(data.T))
        fk = filter_of(self.model.fk_filter_args, record.dt, record.dx, self.model.name)
        values = values if fk is None else fk(values[None])[0]
        onsets = {
            phase: _cut(own[:, None], channel, 0, width, 1)[:, 0] - first
            for phase, own in record.onsets.items()
        }
        wanted, weight = self._wanted(onsets, valid.T, 1 / record.dt)
        (lo, hi), (left, right) = shape.range_samples, shape.range_channels
        wanted, weight = wanted[:, lo:hi, left:right], weight[lo:hi, left:right]
        return values.numpy(), wanted.reshape(len(wanted), -1), weight.reshape(-1)

    def _record(self, row: int) -> Prepared:
        if row not in self._kept:
            self._kept[row] = prepared(self.records, row, self.model)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return self._kept[row]

    def _corner(self, record: Prepared, random: np.random.Generator) -> tuple[int, int]:
        """First sample and channel of a patch; they may lie before those of a short record."""
        channels, samples = record.data.shape
        pairs = [
            (int(channel), int(own[channel]))
            for own in record.onsets.values()
            for channel in np.flatnonzero(np.isfinite(own))
        ]
        around = bool(pairs) and random.random() < _AROUND
        chosen = pairs[int(random.integers(len(pairs)))] if around else None
        shape = self.structure
        return (
            _start(random, samples, shape.in_samples, shape.range_samples, chosen and chosen[1]),
            _start(random, channels, shape.in_channels, shape.range_channels, chosen and chosen[0]),
        )

    def _wanted(
        self, onsets: dict[str, np.ndarray], valid: np.ndarray, rate_hz: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Labels (classes, samples, channels) and weights (samples, channels)."""
        keys = self.model.annotate_keys
        at = np.arange(len(valid))[:, None]
        form, width = shape_of("", self.settings, rate_hz)
        made = np.zeros((len(keys), *valid.shape), np.float32)
        for number, key in enumerate(keys):
            own = onsets.get(key)
            if own is not None:
                made[number] = np.nan_to_num(bump(at - own[None], form, width))
        noise = [number for number, key in enumerate(keys) if key in NOISE]
        if noise:
            total = made.sum(axis=0)
            made /= np.maximum(total, 1)
            made[noise[0]] = np.maximum(1 - total, 0)
        return made, _weights(onsets, [k for k in keys if k not in NOISE], at, valid, rate_hz)


def _weights(
    onsets: dict[str, np.ndarray],
    phases: list[str],
    at: np.ndarray,
    valid: np.ndarray,
    rate_hz: float,
) -> np.ndarray:
    """How much each sample counts: not at all where a label may lack, or nothing is recorded.

    In a record of an event a channel without any label is left out as a whole; one with a P alone
    behind it, one with an S alone before it.
    """
    found = valid.astype(np.float32)
    there = {phase: np.isfinite(onsets.get(phase, np.full(valid.shape[1], np.nan)))
             for phase in phases}  # fmt: skip
    anything = np.any(list(there.values()), axis=0)
    if anything.any():
        found[:, ~anything] = 0
    if {"P", "S"} <= {*phases}:
        p, s = onsets.get("P"), onsets.get("S")
        if p is not None:
            found[(at > p[None] + _SURE_S * rate_hz) & (there["P"] & ~there["S"])[None]] = 0
        if s is not None:
            found[(at < s[None] - _SURE_S * rate_hz) & (there["S"] & ~there["P"])[None]] = 0
    return found


def _start(
    random: np.random.Generator, n: int, size: int, used: tuple[int, int], at: int | None
) -> int:
    """Where a patch begins along one axis: one of an onset has it in the part that is used."""
    lowest, highest = min(0, n - size), max(0, n - size)
    if at is not None:
        low, high = max(at - used[1] + 1, lowest), min(at - used[0], highest)
        if low <= high:
            lowest, highest = low, high
    return int(random.integers(lowest, highest + 1))


def _cut(array: np.ndarray, row: int, column: int, rows: int, columns: int) -> np.ndarray:
    """A piece of an array; NaN outside of it."""
    found = np.full((rows, columns), np.nan, array.dtype)
    top, left = max(row, 0), max(column, 0)
    bottom, right = min(row + rows, array.shape[0]), min(column + columns, array.shape[1])
    if top < bottom and left < right:
        inside = slice(top - row, bottom - row), slice(left - column, right - column)
        found[inside] = array[top:bottom, left:right]
    return found


def prepared(records: FibreRecords, row: int, model: DASModel) -> Prepared:
    """A record as the network sees it: by the code that applies the model to arrays.

    Raises DataError where the record is damaged or has channels at other steps.
    """
    samples, onsets = records.read(row)
    source = as_source(records.array(row, samples))
    section = sections_of(source.coords[TIME])[0][0]
    along_time, along_fibre = apply.ratios(model, source, section)
    if along_fibre != (1, 1):
        raise DataError(
            f"{records.path}: record {row} has channels at steps of {spacing(source):g} m;"
            f" {model.name} takes {model.dx_range}: write records with other channels"
        )
    dt = section.dt * along_time[1] / along_time[0]

    def stream(n: int) -> Stream:
        size = (n, source.shape[1])
        whole = PatchingStructure(*size, *size, (0, size[0]), (0, size[1]), 0, 0)
        filters = model.filter_at(1 / dt), model.transforms
        return Stream(source, section, whole, along_time, along_fibre, *filters, spacing(source))

    n = stream(1).shape[0]
    (found,) = stream(n).rows()
    factor = along_time[0] / along_time[1]
    moved = {phase: own * factor for phase, own in onsets.items()}
    return Prepared(found.data, moved, dt, spacing(source))


def structure_of(model: DASModel) -> PatchingStructure:
    """Patches that a model learns from. Raises ConfigError where they are not known or uneven."""
    structure = model.patching_structure
    if structure is None:
        raise ConfigError(f"{model.name} says nothing of its patches: give it patching_structure")
    sizes = structure.out_samples, structure.out_channels
    ranges = [high - low for low, high in (structure.range_samples, structure.range_channels)]
    if list(sizes) != ranges:
        raise ConfigError(
            f"{model.name} gives {sizes[0]} x {sizes[1]} values for {ranges[0]} x {ranges[1]} of"
            " its input; a network with a value for each of them can be trained"
        )
    return structure

"""What a network of events says of the windows around the P picks of a chunk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import scipy.signal

from quakeline.core.reasons import Code, Reason, cells
from quakeline.core.schemas import WINDOW_CLASSES
from quakeline.core.timeline import first_sample
from quakeline.events.classification.placing import PAD_S, leads_s, usable
from quakeline.io.products import stores, tables
from quakeline.models.event_networks import EventNetwork

_CODES = ["network", "station", "location", "instrument"]
_AT_ONCE = 16


@dataclass(frozen=True)
class _Judge:
    """A network for windows of a store at a rate, and how its windows are cut."""

    network: EventNetwork
    rate_hz: float
    vertical_alone: bool

    @property
    def reach(self) -> tuple[int, int]:
        """Samples of the store that are read before and after the one next to a pick."""
        leads, card = leads_s(self.network.card), self.network.card
        before, after = max(leads) + PAD_S, card.window_s - min(leads) + PAD_S
        return round(before * self.rate_hz), round(after * self.rate_hz) + 1

    def windows(self, data: np.ndarray, valid: np.ndarray) -> list[np.ndarray] | Code:
        """Windows of one pick from its surroundings, (components, n), or why there are none."""
        card, rate = self.network.card, self.rate_hz
        live = np.asarray(valid.any(axis=1))
        if not live.all():
            vertical = card.components.index("Z")
            if not (self.vertical_alone and live[vertical]):
                return Code.TOO_FEW_COMPONENTS
            data, valid = (np.repeat(one[vertical : vertical + 1], len(one), 0)
                           for one in (data, valid))  # fmt: skip
        placed = []
        for lead in leads_s(card):
            first = self.reach[0] - round(lead * rate)
            inside = slice(first, first + round(card.window_s * rate))
            if usable(tuple(valid[:, inside].mean(axis=1).tolist())):
                placed.append(lead)
        if not placed:
            return Code.WINDOW_NOT_PLACED
        moved = _resampled(_filled(data, valid), rate, card.sampling_rate_hz)
        onset = self.reach[0] / rate
        starts = [round((onset - lead) * card.sampling_rate_hz) for lead in placed]
        return [moved[:, start : start + card.window_samples] for start in starts]


def judged_windows(
    picks: pd.DataFrame, motion: Any, network: EventNetwork, *, vertical_alone: bool = False
) -> pd.DataFrame:
    """Probabilities of the classes (WINDOW_CLASSES) at each P pick (PICKS) of a chunk.

    The network sees windows of the instrument in which the pick stands where P stood in its
    training, three of them where the data allow it, and their mean counts. A pick of which no
    window is full of data, or whose instrument has no data, has a row that says so.

    Parameters
    ----------
    picks
        Those of the chunk; other phases than P are left out.
    motion
        The open store of waveforms (WAVEFORMS).
    vertical_alone
        Whether the vertical takes the place of components that are missing.
    """
    grid = stores.grid_of(motion)
    judge = _Judge(network, grid.rate_hz, vertical_alone)
    labels = {label: row for row, label in enumerate(stores.labels_of(motion, "instruments"))}
    order = [stores.labels_of(motion, "components").index(c) for c in network.card.components]
    rows: list[dict[str, Any]] = []
    for codes, own in picks[picks["phase"] == "P"].groupby(_CODES, sort=True):
        index = labels.get(".".join(map(str, codes)))
        if index is None:
            none: list[list[np.ndarray] | Code] = [Code.NO_USABLE_SAMPLES] * len(own)
            rows += _rows(own.sort_values(["time", "pick_id"])["pick_id"].tolist(), none, network)
            continue
        for some in _batches(own.sort_values(["time", "pick_id"])):
            cut = [_around(motion, index, onset, judge, order) for onset in _onsets(some, grid)]
            rows += _rows(some["pick_id"].tolist(), cut, network)
    return tables.typed(pd.DataFrame(rows, columns=WINDOW_CLASSES.names), WINDOW_CLASSES)


def _batches(picks: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for first in range(0, len(picks), _AT_ONCE):
        yield picks.iloc[first : first + _AT_ONCE]


def _onsets(picks: pd.DataFrame, grid: stores.Grid) -> list[int]:
    """Samples of the store next to the picks."""
    half = round(5e8 / grid.rate_hz)
    times = picks["time"].astype("int64").tolist()
    return [first_sample(time - half, grid.rate_hz) - grid.start_sample for time in times]


def _around(
    motion: Any, index: int, onset: int, judge: _Judge, order: list[int]
) -> list[np.ndarray] | Code:
    before, after = judge.reach
    data, valid = stores.window(motion, index, onset - before, onset + after)
    return judge.windows(data[order], valid[order])


def _rows(
    ids: list[str], cut: list[list[np.ndarray] | Code], network: EventNetwork
) -> Iterator[dict[str, Any]]:
    """Rows of some picks: one for each class, or one with the reason for none."""
    flat = [window for own in cut if not isinstance(own, Code) for window in own]
    shape = (0, len(network.card.components), network.card.window_samples)
    found = iter(network.probabilities(np.stack(flat) if flat else np.zeros(shape)))
    told = {"classifier": f"{network.card.name} {network.weights_id}"}
    for pick, own in zip(ids, cut, strict=True):
        common = {"pick_id": pick, **told}
        if isinstance(own, Code):
            yield common | {"windows": 0} | cells("note", [Reason.of(own)])
            continue
        mean = np.mean([next(found) for _ in own], axis=0)
        for name, probability in zip(network.card.classes, mean.tolist(), strict=True):
            yield common | {"event_class": name, "probability": probability, "windows": len(own)}


def _filled(data: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Motion about its mean, zero where samples are missing."""
    counts = np.maximum(valid.sum(axis=1, keepdims=True), 1)
    mean = np.where(valid, data, 0).sum(axis=1, keepdims=True, dtype=float) / counts
    return np.where(valid, data - mean, 0.0)


def _resampled(data: np.ndarray, rate_hz: float, wanted_hz: float) -> np.ndarray:
    """Samples at another rate, behind a filter against aliases."""
    if rate_hz == wanted_hz:
        return data
    ratio = Fraction(wanted_hz / rate_hz).limit_denominator(1000)
    return np.asarray(scipy.signal.resample_poly(data, ratio.numerator, ratio.denominator, axis=-1))

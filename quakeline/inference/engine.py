"""The engine: windows of many instruments in batches through a network, stitched per instrument."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from quakeline.inference.stitch import Stitcher
from quakeline.inference.windows import normalise, window_starts
from quakeline.models.cards import Card

#: Gives samples and mask, each (components, stop - start), of an instrument for absolute samples.
Reader = Callable[[int, int, int], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Engine:
    """A network with the rules by which it is applied to continuous data.

    `hop` is the step between windows in samples, `batch` the windows of one forward pass. Batches
    always have the same size, the last one filled with zeros, so that the results of a window do
    not depend on what else is in its batch.
    """

    card: Card
    network: torch.nn.Module
    device: torch.device
    hop: int
    batch: int

    def annotate(
        self, n_instruments: int, lo: int, hi: int, reader: Reader
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Probabilities of every class on samples [lo, hi) of each instrument, in their order.

        Windows without any valid sample are not computed; their probabilities are zero. The
        reader is asked for samples in the order of the card's components.
        """
        starts = window_starts(lo, hi, self.card.window_samples, self.hop)
        done, stitcher = 0, self._stitcher(lo, hi)
        for owners, begins, outputs in self._batches(n_instruments, starts, reader):
            for owner, begin, output in zip(owners, begins, outputs, strict=True):
                while done < owner:
                    yield done, stitcher.result()
                    done, stitcher = done + 1, self._stitcher(lo, hi)
                stitcher.add(begin, output)
        while done < n_instruments:
            yield done, stitcher.result()
            done, stitcher = done + 1, self._stitcher(lo, hi)

    def _stitcher(self, lo: int, hi: int) -> Stitcher:
        return Stitcher(lo, hi, len(self.card.classes), self.card.blind_samples)

    def _batches(
        self, n_instruments: int, starts: np.ndarray, reader: Reader
    ) -> Iterator[tuple[list[int], list[int], np.ndarray]]:
        pending: list[tuple[int, int, np.ndarray, np.ndarray]] = []
        for owner in range(n_instruments):
            for start in starts:
                data, valid = reader(owner, int(start), int(start) + self.card.window_samples)
                if valid.any():
                    pending.append((owner, int(start), data, valid))
                if len(pending) == self.batch:
                    yield self._forward(pending)
                    pending = []
        if pending:
            yield self._forward(pending)

    def _forward(
        self, pending: list[tuple[int, int, np.ndarray, np.ndarray]]
    ) -> tuple[list[int], list[int], np.ndarray]:
        owners, begins, data, valid = (list(column) for column in zip(*pending, strict=True))
        windows = np.zeros((self.batch, *data[0].shape), dtype=np.float32)
        windows[: len(data)] = normalise(np.stack(data), np.stack(valid))
        with torch.inference_mode():
            output = self.network(torch.from_numpy(windows).to(self.device))
        return owners, begins, output[: len(data)].cpu().numpy()

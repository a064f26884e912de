"""Curves of several networks to one, piece by piece: mean, maximum or median of each sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from quakeline.inference.engine import Piece
from quakeline.inference.waveforms import Waveforms

RULES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean": lambda curves: np.mean(curves, axis=0),
    "max": lambda curves: np.max(curves, axis=0),
    "median": lambda curves: np.median(curves, axis=0),
}


class Reordered:
    """Another source with its components in another order, or fewer of them."""

    def __init__(self, source: Waveforms, given: str, wanted: str) -> None:
        self._source = source
        self._order = [given.index(component) for component in wanted]

    @property
    def n_instruments(self) -> int:
        """How many instruments there are."""
        return self._source.n_instruments

    @property
    def in_memory(self) -> bool:
        """See `Waveforms.in_memory`."""
        return self._source.in_memory

    def read(self, instrument: int, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Waveforms.read`."""
        data, valid = self._source.read(instrument, start, stop)
        return data[self._order], valid[self._order]


def combined(streams: Sequence[Iterator[Piece]], rule: str) -> Iterator[Piece]:
    """Combine streams of pieces that cover the same samples of the same instruments.

    Each stream is read only as far as the slowest needs: memory is that of a piece of each.

    Parameters
    ----------
    streams
        What `Engine.annotate` gives, each for the same phases, instruments and samples.
    rule
        "mean", "max" or "median".

    Yields
    ------
    Piece
        Instrument by instrument in the order of time, as of one network.
    """
    combine = RULES[rule]
    heads = [_next(stream) for stream in streams]
    while not any(head is None for head in heads):
        pieces = [head for head in heads if head is not None]
        n = min(piece.curves.shape[1] for piece in pieces)
        curves = np.stack([piece.curves[:, :n] for piece in pieces])
        yield Piece(pieces[0].instrument, pieces[0].start, combine(curves).astype(np.float32))
        heads = [
            _rest(piece, n) if piece.curves.shape[1] > n else _next(stream)
            for piece, stream in zip(pieces, streams, strict=True)
        ]


def _next(stream: Iterator[Piece]) -> Piece | None:
    """The next piece that is not empty; None at the end."""
    return next((piece for piece in stream if piece.curves.shape[1]), None)


def _rest(piece: Piece, n: int) -> Piece:
    return Piece(piece.instrument, piece.start + n, piece.curves[:, n:])

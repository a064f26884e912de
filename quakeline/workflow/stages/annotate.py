"""Prepared waveforms through the network: a probability per phase and sample."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from quakeline.core.errors import within
from quakeline.core.section import MayBeAuto, Section
from quakeline.models.cards import Card, Scan, Stacking
from quakeline.models.windowing import Windowing

if TYPE_CHECKING:
    from quakeline.inference.engine import Piece
    from quakeline.io.products.curves import Curves

VERSION = 3

logger = logging.getLogger("quakeline")


class Config(Section):
    """How the network is applied."""

    hop_samples: Annotated[Annotated[int, Field(ge=1)] | None, MayBeAuto()] = Field(
        None,
        description="step between windows in samples; auto: the network's own (see `weights`)."
        " Not a multiple of 100: some networks put picks on whole seconds of their window",
    )
    batch: Annotated[Annotated[int, Field(ge=1, le=4096)] | None, MayBeAuto()] = Field(
        None,
        description="windows in one forward pass; auto: the network's best on the device",
    )
    blind_samples: Annotated[Annotated[int, Field(ge=0)] | None, MayBeAuto()] = Field(
        None,
        description="samples at both ends of a window whose output is not used; auto: the"
        " network's own",
    )
    stacking: Annotated[Stacking | None, MayBeAuto()] = Field(
        None,
        description="how overlapping windows are joined; weighted: ends of windows count less;"
        " auto: the network's own, average for the built-in ones",
    )
    edge_windows: Annotated[bool | None, MayBeAuto()] = Field(
        None,
        description="add windows that begin where data begin and end where they end, and let"
        " windows with gaps count less in averages; auto: the network's own, true for"
        " EQTransformer, whose window of a minute should be full of data",
    )
    normalisation: Annotated[Scan | None, MayBeAuto()] = Field(
        None,
        description="max-600s: samples are divided by the largest of each 600 s instead of the"
        " largest of their window, as the program of Seismo-Performer's authors does: small events"
        " near large ones are lost, and results depend on cuts unless chunks are multiples of"
        " 600 s; auto: the network's own",
    )
    filtered: bool = Field(
        True,
        description="false: waveforms reach the network without the filter that it was trained"
        " behind (EQTransformer's, GPD's and Seismo-Performer's have one), as for data that went"
        " through it before",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="where the network runs; auto: a GPU when there is one"
    )

    @property
    def windowing(self) -> Windowing:
        """What differs from the network's own card."""
        return Windowing(
            self.hop_samples,
            self.blind_samples,
            self.stacking,
            self.edge_windows,
            self.normalisation,
            self.filtered,
        )


@dataclass(frozen=True)
class AnnotatedChunk:
    """A chunk that the network is about to work on.

    `pieces` are its probabilities as they are made, `curves` describes them and reads the same
    pieces: who takes one leaves the other. `reach` is by how many samples they begin after the
    waveforms of the open store `source`.
    """

    source: Any
    curves: Curves
    pieces: Iterator[Piece]
    reach: int


@within("annotate")
def annotated(config: Config, *, waveforms: Path, weights: Path, threads: int) -> AnnotatedChunk:
    """Load the network and open the waveforms (WAVEFORMS) of a chunk.

    The curves cover the waveforms less what a sample's windows (and the filter) reach on both
    sides, since samples nearer to the ends are not covered by all their windows. Raises
    QuakelineError for weights or waveforms that cannot be used.
    """
    from quakeline.core.schemas import WAVEFORMS
    from quakeline.inference.annotator import Annotator
    from quakeline.inference.waveforms import Arrays
    from quakeline.io.products import provenance, stores
    from quakeline.io.products.curves import Curves, PassingCurves

    source = stores.open_store(waveforms, WAVEFORMS)
    # whatever module the weights of a run name, its configuration has named
    annotator = Annotator.load(
        weights, config.device, threads, config.batch, config.windowing, True
    )
    card = annotator.card
    provenance.chose("annotate", config.plain(), _windowing_of(card))
    whole = stores.grid_of(source)
    grid = stores.Grid(
        whole.start_sample + annotator.reach, whole.n_samples - 2 * annotator.reach, whole.rate_hz
    )
    instruments, classes = stores.labels_of(source, "instruments"), list(card.phases)
    recorded = Arrays(
        source["data"],
        source["valid"],
        whole.start_sample,
        stores.labels_of(source, "components"),
        card.components,
    )
    logger.info("annotate: %d instruments, %s", recorded.n_instruments, annotator)
    end = grid.start_sample + grid.n_samples
    pieces = _told(annotator.annotate(recorded, grid.start_sample, end), instruments, end)
    shape = (len(instruments), len(classes), grid.n_samples)
    curves = Curves(
        PassingCurves(pieces, shape, grid.start_sample), grid, instruments, classes, card.name,
        annotator.weights_id, dict(card.thresholds),
    )  # fmt: skip
    return AnnotatedChunk(source, curves, pieces, annotator.reach)


def _told(pieces: Iterator[Piece], instruments: list[str], end: int) -> Iterator[Piece]:
    """Pieces as they come; the log names each instrument that is done."""
    with within("annotate"):
        for piece in pieces:
            yield piece
            if piece.start + piece.curves.shape[1] >= end:
                logger.info("annotate: %s done", instruments[piece.instrument])


def run(
    config: Config, *, waveforms: Path, weights: Path, threads: int, probabilities: Path
) -> None:
    """Write the probabilities (PROBABILITIES) of a chunk, see `annotated`."""
    from quakeline.core.schemas import PROBABILITIES
    from quakeline.io.products import stores
    from quakeline.io.products.curves import CurveWriter

    made = annotated(config, waveforms=waveforms, weights=weights, threads=threads)
    curves = made.curves
    with stores.create(
        probabilities,
        PROBABILITIES,
        curves.grid,
        {"instruments": curves.instruments, "classes": curves.classes},
        model=curves.model,
        weights_id=curves.weights_id,
        thresholds=curves.thresholds,
    ) as target:
        writer = CurveWriter(target, curves.grid.start_sample)
        for piece in made.pieces:
            writer.add(piece.instrument, piece.start, piece.curves)
        writer.close()
        _copy_masks(made.source, target, made.reach)


def _copy_masks(source: Any, target: Any, offset: int) -> None:
    """Whether any component has data, for the samples of the target store."""
    from quakeline.io.products.stores import CHUNK_SAMPLES

    n = target["valid"].shape[1]
    step = 8 * CHUNK_SAMPLES
    for instrument in range(target["valid"].shape[0]):
        for start in range(0, n, step):
            stop = min(start + step, n)
            mask = source["valid"][instrument, :, offset + start : offset + stop]
            target["valid"][instrument, start:stop] = mask.any(axis=0)


def _windowing_of(card: Card) -> dict[str, Any]:
    """How windows are laid and joined; the members of an ensemble have steps of their own."""
    laid = {} if card.members else {n: getattr(card, n) for n in ("hop_samples", "blind_samples")}
    return {**laid, "stacking": card.stacking, "edge_windows": card.edge_windows}

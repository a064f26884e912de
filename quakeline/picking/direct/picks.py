"""Recordings to picks, with what was found in the data and how long it took."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pydantic import ValidationError

from quakeline.core.errors import ConfigError
from quakeline.core.mistakes import mistakes
from quakeline.core.schemas import PICKS
from quakeline.inference.annotator import Annotator
from quakeline.io.products import tables
from quakeline.io.products.remarks import Remark, some
from quakeline.models.cards import Card
from quakeline.picking.direct.work import INSTRUMENT, Progress, Work
from quakeline.picking.extraction import BlockPicker, Origin, PickStream, joined
from quakeline.picking.settings import Settings
from quakeline.waveforms.preparation.orientation import COMPONENTS
from quakeline.waveforms.preparation.recordings import Recordings


@dataclass(frozen=True)
class Outcome:
    """Picks (PICKS), what was found in the data, and how long it took.

    `data_s` are seconds of data of all instruments together. `reading_s` (reading and preparing)
    runs beside the rest; `network_s` is time spent on or waiting for the network.
    """

    picks: pd.DataFrame
    remarks: list[Remark]
    stations: int
    data_s: float
    reading_s: float
    network_s: float
    total_s: float

    @property
    def lines(self) -> list[str]:
        """What was found in the data, a line for each kind; data that are not used come first."""
        return described(self.remarks)


def described(remarks: list[Remark]) -> list[str]:
    """A line for each remark: status, some of the files or channels, the reasons."""
    return [f"{remark.status}: {some(remark.where, 3)}: {remark.text}" for remark in remarks]


def settings_of(
    card: Card, thresholds: Mapping[str, float] | None = None, **others: Any
) -> Settings:
    """Settings of the picker: keys of the config section `pick`, with all thresholds.

    A phase without a threshold has that of the weight set. Raises ConfigError for an unknown phase
    or key, or a value that is not allowed.
    """
    unknown = sorted(set(thresholds or {}) - set(card.phases))
    if unknown:
        raise ConfigError(
            f"threshold of {', '.join(unknown)} given; {card.name} has the phases"
            f" {', '.join(card.phases)}"
        )
    try:
        return Settings(thresholds={**card.thresholds, **(thresholds or {})}, **others)
    except ValidationError as error:
        raise ConfigError("\n".join(mistakes(error, Settings))) from error


def picks_of(
    recordings: Recordings,
    annotator: Annotator,
    settings: Settings,
    progress: Progress | None = None,
) -> Outcome:
    """Make the picks of recordings; `progress` hears the seconds of data done and of all.

    Raises DataError where no channel can be used.
    """
    begin = time.perf_counter()
    card = annotator.card
    origin = Origin(card.name, annotator.weights_id, list(card.phases), card.sampling_rate_hz)
    picker = BlockPicker(settings, origin, list(COMPONENTS))
    work = Work(recordings, annotator, progress)
    frames = []
    for chunk in work.chunks():
        stream = PickStream(picker, chunk.motion, chunk.labels, chunk.units, chunk.clipped)
        for piece, last in chunk.pieces():
            stream.add(piece.instrument, piece.start, piece.curves)
            if last:
                stream.close()
                chunk.release(piece.instrument)
        frames.append(joined(stream.frames, chunk.span))
    remarks, used = work.remarks(), work.coverage.query("status == 'used'")
    return Outcome(
        picks=tables.conform(joined(frames), PICKS).to_pandas(),
        remarks=remarks,
        stations=len(used[["network", "station"]].drop_duplicates()),
        data_s=float(used.groupby(["chunk", *INSTRUMENT])["seconds"].max().sum()),
        reading_s=work.clock.reading_s,
        network_s=work.clock.network_s,
        total_s=time.perf_counter() - begin,
    )

"""A chunk of a fibre through a picker of seismometers: onsets of its channels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from quakeline.core.errors import DataError
from quakeline.core.reasons import Code, Reason
from quakeline.core.schemas import COVERAGE, ONSETS
from quakeline.core.timeline import Span, first_sample
from quakeline.fibres.das.annotating import Annotating
from quakeline.fibres.das.card_facts import is_of_fibres
from quakeline.fibres.das.channelwise import DASPicker
from quakeline.fibres.das.picks import DASPickingCallback
from quakeline.fibres.fronts.settings import OnsetSettings
from quakeline.fibres.recordings.chunk import ChunkSource, Material, coverage_row, prepared
from quakeline.fibres.recordings.prepared import Prepared
from quakeline.inference.devices import on_gpu
from quakeline.io.products import tables
from quakeline.models.cards import Card
from quakeline.models.weights import card_of

#: Onsets this far outside a chunk are kept, in s: fronts do not end with chunks.
BEYOND_S = 5.0


@dataclass(frozen=True)
class Picker:
    """A network ready for fibre data."""

    weights: Path
    settings: OnsetSettings
    threads: int

    def pick(
        self,
        fibre: str,
        manifest: pd.DataFrame,
        channels: pd.DataFrame,
        material: Material,
        span: Span,
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Onsets (ONSETS) in a span and a little beyond, and what was read (COVERAGE)."""
        if channels.empty:
            return tables.empty(ONSETS), tables.empty(COVERAGE)
        card, weights_id = card_of(self.weights)
        data = prepared(manifest, channels, material, float(card.sampling_rate_hz))
        found = tables.empty(ONSETS)
        if data.recording.runs:
            found = self._onsets(data, channels, span.widen(BEYOND_S))
            found = found.assign(fibre=fibre, model=card.name, weights_id=weights_id)
        ends = span.start_ns, span.end_ns
        units = material.preprocess.units
        row = coverage_row(fibre, data, span.seconds, units, ends, _unplaced(channels))
        return found, pd.DataFrame([row])

    def _onsets(self, data: Prepared, channels: pd.DataFrame, span: Span) -> pd.DataFrame:
        card = card_of(self.weights)[0]
        model = self._model(card)
        wanted = self.settings
        levels = {**card.thresholds, **wanted.thresholds}
        callback = DASPickingCallback(levels, wanted.min_distance_s)
        source = self._source(model, data, channels, span)
        options = {"overlap_samples": wanted.overlap, "gap_guard_s": wanted.gap_guard_s}
        if is_of_fibres(card) and wanted.batch is not None:
            options["batch_size"] = wanted.batch
        try:
            model.annotate(source, callback, **options)
        except DataError as error:
            data.recording.notes.add(Reason.of(Code.NOT_ANNOTATED, why=str(error)))
            return tables.empty(ONSETS)
        return _table(callback.get_results_dataframe(), source, span)

    def _model(self, card: Card) -> Annotating:
        """The network on its device: one that sees many channels, or one for single stations."""
        wanted = self.settings
        if not is_of_fibres(card):
            picker = DASPicker(
                self.weights,
                wanted.components,
                device=wanted.device,
                threads=self.threads,
                batch=wanted.batch,
                run_loader=True,  # the configuration of the run names it
            )
            picker.annotate_keys = list(card.phases)
            return picker
        import torch

        from quakeline.fibres.das.networks import build

        torch.set_num_threads(self.threads)
        return build(self.weights).to("cuda" if on_gpu(wanted.device) else "cpu")

    def _source(
        self,
        model: Annotating,
        data: Prepared,
        channels: pd.DataFrame,
        span: Span,
    ) -> ChunkSource:
        """The span and what its windows reach; these begin at absolute multiples of their step."""
        rate = data.recording.rate_hz
        patches = model.get_patching_structure(
            (1, data.n_channels), {"overlap_samples": self.settings.overlap}
        )
        window, step = patches.in_samples, patches.shift_samples
        runs = data.recording.runs
        begins, ends = max(span.start_ns, runs[0].start_ns), min(span.end_ns, runs[-1].end_ns)
        lo, hi = (first_sample(time, rate) for time in (begins, ends))
        start = (lo - window) // step * step
        count = max(-(-(hi - start) // step), 1)
        return ChunkSource(data, channels, start, count * step + window)


def _unplaced(channels: pd.DataFrame) -> list[Reason]:
    """What is to be said of channels without a position."""
    if channels["latitude"].isna().all():
        return [Reason.of(Code.NO_PLACES)]
    used = channels.loc[channels["used"], "latitude"]
    absent = int(used.isna().sum())
    return [Reason.of(Code.SOME_PLACELESS, absent, channels=len(used))] if absent else []


def _table(picks: pd.DataFrame, source: ChunkSource, span: Span) -> pd.DataFrame:
    """Picks of the callback, which names channels by their distance, as ONSETS inside a span."""
    time = pd.to_datetime(picks["time"], utc=True)
    order = np.argsort(source.distance, kind="stable")
    sorted_ = source.distance[order]
    middles = (sorted_[1:] + sorted_[:-1]) / 2
    channel = order[np.searchsorted(middles, picks["channel"].to_numpy(float))]
    frame = pd.DataFrame(
        {
            "channel_index": source.index[channel],
            "distance_m": source.distance[channel],
            "phase": picks["phase"].to_numpy(),
            "time": time.to_numpy(),
            "probability": picks["confidence"].to_numpy(),
        }
    ).assign(time=time.to_numpy())
    frame["time"] = pd.to_datetime(frame["time"], utc=True)
    ns = frame["time"].astype("int64")
    frame = frame[(ns >= span.start_ns) & (ns < span.end_ns)]
    return frame.sort_values(["time", "channel_index", "phase"], ignore_index=True)

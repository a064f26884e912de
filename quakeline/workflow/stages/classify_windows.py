"""What a network of events says of the windows around P picks, while the waveforms exist."""

from __future__ import annotations

import logging
from pathlib import Path

from quakeline.events.classification.settings import EventWeights

VERSION = 2

logger = logging.getLogger("quakeline")

Config = EventWeights


def run(
    config: Config,
    *,
    chunk: str,
    picks: list[Path],
    waveforms: Path,
    weights: list[Path],
    threads: int = 1,
    windows: Path,
) -> None:
    """Write probabilities of classes (WINDOW_CLASSES) of the P picks (PICKS) in the chunk.

    `picks` are those of the chunk, and those of a table for the whole run.
    """
    import torch

    from quakeline.core.schemas import PICKS, WAVEFORMS, WINDOW_CLASSES
    from quakeline.core.timeline import Span
    from quakeline.events.classification.windows import judged_windows
    from quakeline.io.products import stores, tables
    from quakeline.models.event_networks import opened

    torch.set_num_threads(threads)
    network = opened(weights[0])
    made = tables.read_many(picks, PICKS).drop_duplicates("pick_id")
    made = made[tables.inside(made, Span.parse(chunk))]
    store = stores.open_store(waveforms, WAVEFORMS)
    frame = judged_windows(made, store, network, vertical_alone=config.vertical_alone)
    told = frame.loc[frame["event_class"].notna(), "pick_id"].nunique()
    logger.info(
        "classify_windows: %d of %d P picks judged by %s",
        told,
        int((made["phase"] == "P").sum()),
        network.card.name,
    )
    tables.write(frame, WINDOW_CLASSES, windows)

"""Onsets of single channels to picks of a fibre: fronts, their phase, and what is associated."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quakeline.core.timeline import Span
from quakeline.fibres.fronts.settings import FrontSettings

if TYPE_CHECKING:
    import pandas as pd

    from quakeline.fibres.section import Fibre

VERSION = 3

logger = logging.getLogger("quakeline")

Config = FrontSettings


def run(
    config: Config,
    *,
    chunk: str,
    fibre: str,
    settings: str,
    rate_hz: float,
    onsets: Path,
    manifest: Path,
    channels: Path,
    picks: Path,
    selected: Path,
    panels: Path,
) -> None:
    """Write all picks (FIBRE_PICKS) of a fibre in a chunk, those for association (PICKS), pictures.

    Picks without a front stay in the first table; its columns say what was decided.
    """
    from quakeline.core.schemas import FIBRE_CHANNELS, FIBRE_PICKS, MANIFEST, ONSETS, PICKS
    from quakeline.fibres.fronts.selection import cleaned, for_association
    from quakeline.fibres.section import Fibre
    from quakeline.io.products import tables

    described = Fibre.model_validate_json(settings)
    places = tables.read(channels, FIBRE_CHANNELS)
    live = places.loc[places["used"], "channel_index"].sort_values().to_numpy()
    live = live[described.preprocess.channel_step // 2 :: described.preprocess.channel_step]
    found = cleaned(tables.read(onsets, ONSETS), live, config, Span.parse(chunk))
    for phase in ("P", "S"):
        raw, kept = found["phase"] == phase, found["front_phase"] == phase
        logger.info("das_pick: %d %s of channels, %d of fronts", raw.sum(), phase, kept.sum())
    tables.write(found, FIBRE_PICKS, picks)
    tables.write(for_association(found), PICKS, selected)
    _write_panels(
        config, described, rate_hz, found, tables.read(manifest, MANIFEST), places, panels
    )


def _write_panels(
    config: Config,
    described: Fibre,
    rate_hz: float,
    picks: pd.DataFrame,
    manifest: pd.DataFrame,
    channels: pd.DataFrame,
    path: Path,
) -> None:
    from quakeline.core.schemas import PANELS
    from quakeline.fibres.fronts import panels
    from quakeline.io.products import stores

    spans = panels.episodes(picks, config.max_s_minus_p_s, config.panels)
    pictures, frames = [], []
    if spans:
        from quakeline.fibres.recordings.chunk import prepared

        data = prepared(manifest, channels, described.material, rate_hz)
        distances = channels.loc[channels["used"], "distance_m"].to_numpy()
        for span in spans:
            inside = picks["time"].astype("int64").between(span.start_ns, span.end_ns)
            picture, frame = panels.draw(data, distances, span, int(inside.sum()))
            pictures.append(picture)
            frames.append(frame)
    names = [f"{span.id}" for span in spans]
    grid = stores.Grid(0, panels.COLUMNS, 1.0)
    labels = {"panels": names, "rows": [str(n) for n in range(panels.ROWS)]}
    with stores.create(path, PANELS, grid, labels, frames=panels.plain(frames)) as store:
        motion: Any = store["motion"]
        for number, picture in enumerate(pictures):
            motion[number] = picture

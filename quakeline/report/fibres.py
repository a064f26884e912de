"""Fibres in the report: what was picked along them, and waterfalls with the picks."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from quakeline.core.schemas import FIBRE_PICKS, PANELS
from quakeline.core.timeline import SECOND, Span
from quakeline.io.products import tables
from quakeline.io.products.stores import labels_of, open_store
from quakeline.report.axes import Tick, time_ticks

#: Fronts that are listed, pictures that are drawn, of a run.
_MOST_FRONTS, _MOST_PANELS = 20, 12
#: A value of so many rms of its channel is black or white.
_CLIP = 3.0
_GREYS = 32
_MOST_MARKS = 4_000
#: Share of normal errors within one standard deviation, as percentiles.
_LOW, _HIGH = 15.87, 84.13


@dataclass(frozen=True)
class PhaseCount:
    """Picks of a phase: on single channels and of fronts, and what goes into the association.

    The spreads are half the width that holds 68 % of the times, in s; NaN without picks.
    """

    phase: str
    raw: int
    clean: int
    selected: int
    raw_spread_s: float
    clean_spread_s: float


@dataclass(frozen=True)
class Front:
    """A front: its phase, middle time, channels, picks, and what the network called them."""

    phase: str
    time_ns: int
    first: int
    last: int
    n_picks: int
    n_p: int
    scatter_s: float


@dataclass(frozen=True)
class Waterfall:
    """A picture of a fibre over time with its picks.

    `image` is a PNG as data URI; `marks` are SVG paths in a box of 2000 x 1000, by their class.
    """

    chunk: str
    start_ns: int
    image: str
    marks: list[tuple[str, str]]
    ticks: list[Tick]
    first_m: float
    last_m: float
    counts: list[PhaseCount]


@dataclass(frozen=True)
class FibreView:
    """A fibre of the run as the page shows it."""

    name: str
    n_channels: int
    n_placed: int
    counts: list[PhaseCount]
    fronts: list[Front]
    fronts_left_out: int
    waterfalls: list[Waterfall]


def views(channels: pd.DataFrame, picks: list[Path], panels: list[Path]) -> list[FibreView]:
    """All fibres of the run.

    `channels` is FIBRE_CHANNELS of all chunks; paths are `fibres/<fibre>/<kind>/<chunk>`.
    """
    result = []
    for name in sorted({path.parts[-3] for path in picks}):
        chunks = {
            path.stem: tables.read(path, FIBRE_PICKS) for path in picks if path.parts[-3] == name
        }
        stores = {path.stem: path for path in panels if path.parts[-3] == name}
        own = channels[channels["fibre"] == name].drop_duplicates("channel_index")
        used = own[own["used"]]
        made = pd.concat(
            [frame.assign(chunk=chunk) for chunk, frame in chunks.items()], ignore_index=True
        )
        fronts = _fronts(made)
        shown = sorted(sorted(fronts, key=lambda f: -f.n_picks)[:_MOST_FRONTS], key=_when)
        waterfalls = [w for chunk in chunks for w in _waterfalls(chunk, stores, chunks[chunk])]
        result.append(
            FibreView(
                name,
                len(used),
                int(used["latitude"].notna().sum()),
                _counts(made),
                shown,
                len(fronts) - len(shown),
                waterfalls[:_MOST_PANELS],
            )
        )
    return result


def _when(front: Front) -> int:
    return front.time_ns


def _counts(picks: pd.DataFrame) -> list[PhaseCount]:
    counts = []
    for phase in ("P", "S"):
        raw, clean = picks[picks["phase"] == phase], picks[picks["front_phase"] == phase]
        selected = int(clean["selected"].sum())
        spreads = _spread(raw), _spread(clean)
        counts.append(PhaseCount(phase, len(raw), len(clean), selected, *spreads))
    return counts


def _spread(picks: pd.DataFrame) -> float:
    if picks.empty:
        return float("nan")
    low, high = np.percentile(picks["time"].astype("int64").to_numpy() / SECOND, [_LOW, _HIGH])
    return float(high - low) / 2


def _fronts(picks: pd.DataFrame) -> list[Front]:
    members = picks[picks["front"] >= 0]
    return [
        Front(
            phase=str(group["front_phase"].iloc[0]),
            time_ns=int(group["time"].astype("int64").median()),
            first=int(group["channel_index"].min()),
            last=int(group["channel_index"].max()),
            n_picks=len(group),
            n_p=int((group["phase"] == "P").sum()),
            scatter_s=float(group["residual_s"].std(ddof=0)),
        )
        for _, group in members.groupby(["chunk", "front"])
    ]


def _waterfalls(chunk: str, stores: dict[str, Path], picks: pd.DataFrame) -> list[Waterfall]:
    if chunk not in stores:
        return []
    group = open_store(stores[chunk], PANELS)
    frames: Any = group.attrs["frames"]
    motion: Any = group["motion"]
    return [
        _waterfall(chunk, frame, np.asarray(motion[number]), picks)
        for number, (_, frame) in enumerate(zip(labels_of(group, "panels"), frames, strict=True))
    ]


def _waterfall(
    chunk: str, frame: dict[str, Any], motion: np.ndarray, picks: pd.DataFrame
) -> Waterfall:
    span = Span(int(frame["start_ns"]), int(frame["end_ns"]))
    inside = picks[picks["time"].astype("int64").between(span.start_ns, span.end_ns)]
    return Waterfall(
        chunk=chunk,
        start_ns=span.start_ns,
        image=_png(motion),
        marks=_marks(inside, span, float(frame["first_m"]), float(frame["last_m"])),
        ticks=time_ticks(span),
        first_m=float(frame["first_m"]),
        last_m=float(frame["last_m"]),
        counts=_counts(inside),
    )


def _png(motion: np.ndarray) -> str:
    """The picture in few greys; gaps are mid-grey."""
    from PIL import Image

    level = np.clip(np.nan_to_num(motion) / (2 * _CLIP) + 0.5, 0, 1)
    grey = Image.fromarray(np.round(level * (_GREYS - 1)).astype(np.uint8), mode="P")
    grey.putpalette([value for k in range(_GREYS) for value in [k * 255 // (_GREYS - 1)] * 3])
    buffer = io.BytesIO()
    grey.save(buffer, "PNG", optimize=True, bits=5)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _marks(picks: pd.DataFrame, span: Span, first_m: float, last_m: float) -> list[tuple[str, str]]:
    """Paths of picks: those of fronts by their phase, the others."""
    x = (picks["time"].astype("int64") - span.start_ns) / (span.end_ns - span.start_ns) * 2000
    y = (picks["distance_m"] - first_m) / ((last_m - first_m) or 1.0) * 1000
    kinds = picks["front_phase"].where(picks["front"] >= 0, "none")
    height = max(1000 / max(picks["channel_index"].nunique(), 1), 4.0)
    paths = []
    for kind in ("none", "P", "S"):
        chosen = np.flatnonzero((kinds == kind).to_numpy())
        chosen = chosen[:: -(-len(chosen) // _MOST_MARKS) or 1]
        points = zip(x.to_numpy()[chosen], y.to_numpy()[chosen], strict=True)
        path = "".join(f"M{a:.0f} {b - height / 2:.0f}v{height:.0f}" for a, b in points)
        paths.append((kind, path))
    return paths

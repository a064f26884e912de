"""Differential travel times of neighbouring events from their waveforms.

Two events close to each other look alike at a station, so that the time between their arrivals
follows from the shift at which their waveforms correlate best, far more exactly than from picks.
Programs that locate events relative to each other take such times (Waldhauser, F. & Ellsworth, W.
L., 2000, A double-difference earthquake location algorithm, Bull. Seismol. Soc. Am. 90, 1353-1368).
The shift is found by `obspy.signal.cross_correlation.xcorr_pick_correction`: a parabola through the
top of the correlation (Deichmann, N. & Garcia-Fernandez, M., 1992, Geophys. J. Int. 110, 501-517).
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import pandas as pd

from quakeline.core.geometry import neighbours
from quakeline.core.schemas import DIFFERENTIALS
from quakeline.core.timeline import SECOND
from quakeline.events.measurement.kept_waveforms import (
    CODES,
    Snippet,
    Waveforms,
    snippets,
    together,
)
from quakeline.io.products import tables

_VERTICAL, _HORIZONTAL = ("Z",), ("N", "E", "1", "2")
#: P windows end so long before S, and shorter ones tell nothing, in s.
_BEFORE_S, _SHORTEST_S = 0.05, 0.3
#: Shifts nearer than this to the longest one that is tried are no maximum.
_INSIDE = 0.95
_UNLIKE = "S too soon after P, no common component, or a correlation below"


@dataclass(frozen=True)
class Rules:
    """Which events are compared and how; lengths in km, times in s, frequencies in Hz.

    Each event has up to `neighbours` others within `max_km`. Windows reach from `before_s` before
    an arrival to `p_s` or `s_s` after it; a P window ends before S. Shifts up to `max_shift_s` are
    tried. A pair of events counts with at least `min_links` differences of `min_correlation`.
    """

    max_km: float = 5.0
    neighbours: int = 20
    band_hz: tuple[float, float] = (2.0, 15.0)
    before_s: float = 0.2
    p_s: float = 0.8
    s_s: float = 1.2
    max_shift_s: float = 0.2
    min_correlation: float = 0.7
    min_links: int = 4

    @property
    def reach_s(self) -> tuple[float, float]:
        """What of a waveform a difference may need, before and after an arrival."""
        return self.before_s + self.max_shift_s, max(self.p_s, self.s_s) + self.max_shift_s


@dataclass(frozen=True)
class Block:
    """A part of the work, which depends on no other: what an instrument saw of some events.

    Attributes
    ----------
    name
        Instrument and events, for messages.
    codes
        Those of the instrument.
    arrivals
        Arrivals of the events and of those that are compared with them; see `snippets`.
    pairs
        `first` and `second` of the events to compare.
    origins_ns
        Origin times by event.
    """

    name: str
    codes: tuple[str, ...]
    arrivals: pd.DataFrame
    pairs: pd.DataFrame
    origins_ns: dict[int, Any]

    @property
    def size(self) -> int:
        """Arrivals that no other block counts."""
        return int(self.arrivals["counted"].sum())


Compared = tuple[pd.DataFrame, Counter[str]]


class Spread(Protocol):
    """Where blocks are computed, other than here."""

    @property
    def most(self) -> int:
        """Comparisons in a block, about."""

    def map(
        self, function: Callable[[Block], Compared], blocks: Iterable[Block]
    ) -> Iterator[Compared]:
        """What a function gives for each block, in their order."""


def differentials(
    events: pd.DataFrame,
    arrivals: pd.DataFrame,
    waveforms: Waveforms,
    rules: Rules,
    progress: Callable[[float, float], None] = lambda done, total: None,
    spread: Spread | None = None,
) -> Compared:
    """Differential travel times of neighbouring events.

    Parameters
    ----------
    events
        EVENTS.
    arrivals
        ARRIVALS with the columns of their PICKS.
    waveforms
        The kept waveforms of the run.
    rules
        What is compared.
    progress
        Is told the arrivals done and those of all.
    spread
        Where the work is done; None: here. The result is the same to the last bit.

    Returns
    -------
    DIFFERENTIALS, and how many arrivals, comparisons and differences were not used, by reason.
    """
    close = neighbours(events, rules.neighbours, rules.max_km)
    order = {event: number for number, event in enumerate(events["event_id"])}
    rows = arrivals.assign(event=arrivals["event_id"].map(order), room_s=_rooms(arrivals))
    sizes: list[int] = []

    def blocks() -> Iterator[Block]:
        for block in _blocks(events, rows, close, waveforms, spread.most if spread else None):
            sizes.append(block.size)
            yield block

    compare = partial(compared, waveforms=waveforms, rules=rules)
    results = spread.map(compare, blocks()) if spread else map(compare, blocks())
    unused: Counter[str] = Counter()
    found: list[pd.DataFrame] = []
    for number, (some, reasons) in enumerate(results, start=1):
        found += [some] if len(some) else []
        unused.update(reasons)
        progress(sum(sizes[:number]), len(rows))
    return _table(found, events, close, rules, unused), unused


def _blocks(
    events: pd.DataFrame,
    rows: pd.DataFrame,
    close: pd.DataFrame,
    waveforms: Waveforms,
    most: int | None,
) -> Iterator[Block]:
    """The work by instruments and, where they see much, by their events."""
    ids = events["event_id"].to_numpy()
    origins = events["time"].astype("int64").to_numpy()
    for codes, group in rows.groupby(CODES, sort=True):
        own = together(group, waveforms)
        seen = np.bincount(group["event"], minlength=len(events)) > 0
        pairs = close.loc[seen[close["first"]] & seen[close["second"]], ["first", "second"]]
        for low, high in _ranges(pairs["first"].to_numpy(), len(events), most):
            some = pairs[(pairs["first"] >= low) & (pairs["first"] < high)]
            counted = own["event"].between(low, high - 1)
            wanted = counted | own["event"].isin(some["second"])
            mine = own.assign(counted=counted)[wanted]
            numbers = mine["event"].unique().tolist()
            name = f"{'.'.join(map(str, codes))}, events {ids[low]} to {ids[high - 1]}"
            yield Block(name, tuple(map(str, codes)), mine, some, {k: origins[k] for k in numbers})


def _ranges(firsts: np.ndarray, n: int, most: int | None) -> list[tuple[int, int]]:
    """Ranges of the n events that have about so many of the pairs each."""
    if most is None:
        return [(0, n)]
    ahead = np.cumsum(np.bincount(firsts, minlength=n)) // most
    cuts = (np.flatnonzero(np.diff(ahead)) + 1).tolist()
    return list(pairwise([0, *cuts, n]))


def compared(block: Block, waveforms: Waveforms, rules: Rules) -> Compared:
    """Differences of a block, and what was not used."""
    unused: Counter[str] = Counter()
    cut = snippets(block.arrivals, waveforms, rules.reach_s, rules.band_hz, unused)
    labels = dict(zip(CODES, block.codes, strict=True))
    found = [labels | row for row in _of_instrument(cut, block, rules, unused)]
    return pd.DataFrame(found), +unused


def _rooms(arrivals: pd.DataFrame) -> pd.Series:
    """Seconds from each arrival to S of its event at its station; infinite where none is known."""
    keys = ["event_id", "network", "station"]
    onsets = arrivals[arrivals["phase"] == "S"].groupby(keys)["time"].min()
    after = arrivals.join(onsets.rename("s_time"), on=keys)
    room = (after["s_time"] - after["time"]).dt.total_seconds()
    return room.where((arrivals["phase"] == "P") & room.notna(), np.inf)


def _of_instrument(
    cut: Mapping[tuple[int, str], Snippet], block: Block, rules: Rules, unused: Counter[str]
) -> Iterator[dict[str, Any]]:
    """Rows of a block, but for its codes and the ids of the events."""
    origin_ns = block.origins_ns
    pairs = list(zip(block.pairs["first"].tolist(), block.pairs["second"].tolist(), strict=True))
    for phase in ("P", "S"):
        for first, second in pairs:
            if (first, phase) not in cut or (second, phase) not in cut:
                continue
            one, other = cut[first, phase], cut[second, phase]
            best = _best(one, other, phase, rules)
            if best is None:
                unused[f"comparisons: {_UNLIKE} {rules.min_correlation:g}"] += 1
                continue
            component, shift, coefficient = best
            travel = [s.time_ns - origin_ns[e] for s, e in ((one, first), (other, second))]
            picked = one.pick_ns - origin_ns[first] - (other.pick_ns - origin_ns[second])
            difference = (travel[0] - travel[1]) / SECOND - shift
            yield {
                "first": first,
                "second": second,
                "pick_id_1": one.pick_id,
                "pick_id_2": other.pick_id,
                "component": component,
                "phase": phase,
                "difference_s": difference,
                "correlation": coefficient,
                "shift_s": difference - picked / SECOND,
            }


def _best(
    one: Snippet, other: Snippet, phase: str, rules: Rules
) -> tuple[str, float, float] | None:
    """Component, shift in s and coefficient of the waveforms that correlate best."""
    after = min(
        rules.p_s if phase == "P" else rules.s_s, *(s.room_s - _BEFORE_S for s in (one, other))
    )
    if one.rate_hz != other.rate_hz or after < _SHORTEST_S:
        return None
    usable = [name for name in one.usable if name in other.usable]
    wanted = _VERTICAL if phase == "P" else _HORIZONTAL
    found = [
        (name, *match)
        for name in ([n for n in wanted if n in usable] or usable)
        if (match := _match(one, other, name, after, rules)) is not None
    ]
    best = max(found, key=lambda match: match[2], default=None)
    return best if best is not None and best[2] >= rules.min_correlation else None


def _match(
    one: Snippet, other: Snippet, component: str, after_s: float, rules: Rules
) -> tuple[float, float] | None:
    """By how much the second arrival is late in s, and the coefficient; None: no maximum."""
    from obspy.signal.cross_correlation import xcorr_pick_correction

    (onset, trace), (again, late) = one.trace(component), other.trace(component)
    longest = rules.max_shift_s
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            shift, coefficient = xcorr_pick_correction(
                onset, trace, again, late, rules.before_s, after_s, longest
            )
        except Exception as error:
            # obspy raises the bare class where the correlation has no top, and fails at its own
            # check of the fit where no more than three samples make the top; all else is a mistake.
            exact = isinstance(error, ValueError) and "empty array is ambiguous" in str(error)
            if type(error) is not Exception and not exact:
                raise
            return None
    if not np.isfinite([shift, coefficient]).all() or abs(shift) > _INSIDE * longest:
        return None
    return float(shift), float(coefficient)


def _table(
    found: list[pd.DataFrame],
    events: pd.DataFrame,
    close: pd.DataFrame,
    rules: Rules,
    unused: Counter[str],
) -> pd.DataFrame:
    """DIFFERENTIALS of the pairs of events that have enough of them."""
    if not found:
        return tables.empty(DIFFERENTIALS)
    made = pd.concat(found, ignore_index=True).merge(close, on=["first", "second"])
    links = made.groupby(["first", "second"])["phase"].transform("size")
    enough = links >= rules.min_links
    if not enough.all():
        unused[f"differences: fewer than {rules.min_links} of a pair of events"] = int(
            (~enough).sum()
        )
    made = made[enough]
    ids = events["event_id"].to_numpy()
    made = made.assign(event_id_1=ids[made["first"]], event_id_2=ids[made["second"]])
    order = ["first", "second", *CODES, "phase"]
    ordered = tables.conform(made.sort_values(order)[DIFFERENTIALS.names], DIFFERENTIALS)
    return pd.DataFrame(ordered.to_pandas())

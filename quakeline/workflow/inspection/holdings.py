"""The channels of an archive: what there is of each, and what is missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from quakeline.core.clock import clocks_of, drift_notes
from quakeline.core.leapseconds import within
from quakeline.core.reasons import Code, Reason, cells
from quakeline.core.schemas import MANIFEST
from quakeline.core.timeline import SECOND, Span
from quakeline.io.formats.codes import bare_id
from quakeline.io.formats.plausible import shown
from quakeline.io.formats.quality_flags import QUALITIES
from quakeline.io.formats.waveform_files import ChannelHeader, without_doubles
from quakeline.report.coverage import Stretch, merge
from quakeline.workflow.inspection.scan import Scan


@dataclass
class Holding:
    """One channel at one sampling rate.

    `intervals`, shape (n, 2), int64 ns, are the stretches of time with data; a sample lasts until
    the next. `timing` counts records by timing quality in per cent, shape (101,).
    """

    codes: str
    rate_hz: float
    files: int
    n_bytes: int
    n_samples: int
    intervals: np.ndarray
    overlap_s: float
    timing: np.ndarray
    problems: list[Reason]
    notes: list[Reason] = field(default_factory=list)

    @property
    def span(self) -> Span:
        """From the first to the last sample."""
        return Span(int(self.intervals[0, 0]), int(self.intervals[-1, 1]))

    @property
    def gaps_s(self) -> np.ndarray:
        """Lengths of the gaps between the first and the last sample, in seconds."""
        return np.asarray((self.intervals[1:, 0] - self.intervals[:-1, 1]) / SECOND)

    @property
    def share(self) -> float:
        """Share of the time from the first to the last sample that has data."""
        covered = float(np.diff(self.intervals, axis=1).sum())
        return covered / (self.span.end_ns - self.span.start_ns)

    @property
    def timing_quality(self) -> tuple[int, int] | None:
        """Lowest and median timing quality in per cent; None where no record says it.

        Libraries that write blockette 1001 for its microseconds alone leave the quality at 0.
        """
        if not self.timing[1:].any():
            return None
        total = self.timing.sum()
        median = int(np.searchsorted(np.cumsum(self.timing), total / 2))
        return int(np.flatnonzero(self.timing)[0]), median


def holdings(scans: Sequence[Scan]) -> list[Holding]:
    """Channels of scanned files, sorted by their codes; one with two sampling rates is two."""
    found: dict[tuple[str, float], list[tuple[Scan, ChannelHeader]]] = defaultdict(list)
    for one in scans:
        for header in one.headers:
            found[header.codes, header.rate_hz].append((one, header))
    return [_holding(codes, rate, parts) for (codes, rate), parts in sorted(found.items())]


def _holding(codes: str, rate: float, parts: list[tuple[Scan, ChannelHeader]]) -> Holding:
    headers = [header for _, header in parts]
    step = round(SECOND / rate) if rate > 0 else SECOND
    pieces = np.concatenate([header.pieces for header in headers]) + np.array([0, step])
    pieces = pieces[np.argsort(pieces[:, 0], kind="stable")]
    whole = Span(int(pieces[:, 0].min()), int(pieces[:, 1].max()))
    timing = [one.timing[codes] for one, _ in parts if codes in one.timing]
    noted = [note for header in headers for note in header.notes]
    return Holding(
        codes=codes,
        rate_hz=rate,
        files=len({one.path for one, _ in parts}),
        n_bytes=sum(one.size for one, _ in parts),
        n_samples=sum(header.n_samples for header in headers),
        intervals=merge(Stretch([pieces], tolerance_ns=step // 2), whole),
        overlap_s=_overlap(pieces, step),
        timing=sum(timing, np.zeros(QUALITIES, np.int64)),
        problems=list(dict.fromkeys(header.problem for header in headers if header.problem)),
        notes=[*dict.fromkeys(noted), *_spelled(codes, headers), *_of_times(headers, rate)],
    )


def _of_times(headers: Sequence[ChannelHeader], rate: float) -> list[Reason]:
    """Notes where starts of records and files imply another rate, and where a leap second is."""
    records = np.concatenate([header.records for header in headers])
    records = records[np.argsort(records[:, 0], kind="stable")]
    filled = records[records[:, 1] > 0]
    if not len(filled):
        return []
    pieces = np.concatenate([header.pieces for header in headers])
    leaps = {after for one in pieces.tolist() for after in within(*one)}
    notes = [Reason.of(Code.LEAP_SECOND)] if leaps else []
    return notes + drift_notes(clocks_of(filled[:, 0], filled[:, 1], rate))


def _spelled(codes: str, headers: Sequence[ChannelHeader]) -> list[Reason]:
    """A note where the headers spell the codes of a channel in several ways."""
    ways = sorted({bare_id(header.header_codes or codes) for header in headers})
    told = Reason.of(Code.SPELLED_DIFFERENTLY, ways=" and ".join(ways))
    return [told] if len(ways) > 1 else []


def _overlap(pieces: np.ndarray, step: int) -> float:
    """Seconds that are there more than once; less than half a sample is none."""
    reach = np.maximum.accumulate(pieces[:, 1])
    twice = np.minimum(reach[:-1], pieces[1:, 1]) - pieces[1:, 0]
    return float(twice[twice > step // 2].sum() / SECOND)


def manifest_of(scans: Sequence[Scan]) -> pd.DataFrame:
    """The MANIFEST that `fetch` would write, before it knows any stations; digests are left out."""
    rows = []
    for one in scans:
        base = {"path": shown(one.path), "bytes": one.size}
        if one.unreadable:
            why = cells("reason", [Reason.of(Code.UNREADABLE, why=one.unreadable)])
            rows.append({**base, "status": "unreadable", **why})
        rows += [{**base, **header.row(header.problem, header.notes)} for header in one.headers]
    return pd.DataFrame(without_doubles(rows), columns=MANIFEST.names)

"""The channels of an archive as a table, on a terminal and in files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from quakeline.core.reasons import text_of
from quakeline.core.timeline import iso
from quakeline.io.products.atomic import replacing, write_text
from quakeline.workflow.inspection.holdings import Holding
from quakeline.workflow.inspection.plan import ChannelPlan

_DAY_S = 86_400.0
#: Columns in their order, and how their cells stand; the first two are always shown.
_HEADINGS = {
    "channel": "left",
    "in the workflow": "left",
    "rate": "right",
    "data": "right",
    "gaps": "right",
    "from": "left",
    "to": "left",
    "longest": "right",
    "twice": "right",
    "timing": "right",
}
#: Characters that the verdict has at least, and between two columns.
_VERDICT, _BETWEEN = 30, 3


def frame_of(held: Sequence[Holding], planned: Sequence[ChannelPlan]) -> pd.DataFrame:
    """One row per channel; times are ISO 8601 text, lengths in seconds, shares from 0 to 1."""
    return pd.DataFrame(
        [_row(one, plan) for one, plan in zip(held, planned, strict=True)],
        columns=[*_row_names()],
    )


def _row_names() -> list[str]:
    return [
        *("network", "station", "location", "channel", "sampling_rate_hz", "start", "end"),
        *("files", "bytes", "n_samples", "share", "n_gaps", "longest_gap_s", "overlap_s"),
        *("timing_quality_min", "timing_quality_median", "used", "plan", "notes"),
    ]


def _row(one: Holding, plan: ChannelPlan) -> dict[str, object]:
    lowest, median = one.timing_quality or (None, None)
    codes = dict(zip(_row_names(), one.codes.split("."), strict=False))
    return {
        **codes,
        "sampling_rate_hz": one.rate_hz,
        "start": iso(one.span.start_ns, digits=6),
        "end": iso(one.span.end_ns, digits=6),
        "files": one.files,
        "bytes": one.n_bytes,
        "n_samples": one.n_samples,
        "share": round(one.share, 6),
        "n_gaps": len(one.gaps_s),
        "longest_gap_s": float(one.gaps_s.max(initial=0.0)),
        "overlap_s": one.overlap_s,
        "timing_quality_min": lowest,
        "timing_quality_median": median,
        "used": plan.used,
        "plan": plan.said,
        "notes": text_of(one.notes),
    }


def write_csv(frame: pd.DataFrame, target: Path) -> None:
    """Write the table as CSV, whole or not at all."""
    with replacing(target) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n")


def write_json(frame: pd.DataFrame, unreadable: dict[str, str], target: Path) -> None:
    """Write the table and the files that cannot be read, with the reasons, as JSON."""
    rows = json.loads(frame.to_json(orient="records"))
    content = {"channels": rows, "unreadable": unreadable}
    write_text(target, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def show(held: Sequence[Holding], planned: Sequence[ChannelPlan], console: Console) -> None:
    """Print the table: channel and verdict first, then the columns for which there is room."""
    rows = [_cells(one, plan) for one, plan in zip(held, planned, strict=True)]
    names = _fitting(rows, console.width)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in names:
        wide = name == "in the workflow"
        table.add_column(
            name,
            justify=_HEADINGS[name],  # type: ignore[arg-type]
            overflow="fold",
            no_wrap=not wide,
        )
    for row, plan in zip(rows, planned, strict=True):
        table.add_row(*(row[name] for name in names), style=None if plan.used else "red")
    console.print(table)
    left_out = [name for name in _HEADINGS if name not in names]
    if left_out and rows:
        words = f"no room for {', '.join(left_out)}: a wider terminal or --csv shows them"
        console.print(words, highlight=False, style="dim")


def _fitting(rows: list[dict[str, str]], width: int) -> list[str]:
    """Names of the columns that fit into a width, in order; the verdict may be folded."""
    names: list[str] = []
    for name in _HEADINGS:
        longest = max([len(name), *(len(row[name]) for row in rows)])
        width -= min(longest, _VERDICT) if name == "in the workflow" else longest
        if len(names) >= 2 and width < 0:
            break
        names.append(name)
        width -= _BETWEEN
    return names


def _cells(one: Holding, plan: ChannelPlan) -> dict[str, str]:
    gaps, quality = one.gaps_s, one.timing_quality
    return {
        "channel": one.codes,
        "in the workflow": plan.said if plan.used else f"not used: {plan.said}",
        "rate": f"{one.rate_hz:g} Hz",
        "data": f"{100 * one.share:.1f} %" if one.share < 1 else "100 %",
        "gaps": str(len(gaps)) if len(gaps) else "",
        "from": iso(one.span.start_ns, digits=0)[:-4].replace("T", " "),
        "to": iso(one.span.end_ns, digits=0)[:-4].replace("T", " "),
        "longest": duration(float(gaps.max())) if len(gaps) else "",
        "twice": duration(one.overlap_s) if one.overlap_s else "",
        "timing": f"{quality[0]} to {quality[1]} %" if quality else "",
    }


def duration(seconds: float) -> str:
    """A length of time in the unit that suits it."""
    for unit, length in (("d", _DAY_S), ("h", 3600.0), ("min", 60.0)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.3g} s"

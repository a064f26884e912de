"""What a data set holds, and what of it cannot be used, with the reason."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from quakeline.models.cards import Card
from quakeline.training.datasets.opening import shared_events
from quakeline.training.datasets.records import PARTS, PHASES, Dataset

#: Waveforms that are looked at, unless told otherwise.
LOOKED_AT = 10_000


def facts_of(dataset: Dataset, card: Card | None = None, look: int = LOOKED_AT) -> dict[str, Any]:
    """What a data set holds, as JSON-like builtins.

    Parameters
    ----------
    dataset
        The records.
    card
        A network; records that it cannot use are named too.
    look
        So many records, evenly over all, are read for what is wrong with their samples.

    Raises
    ------
    DataError
        A file is damaged.
    """
    table = dataset.table
    looked = np.unique(np.linspace(0, len(table) - 1, min(look, len(table))).astype(int)).tolist()
    unusable = _by_labels(table) + _by_card(table, card) + _by_samples(dataset, looked)
    return {
        "path": str(dataset.path),
        "format": dataset.form,
        "records": len(table),
        "events": int(table.loc[table["kind"] == "event", "event"].nunique()),
        "stations": int(table.loc[table["station"] != "", "station"].nunique()),
        "kinds": _counts(table["kind"]),
        "splits": {part: n for part, n in _counts(table["split"]).items() if part},
        "rates_hz": _counts(table["rate_hz"]),
        "samples": [int(table["npts"].min()), int(table["npts"].max())],
        "components": _counts(table["components"]),
        "labels": {phase: int((table[phase].map(len) > 0).sum()) for phase in PHASES},
        "waveforms_read": len(looked),
        "unusable": dict(unusable),
        "padded": _padded(table, card),
        "doubts": _doubts(dataset),
    }


def lines_of(facts: dict[str, Any]) -> list[str]:
    """The same for people, a line for each fact."""
    low, high = facts["samples"]
    lines = {
        "data set": f"{facts['path']}, {facts['format']}",
        "records": f"{facts['records']} ({_said(facts['kinds'])})",
        "events": f"{facts['events']} at {facts['stations'] or 'no stated'} stations",
        "labels": _said(facts["labels"]),
        "splits": _said(facts["splits"]) or "none: by event, 70, 15 and 15 %",
        "rates": _said(facts["rates_hz"], " Hz"),
        "lengths": f"{low} samples" if low == high else f"{low} to {high} samples",
        "components": _said(facts["components"]),
    }
    shown = [f"{name:<12} {text}" for name, text in lines.items()]
    for reason, number in facts["unusable"].items():
        shown.append(f"{'unusable':<12} {number} of {facts['records']}: {reason}")
    for reason, number in facts["padded"].items():
        shown.append(f"{'padded':<12} {number} of {facts['records']}: {reason}")
    return shown + [f"{'doubt':<12} {doubt}" for doubt in facts["doubts"]]


def _counts(column: pd.Series) -> dict[str, int]:
    found = column.value_counts(sort=False).sort_index()
    return {f"{key:g}" if isinstance(key, float) else str(key): int(n) for key, n in found.items()}


def _said(counts: dict[str, int], unit: str = "") -> str:
    return ", ".join(f"{number} {key}{unit}" for key, number in counts.items())


def outside(table: pd.DataFrame) -> pd.Series:
    """Whether a label of each record lies outside its samples."""
    labels = table["P"] + table["S"]
    pairs = zip(labels, table["npts"], strict=True)
    return pd.Series([any(not 0 <= at < n for at in own) for own, n in pairs], table.index)


def _by_labels(table: pd.DataFrame) -> Counter[str]:
    wrong: Counter[str] = Counter()
    wrong["a label outside the samples"] = int(outside(table).sum())
    rates = table["rate_hz"].astype(float)
    wrong["no sampling rate"] = int((~np.isfinite(rates) | (rates <= 0)).sum())
    return +wrong


def _by_card(table: pd.DataFrame, card: Card | None) -> Counter[str]:
    wrong: Counter[str] = Counter()
    if card is None:
        return wrong
    other = table["rate_hz"].astype(float) != card.sampling_rate_hz
    rate = f"not at {card.sampling_rate_hz:g} Hz, the rate of {card.name}"
    wrong[f"{rate}, unless they are resampled (--resample, resample: true)"] = int(other.sum())
    if card.output == "event":
        wrong[_short(card)] = int((table["npts"] < card.window_samples).sum())
    return +wrong


def _padded(table: pd.DataFrame, card: Card | None) -> dict[str, int]:
    """Records that a network can use with zeros beside their samples."""
    short = int((table["npts"] < card.window_samples).sum()) if card else 0
    if card is None or card.output == "event" or not short:
        return {}
    return {f"{_short(card)}: used, with zeros beside their samples": short}


def _short(card: Card) -> str:
    return f"shorter than a window of {card.name}, {card.window_samples} samples"


def _by_samples(dataset: Dataset, rows: list[int]) -> Counter[str]:
    wrong: Counter[str] = Counter()
    for row in rows:
        found = dataset.samples(row)
        if not np.isfinite(found).all():
            wrong["NaN or infinite samples"] += 1
        elif not np.ptp(found, axis=1).any():
            wrong["all samples equal"] += 1
    return wrong


def _doubts(dataset: Dataset) -> list[str]:
    """What is odd about the whole, each a line."""
    table, doubts = dataset.table, []
    labelled = {phase: table[phase].map(len) > 0 for phase in PHASES}
    if not any(column.any() for column in labelled.values()):
        doubts.append("no labels at all: nothing can be learnt from it")
    else:
        doubts += [f"no label of {p}" for p, column in labelled.items() if not column.any()]
    shared = shared_events(dataset)
    if shared:
        doubts.append(f"{len(shared)} events are in more than one part, the first is {shared[0]}")
    known = table[(table["station"] != "") & (table["start"] != "") & (table["kind"] == "event")]
    doubled = known.duplicated(["station", "start"], keep=False)
    halves = known[doubled & ((known["P"].map(len) > 0) ^ (known["S"].map(len) > 0))]
    if len(halves):
        doubts.append(
            f"{len(halves)} records of the same samples have a label of one phase alone: the other"
            " one is learnt as noise; a record should have all labels of its samples"
        )
    pairs = zip(table["P"], table["S"], strict=True)
    turned = sum(bool(p and s) and min(s) <= min(p) for p, s in pairs)
    if turned:
        doubts.append(
            f"{turned} records begin with an S before their P: that of another event, or labels"
            " exchanged"
        )
    if not (table["kind"] == "noise").any():
        doubts.append("no noise")
    absent = [part for part in PARTS if part not in set(table["split"])]
    if (table["split"] != "").any() and absent:
        doubts.append(f"no records in the part {' and '.join(absent)}")
    return doubts

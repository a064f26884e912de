"""Records of a data set in the form in which weight sets are scored on them."""

from __future__ import annotations

import numpy as np

from quakeline.core.errors import DataError
from quakeline.picking.scoring import Labelled
from quakeline.training.datasets.records import PHASES, Dataset

#: The order of components; letters of rotated sensors are read as those of N and E.
ORDER = "ZNE"


def labelled(dataset: Dataset, part: str = "all") -> tuple[Labelled, int]:
    """All records of a data set, or those of a part, in memory.

    Records are brought to the most frequent rate, and shorter ones end with gaps.

    Parameters
    ----------
    dataset
        Any data set; where it is windows behind the filter of a network it is refused.
    part
        train, dev, test or all.

    Returns
    -------
    The records, and how many onsets are left out: a record counts for the first one of a phase.

    Raises
    ------
    DataError
        The part has no records, none of them is labelled, or samples cannot be used.
    """
    if dataset.prepared:
        raise DataError(
            f"{dataset.path} holds windows behind the filter of a network, and no recordings;"
            " `quakeline tune picker` scores networks on them"
        )
    rows = list(range(len(dataset))) if part == "all" else dataset.rows(part)
    rate = float(dataset.table["rate_hz"].mode().iloc[0]) if len(dataset) else 0.0
    same = dataset.resampled(rate)
    table = same.table.iloc[rows]
    if not any((table[phase].map(len) > 0).any() for phase in PHASES):
        raise DataError(f"{dataset.path}: no record of the part {part} has an onset of P or S")
    samples = np.full((len(rows), len(ORDER), int(table["npts"].max())), np.nan, np.float32)
    for number, row in enumerate(rows):
        found = same.read(row, ORDER)
        samples[number, :, : found.shape[1]] = found
    onsets = {phase: table[phase].map(lambda at: at[0] if at else np.nan) for phase in PHASES}
    more = sum(int((table[phase].map(len) - 1).clip(lower=0).sum()) for phase in PHASES)
    return Labelled(samples, ORDER, rate, {k: v.to_numpy(float) for k, v in onsets.items()}), more

"""What windows at the ends of data are worth to EQTransformer on labelled records of a minute.

`python -m benchmarks.edge_windows RECORDS [--quick]`: RECORDS is an archive of labelled records, as
`quakeline evaluate picks` reads it. Each weight set picks them on the grid of windows alone, and
with windows that also begin and end where data do (`annotate.edge_windows`): recall, and picks of
no label for each record. Records are put at the places on the grid where `quakeline evaluate picks`
has them, and at other places, six times at random; of these the means are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measure
from quakeline.core.timeline import sample_time
from quakeline.inference.annotator import Annotator
from quakeline.models.named import weights_file
from quakeline.models.windowing import Windowing
from quakeline.picking import scoring

_MODELS = ("eqtransformer-original", "eqtransformer-conservative")
_SETS, _LATEST_SAMPLE = 6, 4_999


@dataclass(frozen=True)
class Moved(scoring.Labelled):
    """Labelled records that begin at other places on the grid of windows; `seed` says where."""

    seed: int = 0

    @property
    def starts_ns(self) -> list[int]:
        """Times of the records of `Labelled`, each later by up to 50 s."""
        late = np.random.default_rng(self.seed).integers(0, _LATEST_SAMPLE, len(self.samples))
        rate = self.sampling_rate_hz
        usual = super().starts_ns
        return [at + sample_time(int(n), rate) for at, n in zip(usual, late, strict=True)]


def main() -> None:
    """Score both sets of weights and keep the figures in benchmarks/results/edge_windows.json."""
    parser = measure.parser_of(__doc__)
    parser.add_argument("records", type=Path, metavar="RECORDS")
    parser.add_argument("--quick", action="store_true", help="one set of starts; keeps no figures")
    words = parser.parse_args()
    data = scoring.read(words.records)
    rows = []
    for model in _MODELS:
        rows += rows_of(data, model, 1 if words.quick else _SETS)
    measure.finish("edge_windows", rows, words.quick)


def rows_of(data: scoring.Labelled, model: str, sets: int) -> list[dict[str, Any]]:
    """Recall and false picks of a weight set, by phase and with windows at the ends or without."""
    moved = [Moved(**vars(data), seed=1 + number) for number in range(sets)]
    rows = []
    for edges in (False, True):
        windowing = Windowing(edge_windows=edges)
        annotator = Annotator.load(weights_file(model), "cpu", 1, windowing=windowing)
        usual = {one.phase: one for one in scoring.score(data, annotator)}
        others = [one for some in moved for one in scoring.score(some, annotator)]
        for phase, score in usual.items():
            means = [one for one in others if one.phase == phase]
            rows.append(
                {
                    "case": f"{model}, {phase}, {'edge windows' if edges else 'grid alone'}",
                    "recall": round(score.recall, 3),
                    "sets": sets,
                    "recall_of_sets": round(float(np.mean([one.recall for one in means])), 3),
                    "false_per_record_of_sets": round(
                        float(np.mean([one.false_per_record for one in means])), 3
                    ),
                }
            )
    return rows


if __name__ == "__main__":
    main()

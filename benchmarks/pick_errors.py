"""Which share of analysts' picks lies within the errors that picks state, and what the fit costs.

`python -m benchmarks.pick_errors RECORDS [--models phasenet ...] [--quick]`: RECORDS is an archive
of labelled records, as `quakeline evaluate picks` reads it. A pick belongs to a label within 0.5 s.
Shares are those of labels within one and two `time_sigma_s` of the pick's time, and of the centre
of the scaled normal fit (`time` + `fit_offset_s`); an honest normal error has 0.68 and 0.95.
`factor` is that by which `time_sigma_s` would have to be multiplied for 68 %. The cost is the CPU
time of all fits as a share of that of making picks from curves, for one station and hour.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measure

MODULE = "benchmarks.pick_errors"
_TOLERANCE_S = 0.5
_MODELS = ("phasenet", "eqtransformer-original", "eqtransformer-conservative")


def shares(records: str, model: str, threads: int) -> dict[str, Any]:
    """Figures of a network, by phase and of both."""
    from quakeline.api.direct.weights import load
    from quakeline.core.timeline import SECOND
    from quakeline.picking import scoring
    from quakeline.picking.direct.picks import picks_of, settings_of

    data = scoring.read(Path(records))
    annotator = load(model, None, threads=threads, device="cpu")
    picks = picks_of(data.recordings(), annotator, settings_of(annotator.card, None)).picks
    record = picks["station"].str.removeprefix("S").astype(int).to_numpy() - 1
    starts = np.array(data.starts_ns, dtype=np.int64)
    picks["at_s"] = (picks["time"].astype("int64").to_numpy() - starts[record]) / SECOND
    picks["record"] = record
    pairs: dict[str, list[tuple[float, float, float, float]]] = {"P": [], "S": []}
    for phase, onsets in data.onsets.items():
        for number, onset in enumerate(onsets):
            label_s = onset / data.sampling_rate_hz
            own = picks[(picks["record"] == number) & (picks["phase"] == phase)]
            error = (own["at_s"] - label_s).abs()
            if np.isfinite(onset) and len(own) and error.min() <= _TOLERANCE_S:
                best = own.loc[error.idxmin()]
                residual = float(best["at_s"] - label_s)
                centre = residual + float(best["fit_offset_s"])
                sigma, rms = float(best["time_sigma_s"]), float(best["fit_residual"])
                pairs[phase].append((residual, centre, sigma, rms))
    pairs["P and S"] = pairs["P"] + pairs["S"]
    return {phase: _figures(np.array(some)) for phase, some in pairs.items() if some}


def _figures(pairs: np.ndarray) -> dict[str, float]:
    residual, centre, sigma, rms = pairs[np.isfinite(pairs[:, 2])].T
    within = np.abs(residual) / sigma
    return {
        "labels": len(pairs),
        "with a fit": len(residual),
        "within 1 sigma": float((within <= 1).mean()),
        "within 2 sigma": float((within <= 2).mean()),
        "centre within 1 sigma": float((np.abs(centre) <= sigma).mean()),
        "centre within 2 sigma": float((np.abs(centre) <= 2 * sigma).mean()),
        "factor": float(np.quantile(within, 0.68)),
        "median sigma s": float(np.median(sigma)),
        "median residual of the fit": float(np.median(rms)),
    }


def cost(picks: int, threads: int) -> dict[str, Any]:
    """CPU seconds of picks from curves of an hour with some picks, and of their fits alone."""
    from quakeline.picking.extraction import BlockPicker, Origin
    from quakeline.picking.settings import Settings
    from quakeline.signal.peaks import find_peaks, normal_fits

    rng = np.random.default_rng(0)
    rules = Settings(thresholds={"P": 0.3, "S": 0.3})
    picker = BlockPicker(rules, Origin("phasenet", "0" * 12, ["P", "S"], 100.0), ["Z", "N", "E"])
    n = 360_000 + 2 * picker.context
    curves, x = np.zeros((2, n), np.float32), np.arange(-100, 101)
    for row in curves:
        for at in range(2_000, n - 2_000, 720_000 // picks):
            row[at - 100 : at + 101] = 0.8 * np.exp(-0.5 * (x / rng.uniform(3, 20)) ** 2)
    motion = rng.normal(0, 1, (3, n)).astype(np.float32)
    valid = np.ones((3, n), bool)
    peaks = [find_peaks(row, 0.3, 50) for row in curves]

    def whole() -> None:
        for _ in range(20):
            picker.pick("XX.A..HH", "m/s", picker.context, curves, motion, valid)

    def fits() -> None:
        for _ in range(20):
            for row, some in zip(curves, peaks, strict=True):
                normal_fits(row, some, 100)

    whole()
    every, own = measure.timed(whole)["cpu_s"], measure.timed(fits)["cpu_s"]
    return {"picks from curves CPU s": every / 20, "fits CPU s": own / 20, "share": own / every}


def main() -> None:
    """Measure each network and the cost of fits."""
    parser = measure.parser_of(__doc__)
    parser.add_argument("records", type=Path, nargs="?")
    parser.add_argument("--models", nargs="+", default=list(_MODELS), metavar="MODEL")
    parser.add_argument("--quick", action="store_true", help="keep no figures")
    words = parser.parse_args()
    if measure.answered(words, shares=shares, cost=cost):
        return
    rows: list[dict[str, Any]] = []
    for picks in (40, 600):
        case = f"{picks} picks in an hour"
        rows.append({"case": case, **measure.child(MODULE, 1, side="cost", picks=picks)})
    for model in words.models if words.records else ():
        found = measure.child(MODULE, 1, side="shares", records=str(words.records), model=model)
        rows += [{"case": f"{model}, {phase}", **figures} for phase, figures in found.items()]
        measure.finish("pick_errors", rows, words.quick)
    measure.finish("pick_errors", rows, words.quick)


if __name__ == "__main__":
    main()

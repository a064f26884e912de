"""What the response, gaps and the size of batches change of picks: three questions, computed.

`python -m benchmarks.live_questions RECORDS STATIONXML [--quick]`: RECORDS are waveforms of any
format with an earthquake, STATIONXML their responses. PhaseNet, default settings, one core.

Response: picks of each instrument with the response removed and without; those of one phase within
1 s are one onset. Gaps: one gap of a length is cut into all components of each instrument at a
random place, 20 times; a pick that lies farther than `pick.gap_guard_s` from the gap should stay,
and stays if one of its phase lies within 0.1 s. Batches: CPU time for windows of noise, by how
many are computed together.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import measure

MODULE = "benchmarks.live_questions"
_GAPS_S = (0.05, 0.5, 2.0, 10.0, 30.0)
_TIMES = 20
_SAME_S, _STAYS_S = 1.0, 0.1
_KEYS = ["network", "station", "location", "instrument", "phase"]


def _seconds(picks: pd.DataFrame) -> np.ndarray:
    return np.asarray(picks["time"].astype("datetime64[ns, UTC]").astype("int64") / 1e9)


def pairs(one: pd.DataFrame, other: pd.DataFrame, within_s: float) -> pd.DataFrame:
    """For each row the nearest of the other picks: how much later it is, and its probability.

    Both are NaN where there is none within a time.
    """
    found = []
    groups = dict(list(other.groupby(_KEYS)))
    for keys, own in one.groupby(_KEYS):
        rest = groups.get(keys)
        for index, at in zip(own.index, _seconds(own), strict=True):
            later, probability = np.nan, np.nan
            if rest is not None:
                away = _seconds(rest) - at
                near = int(np.abs(away).argmin())
                if abs(away[near]) <= within_s:
                    later, probability = away[near], rest["probability"].iloc[near]
            found.append((index, later, probability))
    frame = pd.DataFrame(found, columns=["index", "later_s", "probability"])
    return frame.set_index("index").reindex(one.index)


def response(records: str, stationxml: str, threads: int) -> dict[str, Any]:
    """Picks with and without responses, by kind of instrument."""
    import quakeline

    counts = quakeline.pick([records], threads=threads, device="cpu")
    motion = quakeline.pick([records], stationxml=[stationxml], threads=threads, device="cpu")
    rows: dict[str, Any] = {}
    for kind in sorted({*counts["instrument"], *motion["instrument"]}):
        one, other = (some[some["instrument"] == kind] for some in (counts, motion))
        both = pairs(one, other, _SAME_S)
        same = both["later_s"].notna()
        rows[kind] = {
            "picks of counts": len(one),
            "picks of ground motion": len(other),
            "of both": int(same.sum()),
            "median later s": float(both["later_s"].median()),
            "largest difference s": float(both["later_s"].abs().max()),
            "median change of probability": float(
                (both["probability"] - one["probability"]).median()
            ),
        }
    return rows


def gaps(records: str, stationxml: str, threads: int) -> dict[str, Any]:
    """Share of picks that stay, by the length of a gap."""
    import obspy

    from quakeline.api.direct.weights import load
    from quakeline.picking.direct.picks import picks_of, settings_of
    from quakeline.waveforms.preparation.recordings import of_stream

    annotator = load(None, None, threads=threads, device="cpu")
    rules = settings_of(annotator.card, None)
    stream = obspy.read(records)

    def picked(some: obspy.Stream) -> pd.DataFrame:
        return picks_of(of_stream(some), annotator, rules).picks

    whole = picked(stream)
    rows: dict[str, Any] = {}
    for length_s in _GAPS_S:
        rng = np.random.default_rng(round(1000 * length_s))
        stay, beyond, new, guarded, change = 0, 0, 0, 0, []
        for _ in range(_TIMES):
            holes = {}
            cut = obspy.Stream()
            for name in sorted({(t.stats.network, t.stats.station) for t in stream}):
                own = stream.select(*name)
                start, end = own[0].stats.starttime, own[0].stats.endtime
                at = start + rng.uniform(5, end - start - length_s - 5)
                holes[name] = at.timestamp, at.timestamp + length_s
                cut += own.copy().cutout(at, at + length_s)
            found = picked(cut)
            names = zip(whole["network"], whole["station"], strict=True)
            around = np.array([holes[name] for name in names])
            at_s = _seconds(whole)
            far = np.maximum(around[:, 0] - at_s, at_s - around[:, 1])
            use = far > rules.gap_guard_s + 0.02
            back = pairs(whole, found, _STAYS_S)
            stay += int((back["later_s"].notna() & use).sum())
            beyond += int(use.sum())
            guarded += int((~use).sum())
            new += int(pairs(found, whole, _STAYS_S)["later_s"].isna().sum())
            both = back["later_s"].notna() & use
            change += (back["probability"] - whole["probability"])[both].abs().tolist()
        rows[f"{length_s:g} s"] = {
            "picks beyond the guard": beyond,
            "share that stays": stay / beyond,
            "in the gap or its guard": guarded,
            "made up": new,
            "probability changes, 95 %": float(np.quantile(change, 0.95)),
        }
    return rows


def batches(batch: int, windows: int, threads: int) -> dict[str, Any]:
    """Seconds for windows of noise in batches of a size."""
    from quakeline.inference.annotator import Annotator
    from quakeline.models.named import weights_file

    annotator = Annotator.load(weights_file("phasenet"), "cpu", threads, batch)
    (engine,) = annotator.engines
    card = engine.card
    shape = (batch, len(card.components), card.window_samples)
    data = np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)
    times = -(-windows // batch)

    def work() -> None:
        for _ in engine.backend.run((n, data) for n in range(times)):
            pass

    work()
    done = measure.timed(work)
    n = times * batch
    return {
        "CPU ms per window": 1000 * done["cpu_s"] / n,
        "CPU ms per batch": 1000 * done["cpu_s"] / times,
    }


def main() -> None:
    """Answer the three questions."""
    parser = measure.parser_of(__doc__)
    parser.add_argument("records", type=Path, nargs="?")
    parser.add_argument("stationxml", type=Path, nargs="?")
    parser.add_argument("--quick", action="store_true", help="few batches; keep no figures")
    words = parser.parse_args()
    if measure.answered(words, response=response, gaps=gaps, batches=batches):
        return
    rows: list[dict[str, Any]] = []
    for side in ("response", "gaps") if words.stationxml else ():
        asked = {"records": str(words.records), "stationxml": str(words.stationxml)}
        found = measure.child(MODULE, 1, side=side, **asked)
        rows += [{"case": f"{side}, {name}", **figures} for name, figures in found.items()]
    for batch in (1, 8) if words.quick else (1, 2, 4, 8, 16, 32, 64, 128):
        found = measure.child(
            MODULE, 1, side="batches", batch=batch, windows=16 if words.quick else 512
        )
        rows.append({"case": f"batches of {batch}", **found})
    measure.finish("live_questions", rows, words.quick)


if __name__ == "__main__":
    main()

"""Records that networks are trained on in benchmarks, the training, and folds of records."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measure

LENGTH_S, QUIET_S = 30.0, 8.0
#: Picks of the default picker that are labels; weaker ones are neither labels nor noise.
SURE, LEAST = 0.5, 0.1
FOLDS = 5


def shared() -> Path:
    """The folder of shared recordings."""
    return Path(os.environ["QUAKELINE_SHARED"]) / "data"


def ridgecrest(folder: Path) -> Any:
    """The continuous records with the picks of the default picker, as a data set of 30 s each."""
    import obspy

    from quakeline import pick
    from quakeline.training.datasets.opening import open_dataset
    from quakeline.training.datasets.writing import Writer

    place = folder / "ridgecrest"
    files = sorted((shared() / "ridgecrest_continuous").glob("*.mseed"))
    found = pick(files, thresholds={"P": LEAST, "S": LEAST})
    place.mkdir()
    with Writer(place, "ZNE", 100.0) as writer:
        for file in files:
            stream = obspy.read(file)
            station = stream[0].stats.station
            data = np.stack([stream.select(channel=f"*{c}")[0].data for c in ("Z", "1", "2")])
            start = stream[0].stats.starttime
            own = found[found["station"] == station]
            at = (
                own["time"].astype("datetime64[ns, UTC]").astype("int64") / 1e9 - start.timestamp
            ) * 100
            for n, first in _records(data.shape[1], at.to_numpy()):
                inside = own[(at >= first) & (at < first + n)]
                places = (at[inside.index] - first).round(1)
                writer.add(data[:, first : first + n], _labels(inside, places, station, first))
    return open_dataset(place)


def _records(samples: int, at: np.ndarray) -> Iterator[tuple[int, int]]:
    """Lengths and first samples: all of the record in pieces, and quiet pieces in it again."""
    for length, quiet in ((round(LENGTH_S * 100), False), (round(QUIET_S * 100), True)):
        for first in range(0, samples - length + 1, length):
            loud = ((at > first - 200) & (at < first + length + 200)).any()
            if not quiet or not loud:
                yield length, first


def _labels(inside: Any, places: Any, station: str, first: int) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "source_id": f"{first // 3000}",  # the same half minute of all stations
        "station_code": station,
        "trace_P_arrival_sample": None,
        "trace_S_arrival_sample": None,
    }
    sure = inside["probability"] >= SURE
    for phase in ("P", "S"):
        own = places[sure & (inside["phase"] == phase)]
        for number, value in enumerate(own, 1):
            name = phase if number == 1 else f"{phase}{number}"
            facts[f"trace_{name}_arrival_sample"] = value
    return facts | {"trace_unsure_samples": " ".join(str(v) for v in places[~sure])}


def learnt(begun: Any, data: Any, train: list[int], dev: list[int], settings: Any) -> Any:
    """A network trained on some rows of a data set, at its best epoch on others."""
    import torch

    from quakeline.training.loop import Fit
    from quakeline.training.windows import Windows

    windows = Windows(data, train, begun.card, settings, training=True)
    checked = Windows(data, dev, begun.card, settings, training=False)
    fit = Fit(begun.network, begun.card, windows, checked, settings, torch.device("cpu"), "b")
    with tempfile.TemporaryDirectory() as folder:
        done = fit.run(Path(folder) / "c.safetensors", lambda row: None)
    begun.network.load_state_dict(done.best)
    return begun.network


def timed(*given: Any) -> tuple[Any, dict[str, float]]:
    """A network as `learnt` gives it, and what that cost."""
    made: dict[str, Any] = {}
    cost = measure.timed(lambda: made.update(net=learnt(*given)))
    return made["net"], cost


def rounded(facts: dict[str, Any]) -> dict[str, Any]:
    """Numbers to three digits behind the point."""
    return {k: round(v, 3) if isinstance(v, float) else v for k, v in facts.items()}


def folds(n: int) -> Iterator[tuple[list[int], list[int], list[int]]]:
    """Rows to train, to validate and to test: each row is tested once."""
    order = np.random.default_rng(5).permutation(n)
    parts = np.array_split(order, FOLDS)
    for number in range(FOLDS):
        test, dev = parts[number], parts[(number + 1) % FOLDS]
        train = np.setdiff1d(order, np.concatenate([test, dev]))
        yield train.tolist(), dev.tolist(), test.tolist()

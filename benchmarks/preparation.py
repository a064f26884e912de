"""Preparation of one 3-component day against the chain of obspy, on the same files.

obspy reads, merges, detrends, tapers, removes the response, filters and resamples, as its tutorial
does; ours is what the stage `prepare` does, from the files to the written store. `equal` is the
largest difference of the ground motion (without obspy's band-pass filter, which repeats the band
of the removal), relative to the largest value, an hour at each end left out. obspy's `resample`
cuts the spectrum off at the new Nyquist frequency, where the band lets nothing pass. Both sides do
their work on some minutes of the data first, with objects of their own: neither counts its imports.
"""

from __future__ import annotations

import tempfile
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measure

MODULE = "benchmarks.preparation"
OUT_HZ = 100.0
BAND = (0.5, 2.0, 30.0, 40.0)
START = "2010-01-01T00:00:00Z"
DAY_S, QUICK_S, WARM_S = 86_400, 3_600, 300
#: Settings of ours: the default but for the band, and the same as obspy's.
OURS: dict[str, dict[str, Any]] = {
    "filter of 20 s": {"pre_filter_hz": BAND},
    "whole segment": {"pre_filter_hz": BAND, "reach_s": None, "taper_s": 600.0},
}


def _paths(folder: str, rate: float) -> list[Path]:
    return [Path(folder) / f"{component}_{rate:g}.mseed" for component in "ZNE"]


def data(folder: str, rate: float, seconds: int, threads: int) -> dict[str, Any]:
    """Write a day of red noise with events as miniSEED, in 24 files of time per component."""
    import obspy

    rng = np.random.default_rng(0)
    for component, path in zip("ZNE", _paths(folder, rate), strict=True):
        n = round(seconds * rate)
        samples = rng.normal(scale=100, size=n)
        samples += np.cumsum(rng.normal(scale=5, size=n))
        shape = 1e5 * np.exp(-np.arange(2000) / 300) * np.sin(np.arange(2000) * 0.4)
        for onset in range(90_000, n - 2000, 90_000):
            samples[onset : onset + 2000] += shape
        header: dict[str, Any] = {"network": "BW", "station": "RJOB", "channel": f"EH{component}"}
        header |= {"sampling_rate": rate, "starttime": obspy.UTCDateTime(START)}
        traces = [
            obspy.Trace(part, {**header, "starttime": header["starttime"] + at / rate})
            for part, at in _parts(samples.round().astype(np.int32), 24)
        ]
        obspy.Stream(traces).write(str(path), format="MSEED", reclen=4096, encoding="STEIM2")
    return {"threads": threads}


def _parts(samples: np.ndarray, count: int) -> list[tuple[np.ndarray, int]]:
    edges = np.linspace(0, len(samples), count + 1).astype(int)
    return [(samples[a:b], int(a)) for a, b in pairwise(edges)]


def ours(folder: str, rate: float, seconds: int, threads: int, kind: str) -> dict[str, Any]:
    """The stage's work: from files to the store; and the removal of the response alone."""
    import obspy

    from quakeline.core.schemas import WAVEFORMS
    from quakeline.core.timeline import SECOND, Span
    from quakeline.io.products import stores
    from quakeline.waveforms.preparation.components import Preparer
    from quakeline.waveforms.preparation.recordings import of_files
    from quakeline.waveforms.preparation.settings import Response

    begin = obspy.UTCDateTime(START).ns
    found = of_files(_paths(folder, rate), obspy.read_inventory())
    settings = Response.model_validate(OURS[kind])
    short, whole = (Span(begin, begin + n * SECOND) for n in (WARM_S, seconds))
    path = Path(folder) / "ours.zarr"
    Preparer(short, 0.0, OUT_HZ, 0.1, settings, found.inventory).write(found.rows, [], path)
    preparer = Preparer(whole, 0.0, OUT_HZ, 0.1, settings, found.inventory)
    before = measure.peak_mb()
    result = measure.timed(lambda: preparer.write(found.rows, [], path))
    peak = {"peak_mb": measure.peak_mb(), "added_mb": measure.peak_mb() - before}
    store: Any = stores.open_store(path, WAVEFORMS)
    np.save(Path(folder) / "ours.npy", store["data"][0])
    return {**result, **peak, "response_cpu_s": _removed(preparer, found.rows)}


def _removed(preparer: Any, rows: Any) -> float:
    """CPU seconds of the removal of the responses, with its design, without reading."""
    from quakeline.waveforms.preparation.responses import Responses

    responses, spent = Responses(preparer.inventory, preparer.response), 0.0
    for _, row in rows.groupby("channel"):
        codes = tuple(row.iloc[0][["network", "station", "location", "channel"]].fillna(""))
        segments, _ = preparer.source(preparer.span).segments(row)
        work = partial(responses.on_grid, codes, segments, preparer.rate_hz)
        spent += measure.timed(work)["cpu_s"]
    return spent


def peer(folder: str, rate: float, seconds: int, threads: int) -> dict[str, Any]:
    """The chain of obspy, step by step."""
    import obspy

    inventory, paths = obspy.read_inventory(), _paths(folder, rate)
    end = obspy.UTCDateTime(START) + WARM_S
    _chain(paths, inventory, rate, WARM_S, endtime=end)
    before = measure.peak_mb()
    unfiltered, steps = _chain(paths, inventory, rate, seconds)
    result = {"peak_mb": measure.peak_mb(), "added_mb": measure.peak_mb() - before}
    if rate != OUT_HZ:
        unfiltered.resample(OUT_HZ, window=None)
    order = [unfiltered.select(component=component)[0].data for component in "ZNE"]
    np.save(Path(folder) / "peer.npy", np.array(order, dtype=np.float32))
    result |= {f"{name}_cpu_s": cost for name, cost in steps.items()}
    return {**result, "cpu_s": sum(steps.values())}


def _chain(
    paths: list[Path], inventory: Any, rate: float, seconds: int, **limits: Any
) -> tuple[Any, dict[str, float]]:
    """The result before the band-pass filter, and CPU seconds of each step."""
    import obspy

    stream, steps = obspy.Stream(), {}

    def step(name: str, work: Any) -> None:
        steps[name] = measure.timed(work)["cpu_s"]

    def read() -> None:
        for path in paths:
            stream.extend(obspy.read(str(path), **limits))

    step("read", read)
    step("merge", lambda: stream.merge(1))
    step("detrend", lambda: stream.detrend("linear"))
    share = min(600.0 / seconds, 0.05)
    step("taper", lambda: stream.taper(share))
    options = {"output": "VEL", "pre_filt": BAND, "water_level": 60.0, "taper": False}
    step("response", lambda: stream.remove_response(inventory, **options))
    unfiltered = stream.copy()
    step("filter", lambda: stream.filter("bandpass", freqmin=BAND[1], freqmax=BAND[2]))
    if rate != OUT_HZ:
        step("resample", lambda: stream.resample(OUT_HZ, window=None))
    return unfiltered, steps


def difference(folder: str, seconds: int) -> float:
    """Largest difference of the two results relative to the largest value, away from the ends."""
    mine, theirs = (np.load(Path(folder) / f"{side}.npy") for side in ("ours", "peer"))
    edge = round(min(3600, seconds / 4) * OUT_HZ)
    inner = slice(edge, round(seconds * OUT_HZ) - edge)
    gap = np.abs(mine[:, inner] - theirs[:, inner]).max()
    return float(gap / np.abs(theirs[:, inner]).max())


def compare(rate: float, seconds: int, repeats: int) -> list[dict[str, Any]]:
    """All rows of one input rate."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        run = partial(measure.child, MODULE, 1, folder=folder, rate=rate, seconds=seconds)
        run(side="data")
        theirs = run(side="peer")
        for kind in OURS:
            mine = measure.medians([run(side="ours", kind=kind) for _ in range(repeats)])
            equal = difference(folder, seconds)
            label = f"3 components x {seconds / 3600:g} h, {rate:g} to {OUT_HZ:g} Hz, {kind}"
            for key, unit, what in (
                ("cpu_s", "CPU s", "files to store"),
                ("response_cpu_s", "CPU s", "response and rate"),
                ("added_mb", "MB", "memory that the work adds"),
            ):
                other = theirs[key]
                if key == "response_cpu_s":
                    other += theirs.get("resample_cpu_s", 0.0)
                rows.append(measure.case(f"{label}: {what}", unit, mine[key], other, equal))
    return rows


def main() -> None:
    """Run all cases, or one short one with --quick."""
    given = measure.arguments(__doc__)
    if measure.answered(given, data=data, ours=ours, peer=peer):
        return
    rows: list[dict[str, Any]] = []
    for rate in (200.0,) if given.quick else (100.0, 200.0):
        rows += compare(rate, QUICK_S if given.quick else DAY_S, 1 if given.quick else 3)
        measure.finish("preparation", rows, given.quick)


if __name__ == "__main__":
    main()

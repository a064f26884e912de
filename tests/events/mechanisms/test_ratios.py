"""Amplitude ratios of S and P: theory, the search with them, and their measurement."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import obspy
import pandas as pd
import pytest

from quakeline.core.errors import DataError
from quakeline.core.schemas import POLARITIES, WAVEFORMS
from quakeline.core.timeline import SECOND, Span
from quakeline.events.measurement.kept_waveforms import Waveforms
from quakeline.events.mechanisms import quality, ratios, rotations, search
from quakeline.events.mechanisms.polarities import of_catalog
from quakeline.events.mechanisms.reversed_stations import suspects
from quakeline.io.products import stores, tables

RATE, LEAD = 100.0, 600
START = 1_600_000_000


def random_frames(rng: np.random.Generator, count: int) -> np.ndarray:
    strike, rake = rng.uniform(0, 360, count), rng.uniform(-180, 180, count)
    return rotations.frames(strike, np.degrees(np.arccos(rng.uniform(0, 1, count))), rake)


def test_theory_is_that_of_the_moment_tensor() -> None:
    """S is what M g has across the ray: computed here by the tensor itself."""
    rng = np.random.default_rng(1)
    frames = random_frames(rng, 20)
    azimuth, takeoff = rng.uniform(0, 360, 30), np.degrees(np.arccos(rng.uniform(-1, 1, 30)))
    rays = search.directions(azimuth, takeoff)
    waves = search.amplitudes(rotations.moments(frames), azimuth, takeoff)
    told = ratios.theoretical(frames[:, 2], rays, waves)
    tension, pressure = frames[:, 0], frames[:, 1]
    tensors = tension[:, :, None] * tension[:, None] - pressure[:, :, None] * pressure[:, None]
    motion = np.einsum("nij,mj->nmi", tensors, rays)
    along = np.einsum("nmi,mi->nm", motion, rays)
    across = np.linalg.norm(motion - along[..., None] * rays, axis=-1)
    clear = (np.abs(along) > 0.01) & (across > 0.01)
    known = np.log10(ratios.SHARE * across / np.maximum(np.abs(along), 1e-9))
    assert np.abs(told - known)[clear].max() < 1e-4


def rays_of(truth: np.ndarray, rng: np.random.Generator, count: int, noise: float) -> search.Rays:
    """Polarities and ratios of a mechanism; logarithms of ratios have errors."""
    azimuth = rng.uniform(0, 360, count)
    takeoff = np.degrees(np.arccos(rng.uniform(-0.9, 0.9, count)))
    wave = search.amplitudes(rotations.moments(truth[None]), azimuth, takeoff)
    known = ratios.theoretical(truth[None, 2], search.directions(azimuth, takeoff), wave)[0]
    moved = rng.normal(scale=3.0, size=(2, 10, count))
    moved[:, 0] = 0.0
    return search.Rays(
        azimuth + moved[0],
        np.clip(takeoff + moved[1], 0, 180),
        np.where(wave[0] > 0, 1, -1),
        np.ones(count),
        None,
        known + rng.normal(scale=noise, size=count),
    )


def test_ratios_make_mechanisms_of_few_polarities_better() -> None:
    rng = np.random.default_rng(2)
    with_, without = [], []
    for truth in random_frames(rng, 5):
        rays = rays_of(truth, rng, 12, 0.15)
        bare = search.Rays(rays.azimuth, rays.takeoff, rays.polarity, rays.weight)
        for one, found in ((rays, with_), (bare, without)):
            solution = search.solved(one)
            found.append(
                (float(rotations.angles(solution.frame[None], truth)[0]), *solution.sigmas_deg)
            )
        assert quality.fit_of(rays, search.solved(rays)).ratio_misfit < 0.6
    assert np.median([one[0] for one in with_]) < 0.7 * np.median([one[0] for one in without])
    inside = [angle <= np.hypot(*sigmas) for angle, *sigmas in with_]
    assert np.mean(inside) >= 0.68


def test_stations_with_a_ratio_alone_count_for_it_alone() -> None:
    rng = np.random.default_rng(3)
    (truth,) = random_frames(rng, 1)
    rays = rays_of(truth, rng, 24, 0.1)
    half = np.arange(24) % 2 == 0
    mixed = search.Rays(
        rays.azimuth, rays.takeoff, np.where(half, rays.polarity, 0),
        np.where(half, 1.0, 0.0), None, rays.ratios,
    )  # fmt: skip
    found = search.solved(mixed)
    fit = quality.fit_of(mixed, found)
    assert rotations.angles(found.frame[None], truth)[0] < 30
    assert 0 <= fit.misfit < 0.3
    assert 0 < fit.ratio <= 1


def test_a_station_known_by_ratios_alone_is_not_reversed() -> None:
    """Its rows have a radiation and no polarity that could disagree."""
    events = [f"e{n}" for n in range(12)]
    mechanisms = pd.DataFrame({"event_id": events, "quality_class": "A"})
    rows = [
        {"event_id": event, "network": "XX", "station": station, "polarity": polarity,
         "radiation": 0.8, "agrees": agrees}
        for event in events
        for station, polarity, agrees in (
            ("RATIO", 0, None), ("WRONG", -1, False), ("RIGHT", 1, True),
        )
    ]  # fmt: skip
    polarities = tables.typed(pd.DataFrame(rows, columns=POLARITIES.names), POLARITIES)
    found = suspects(mechanisms, polarities)
    assert found.to_numpy().tolist() == [["XX", "WRONG", 12, 12]]


def test_ratios_that_fit_no_mechanism_leave_one_all_the_same() -> None:
    rng = np.random.default_rng(4)
    (truth,) = random_frames(rng, 1)
    rays = rays_of(truth, rng, 20, 0.0)
    absurd = search.Rays(
        rays.azimuth, rays.takeoff, rays.polarity, rays.weight, None, np.full(20, 5.0)
    )
    assert len(search.solved(absurd).acceptable) > 0


def motion_of(ratio: float, rng: np.random.Generator, apart_s: float = 4.0) -> np.ndarray:
    """Displacement with pulses of 5 Hz: P of 1e-6 m on Z, S on both horizontals."""
    time = np.arange(LEAD + 900) / RATE - LEAD / RATE
    wave = 1e-9 * rng.normal(size=(3, len(time)))

    def pulse(at: float) -> np.ndarray:
        later = np.maximum(time - at, 0.0)
        return np.sin(2 * np.pi * 5 * later) * np.exp(-((later - 0.3) ** 2) / 0.02)

    wave[0] += 1e-6 * pulse(0.0)
    wave[1:] += 1e-6 * ratio / np.sqrt(2) * pulse(apart_s)
    return wave


@pytest.mark.parametrize("ratio", [0.8, 5.0, 30.0])
@pytest.mark.parametrize("integrals", [0, 1])
def test_a_known_ratio_is_measured(ratio: float, integrals: int) -> None:
    wave = motion_of(ratio, np.random.default_rng(5))
    given = np.gradient(wave, 1 / RATE, axis=1) if integrals else wave
    found = ratios.log_ratio(given, RATE, LEAD, 4.0, integrals)
    assert found == pytest.approx(np.log10(ratio), abs=0.06)


def test_noise_gives_no_ratio() -> None:
    rng = np.random.default_rng(6)
    assert ratios.log_ratio(rng.normal(size=(3, 1500)), RATE, LEAD, 4.0, 1) is None


def test_instruments_without_a_response_have_none(tmp_path: Path) -> None:
    """In a store: ground motion gives a ratio, counts, clipped samples and a lone P none."""
    names = [f"XX.S{n}..HH" for n in range(4)]
    grid = stores.Grid(START * 100, 6000, RATE)
    span = Span(START * SECOND, (START + 60) * SECOND)
    labels = {"instruments": names, "components": ["Z", "N", "E"]}
    units = dict.fromkeys(names, "m") | {names[1]: "counts"}
    clipped = {names[2]: [[START * 100, START * 100 + 6000]]}
    wave = motion_of(5.0, np.random.default_rng(7))
    with stores.create(
        tmp_path / f"{span.id}.zarr", WAVEFORMS, grid, labels, units=units, clipped=clipped
    ) as group:
        whole = 1e-9 * np.random.default_rng(8).normal(size=(4, 3, 6000))
        whole[:, :, 2000 : 2000 + wave.shape[1]] = wave
        group["data"][:] = whole.astype(np.float32)
        group["valid"][:] = True
    onset = START * SECOND + round((2000 + LEAD) / RATE * SECOND)
    rows = [
        (f"S{n}", phase, onset + (4 * SECOND if phase == "S" else 0), f"{n}{phase}")
        for n in range(4)
        for phase in ("PS" if n < 3 else "P")
    ]
    pairs = pd.DataFrame(rows, columns=["station", "phase", "ns", "pick_id"]).assign(
        event_id="e", network="XX", location="", instrument="HH", source="waveform",
        time=lambda frame: pd.to_datetime(frame["ns"], utc=True),
    )  # fmt: skip
    found = ratios.of_arrivals(pairs, Waveforms(tmp_path).at)
    assert found["pick_id"].tolist() == ["0P"]
    assert found["log_ratio"].iloc[0] == pytest.approx(np.log10(5.0), abs=0.06)
    assert ratios.of_arrivals(pairs.head(0), Waveforms(tmp_path).at).empty


def test_a_table_may_have_them(tmp_path: Path) -> None:
    events = pd.DataFrame(
        {"event_id": ["e"], "time": [pd.Timestamp("2020-05-01T00:00:00Z")], "latitude": 48.0,
         "longitude": 11.0, "depth_km": 9.0}
    )  # fmt: skip
    path = tmp_path / "table.csv"
    path.write_text(
        "event_id,network,station,polarity,sp_ratio\ne,XX,A,U,10\ne,XX,B,,100\ne,XX,C,D,\ne,XX,D,N,\n"
    )
    (event,) = (matched := of_catalog(path, events)).events
    assert event.polarities["log_ratio"].tolist()[:2] == [1.0, 2.0]
    assert event.polarities["polarity"].tolist() == [1, 0, -1]
    assert event.polarities["weight"].tolist() == [1.0, 0.0, 1.0]
    assert matched.undecided == 1
    path.write_text("event_id,network,station,polarity,sp_ratio\ne,XX,A,U,-1\n")
    with pytest.raises(DataError, match="line 2: sp_ratio '-1'; it must be above 0"):
        of_catalog(path, events)


def by_obspy(motion: np.ndarray, apart_s: float) -> tuple[float, float]:
    """Logarithm of S/P, and P over noise, of velocities, by obspy's filters and integration."""
    stream = obspy.Stream([obspy.Trace(one.copy(), {"delta": 1 / RATE}) for one in motion])
    band = {"freqmin": 1.0, "freqmax": 10.0, "corners": 4, "zerophase": False}
    stream.detrend("constant").filter("bandpass", **band).integrate().filter("bandpass", **band)
    size = np.sqrt(sum(trace.data**2 for trace in stream))
    p_samples = round(min(0.8 * apart_s, 2.0) * RATE)
    later = LEAD + round(apart_s * RATE)
    noise = size[LEAD - 20 - p_samples : LEAD - 10].max()
    p_wave, s_wave = size[LEAD - 10 : LEAD + p_samples].max(), size[later - 10 : later + 200].max()
    return float(np.log10(s_wave / p_wave)), float(p_wave / noise)


def test_ratios_of_recorded_events_are_those_of_obspy(shared: Path) -> None:
    """24 records with an analyst's P and S: about half rise out of the noise."""
    data = np.load(shared / "data/ncedc_mini24.npz")
    scaled = data["waveforms_i2"] * data["scale"][:, None, None]
    known, median = 0, []
    for wave, p, s in zip(scaled, data["p_index"].tolist(), data["s_index"].tolist(), strict=True):
        motion, apart_s = wave[:, p - LEAD : s + 300].astype(float), (s - p) / RATE
        ours = ratios.log_ratio(motion, RATE, LEAD, apart_s, 1)
        theirs, above = by_obspy(motion, apart_s)
        if ours is None:
            assert above < 3.3
        else:
            known += 1
            median.append(ours)
            assert ours == pytest.approx(theirs, abs=0.02)
            assert above > 2.7
    assert known == 11
    assert 0.3 < np.median(median) < 1.1

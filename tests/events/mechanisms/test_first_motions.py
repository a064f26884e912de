"""First motions: mirrored and shifted records, and what stays unknown."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from quakeline.core.reasons import Code
from quakeline.core.schemas import WAVEFORMS
from quakeline.core.timeline import SECOND, Span
from quakeline.events.measurement.kept_waveforms import Waveforms
from quakeline.events.mechanisms.first_motions import (
    FirstMotionRules,
    first_motion,
    of_arrivals,
    onset_near,
)
from quakeline.io.products import stores
from quakeline.models import polarity
from quakeline.signal.quality import clipped

RULES, SIGMA_S, START = FirstMotionRules(), 0.05, 1_600_000_000


@pytest.fixture(scope="module")
def pnsn(shared: Path) -> list[polarity.PolarityNetwork]:
    return [polarity.opened(shared / "weights/polarity/pnsn_polar.onnx")]


@pytest.fixture(scope="module")
def records(shared: Path):
    """Vertical components of 24 records of an analyst's P, 100 Hz, and its samples."""
    data = np.load(shared / "data/ncedc_mini24.npz")
    component = str(data["component_order"][()]).index("Z")
    return data["waveforms_i2"][:, component].astype(np.float32), data["p_index"].tolist()


def told(records, networks, sign=1, shift=0):
    every = np.ones(records[0].shape[1], dtype=bool)
    return np.array(
        [
            first_motion(sign * wave, every, onset + shift, SIGMA_S, networks, RULES).polarity
            for wave, onset in zip(*records, strict=True)
        ]
    )


def test_mirrored_records_have_the_opposite_polarity(records, pnsn):
    answers = told(records, pnsn)
    assert 0.6 < (answers != 0).mean() < 0.9
    assert (told(records, pnsn, sign=-1) == -answers).all()


#: Networks alone and together, and the fewest of the 24 records that they tell.
TOLD = [
    (("pnsn_polar.onnx",), 15), (("PolarCAP.h5",), 8), (("DiTingMotionJul.onnx",), 4),
    (("pnsn_polar.onnx", "PolarCAP.h5", "DiTingMotionJul.onnx"), 6),
]  # fmt: skip


@pytest.mark.parametrize(("files", "fewest"), TOLD)
def test_polarities_stay_when_the_pick_moves_and_turn_with_the_trace(
    records, shared, files, fewest
):
    """Within 50 ms to both sides; each network of these windows alone loses or turns more."""
    networks = [polarity.opened(shared / "weights/polarity" / name) for name in files]
    answers = told(records, networks)
    known = answers != 0
    assert known.sum() >= fewest
    assert (told(records, networks, sign=-1) == -answers).all()
    moved = np.array([told(records, networks, shift=shift)[known] for shift in (-5, 5)])
    assert (moved == answers[known]).mean() >= 0.95


def test_the_onset_near_a_pick_is_where_the_trace_changes():
    rng = np.random.default_rng(3)
    wave = rng.normal(size=400)
    wave[200:] += 20 * np.sin(np.arange(1, 201) / 4)
    for pick in (192, 200, 206):
        assert abs(onset_near(wave, pick, 15) - 200) <= 1
    assert onset_near(np.zeros(400), 200, 15) in range(185, 215)
    assert onset_near(wave, 200, 2) == 200


def test_real_onsets_that_are_clipped_or_have_gaps_are_unknown(records, pnsn):
    """Records that a network tells, clipped here at a quarter of P, or with a gap in it.

    Where `prepare` does not notice that, few flat tops being there, no answer turns round either.
    """
    answers = told(records, pnsn)
    seen = 0
    for wave, onset, known in zip(*records, answers, strict=True):
        if not known:
            continue
        whole = np.ones(len(wave), dtype=bool)
        gap, clip = whole.copy(), whole.copy()
        gap[onset + 10 : onset + 30] = False
        limit = np.round(0.25 * np.abs(wave[onset : onset + 50]).max())
        cut = np.clip(np.round(wave), -limit, limit)
        for first, end in clipped(cut.astype(float), 100.0, True):
            clip[first:end] = False
        of_gap = first_motion(wave, gap, onset, SIGMA_S, pnsn, RULES)
        assert (of_gap.polarity, of_gap.reason.code) == (0, Code.ONSET_SPOILT)
        of_clip = first_motion(cut, clip, onset, SIGMA_S, pnsn, RULES)
        assert of_clip.polarity * known >= 0
        if not clip[onset : onset + 50].all():
            assert of_clip.reason is not None
        seen += of_clip.reason is not None and of_clip.reason.code == Code.ONSET_SPOILT
    assert seen >= 10


def test_networks_together_never_turn_an_answer(records, shared, pnsn):
    more = [
        polarity.opened(shared / "weights/polarity" / name)
        for name in ("DiTingMotionJul.onnx", "PolarCAP.h5")
    ]
    alone, together = told(records, pnsn), told(records, [*pnsn, *more])
    assert 0 < (together != 0).sum() < (alone != 0).sum()
    assert not (together * alone < 0).any()
    for shift in (-5, 5):
        assert not (told(records, [*pnsn, *more], shift=shift) * together < 0).any()


def test_noise_gaps_and_ends_are_unknown(pnsn):
    rng = np.random.default_rng(1)
    noise, every = rng.normal(size=3000), np.ones(3000, dtype=bool)
    weak = first_motion(noise, every, 1500, SIGMA_S, pnsn, RULES)
    assert (weak.polarity, weak.reason.code) == (0, Code.WEAK_ONSET)
    wave = noise + 50 * np.sin(np.maximum(np.arange(3000) - 1500, 0) / 5)
    assert first_motion(wave, every, 1500, SIGMA_S, pnsn, RULES).polarity == 1
    assert first_motion(-wave, every, 1500, np.nan, pnsn, RULES).polarity == -1
    gap = every.copy()
    gap[1550] = False
    for valid, onset in ((gap, 1500), (every, 200), (every, 2900)):
        spoilt = first_motion(wave, valid, onset, SIGMA_S, pnsn, RULES)
        assert (spoilt.polarity, spoilt.reason.code) == (0, Code.ONSET_SPOILT)


def test_arrivals_of_a_store(records, pnsn, tmp_path):
    """Each record as an instrument of one store; what the store says is told as reasons."""
    waves, onsets = records
    names = [f"XX.S{n:02d}..HH" for n in range(len(waves))]
    grid = stores.Grid(START * 100, waves.shape[1], 100.0)
    span = Span(START * SECOND, (START + 60) * SECOND)
    labels = {"instruments": names, "components": ["Z"]}
    more = {
        "units": dict.fromkeys(names, "counts"),
        "clipped": {names[1]: [[START * 100, START * 100 + 6000]]},
    }
    with stores.create(tmp_path / f"{span.id}.zarr", WAVEFORMS, grid, labels, **more) as group:
        group["data"][:] = waves[:, None]
        group["valid"][:] = True
    arrivals = pd.DataFrame(
        {
            "event_id": "e",
            "pick_id": [f"p{n}" for n in range(len(waves) + 1)],
            "phase": "P",
            "source": "waveform",
            "network": "XX",
            "station": [f"S{n:02d}" for n in range(len(waves) + 1)],
            "location": "",
            "instrument": "HH",
            "time": pd.to_datetime([(START * 100 + i) * 10**7 for i in [*onsets, 3000]], utc=True),
            "time_sigma_s": SIGMA_S,
        }
    )
    found = of_arrivals(arrivals, Waveforms(tmp_path).at, pnsn, RULES)
    expected = told(records, pnsn)
    assert found["polarity"].tolist()[2:-1] == expected[2:].tolist()
    assert found["polarity"].iloc[0] == expected[0] != 0
    assert found["weight"].iloc[0] == pytest.approx(2 * found["probability"].iloc[0] - 1)
    assert found["note"].iloc[1] == "gap, clipped samples or end of the data around the onset"
    assert found["note"].iloc[-1] == "no waveforms were kept around its picks"
    assert len(of_arrivals(arrivals.assign(phase="S"), Waveforms(tmp_path).at, pnsn, RULES)) == 0

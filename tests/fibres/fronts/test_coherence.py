"""Fronts along a fibre among single picks: known fronts, noise, wrong labels."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from quakeline.fibres.fronts.coherence import clean
from quakeline.fibres.fronts.settings import FrontSettings

RULES = FrontSettings(max_s_minus_p_s=40)
N, SPACING = 300, 4.0


def front(
    seconds: float, slowness: float, phase: str, channels: range, seed: int, scatter: float = 0.02
) -> pd.DataFrame:
    """Picks of a wave that runs along channels at a slowness in s/m."""
    rng = np.random.default_rng(seed)
    number = np.array(channels)
    times = seconds + slowness * number * SPACING + rng.normal(0, scatter, len(number))
    return table(number, times, [phase] * len(number))


def table(channel: np.ndarray, seconds: np.ndarray, phase: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "channel_index": channel,
            "distance_m": channel * SPACING,
            "seconds": seconds,
            "phase": phase,
            "probability": 0.6,
        }
    )


def noise(n: int, seed: int, until: float = 60.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    phases = rng.choice(["P", "S"], n).tolist()
    return table(rng.integers(0, N, n), rng.uniform(0, until, n), phases)


def joined(*parts: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True)


def test_fronts_are_found_in_noise() -> None:
    true = joined(front(10, 3e-4, "P", range(N), 1), front(18, -6e-4, "S", range(0, N, 2), 2))
    picks = joined(true, noise(600, 3))
    made = clean(picks, np.arange(N), RULES)
    kept = made["front"] >= 0
    assert kept[: len(true)].mean() > 0.97
    assert kept[len(true) :].mean() < 0.04
    assert made.loc[: N - 1, "front"].max() < made["front"].max()
    assert set(made.loc[kept & (made["seconds"] < 14), "front_phase"]) == {"P"}
    assert np.nanstd(made.loc[kept, "residual_s"]) < 0.03


def test_noise_alone_makes_no_front() -> None:
    """As many picks as 300 channels give in a minute at one false pick in six seconds."""
    made = clean(noise(3000, 5), np.arange(N), RULES)
    assert (made["front"] >= 0).sum() == 0


def test_waves_slower_than_allowed_are_no_fronts() -> None:
    slow = front(10, 1 / 60, "P", range(N), 1, scatter=0.005)
    assert (clean(slow, np.arange(N), RULES)["front"] >= 0).sum() == 0
    wider = FrontSettings(slowest_m_s=40, max_s_minus_p_s=40)
    assert (clean(slow, np.arange(N), wider)["front"] >= 0).mean() > 0.97


def test_a_front_needs_its_share_of_the_live_channels() -> None:
    sparse = front(10, 3e-4, "P", range(0, N, 5), 1)
    assert (clean(sparse, np.arange(N), RULES)["front"] >= 0).sum() == 0
    live = np.arange(0, N, 5)
    assert (
        clean(sparse, live, FrontSettings(reach_channels=50, max_s_minus_p_s=40))["front"] >= 0
    ).all()


def test_a_front_has_one_phase_and_one_pick_of_a_channel() -> None:
    p = front(10, 3e-4, "P", range(N), 1)
    wrong = front(10, 3e-4, "S", range(0, N, 3), 2)
    made = clean(joined(p, wrong), np.arange(N), RULES)
    members = made[made["front"] >= 0]
    assert set(members["front_phase"]) == {"P"}
    assert not members.duplicated(["front", "channel_index"]).any()
    assert set(members["channel_index"]) == set(range(N))


@pytest.mark.parametrize("first", ["P", "S"])
def test_of_two_fronts_with_one_delay_the_first_is_p(first: str) -> None:
    """The network called both the same, on most channels."""
    other = "S" if first == "P" else "P"
    parts = []
    for seconds, seed in ((10.0, 1), (24.0, 2)):
        made = front(seconds, 2e-4, first, range(N), seed)
        made.loc[made.index[::4], "phase"] = other
        parts.append(made)
    made = clean(joined(*parts), np.arange(N), RULES)
    assert set(made.loc[made["seconds"] < 15, "front_phase"]) == {"P"}
    assert set(made.loc[made["seconds"] > 15, "front_phase"]) == {"S"}


def test_a_sure_network_keeps_its_labels() -> None:
    both = joined(front(10, 2e-4, "P", range(N), 1), front(24, 2e-4, "P", range(N), 2))
    assert set(clean(both, np.arange(N), RULES)["front_phase"]) == {"P"}


def test_many_onsets_and_fronts_take_little_time() -> None:
    """An hour with an event every 12 s, on which the network is wrong half of the time."""
    rng = np.random.default_rng(8)
    parts = []
    for event in range(300):
        for behind in (0.0, 3.0):
            wave = front(12 * event + behind, rng.uniform(-5e-4, 5e-4), "P", range(100), event)
            wave["phase"] = rng.permutation(["P", "S"] * 50)
            parts.append(wave)
    picks = joined(*parts, noise(30_000, 9, until=3600))
    rules = FrontSettings(max_s_minus_p_s=8)
    before = time.process_time()
    made = clean(picks, np.arange(N), rules)
    assert time.process_time() - before < 10
    true = made[: 600 * 100].assign(came=np.repeat(["P", "S"] * 300, 100))
    kept = true[true["front"] >= 0]
    assert len(kept) > 0.97 * len(true)
    assert kept["front"].nunique() == 600
    assert (kept["front_phase"] == kept["came"]).all()


@pytest.mark.parametrize("n", [0, 1])
def test_few_picks(n: int) -> None:
    made = clean(front(10, 0, "P", range(n), 1), np.arange(N), RULES)
    assert len(made) == n
    assert (made["front"] < 0).all()

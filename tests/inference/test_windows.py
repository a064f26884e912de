import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quakeline.inference import windows as module
from quakeline.models.cards import CARDS


def window_starts(*args):
    return np.array(module.window_starts(*args))


def normalise(windows, valid, rule="std-live"):
    result = windows.copy()
    module.normalise(result, None if valid.all() else valid, rule)
    return result


positions = st.integers(-(10**12), 10**12)


@given(positions, st.integers(1, 5000), st.integers(1, 400), st.integers(1, 300))
def test_windows_are_all_those_of_the_absolute_grid_that_touch_the_span(lo, n, window, hop):
    starts = window_starts(lo, lo + n, window, hop)
    assert (starts % hop == 0).all()
    assert (np.diff(starts) == hop).all()
    assert (starts + window > lo).all()
    assert (starts < lo + n).all()
    first, last = -(-(lo - window + 1) // hop), (lo + n - 1) // hop
    assert starts.tolist() == [k * hop for k in range(first, last + 1)]


@given(positions, st.integers(2, 3000), st.integers(1, 3000))
def test_the_same_sample_falls_in_the_same_windows(lo, n, cut):
    """Windows of a chunk are windows of the run; those over a sample are the same in both."""
    cut = min(cut, n - 1)
    whole = set(window_starts(lo, lo + n, 3000, 1489).tolist())
    parts = [window_starts(lo, lo + cut, 3000, 1489), window_starts(lo + cut, lo + n, 3000, 1489)]
    assert set(np.concatenate(parts).tolist()) == whole
    over = {start for start in whole if start <= lo + cut < start + 3000}
    assert over <= set(parts[1].tolist())


@pytest.mark.parametrize("card", CARDS.values(), ids=list(CARDS))
def test_every_sample_is_seen_by_some_window(card):
    lo = 127_497_747_315
    starts = window_starts(lo, lo + 20_000, card.window_samples, card.hop_samples)
    seen = np.zeros(20_000, int)
    for start in starts:
        first, last = start + card.blind_samples, start + card.window_samples - card.blind_samples
        seen[max(first - lo, 0) : max(last - lo, 0)] += 1
    assert seen.min() >= 1
    assert card.hop_samples % 100


def batches(seed=0, shape=(4, 3, 500)):
    rng = np.random.default_rng(seed)
    return rng.normal(3, 50, shape).astype(np.float32), np.ones(shape, bool)


def test_components_get_mean_zero_and_deviation_one():
    windows, valid = batches()
    result = normalise(windows, valid)
    assert result.dtype == np.float32
    assert np.abs(result.mean(axis=-1)).max() < 1e-6
    assert result.std(axis=-1) == pytest.approx(np.ones((4, 3)), abs=1e-5)


@pytest.mark.parametrize("live", [[0], [1, 2], [0, 1, 2]])
def test_missing_components_are_zero_and_raise_the_others(live):
    windows, valid = batches()
    valid[:] = False
    valid[:, live] = True
    result = normalise(windows, valid)
    gone = [n for n in range(3) if n not in live]
    assert not result[:, gone].any()
    assert result[:, live].std(axis=-1) == pytest.approx(3 / len(live), abs=1e-5)


def test_a_dead_component_counts_as_missing():
    """Whatever its value: the mean of equal float32 numbers is exact in float64."""
    windows, valid = batches()
    for value in (0.0, 1234.567, 0.1, -8.4e6, 1e-12):
        windows[:, 1] = np.float32(value)
        result = normalise(windows, valid)
        assert not result[:, 1].any()
        assert result[:, 0].std(axis=-1) == pytest.approx(1.5, abs=1e-5)


@given(st.floats(1e-9, 1e6), st.floats(-1e3, 1e3), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=30)
def test_gain_and_offset_do_not_matter(gain, offset, seed):
    windows, valid = batches(seed)
    valid[:, :, 100:150] = False
    scaled = ((windows.astype(float) + offset) * gain).astype(np.float32)
    assert normalise(scaled, valid) == pytest.approx(normalise(windows, valid), abs=2e-3)


def test_what_lies_in_a_gap_does_not_matter():
    windows, valid = batches()
    valid[:, 0, 100:200] = False
    other = np.where(valid, windows, np.float32(np.nan))
    assert np.array_equal(normalise(windows, valid), normalise(other, valid))
    assert not normalise(windows, valid)[:, 0, 100:200].any()
    assert normalise(windows, valid)[:, 0, :100].any()


def test_no_data_at_all_is_zero():
    windows, valid = batches()
    assert not normalise(windows, np.zeros_like(valid)).any()


@pytest.mark.parametrize("rule", ["std", "std-live", "max", "scale", "none"])
def test_a_gap_elsewhere_in_the_block_changes_no_bit(rule):
    """A window without gaps is the same whether its block came with a mask or without."""
    windows, valid = batches()
    plain, masked = windows.copy(), windows.copy()
    module.normalise(plain, None, rule)
    module.normalise(masked, valid, rule)
    assert np.array_equal(plain, masked)


def test_windows_begin_where_data_begin_and_end_where_they_end():
    valid = np.zeros(400, bool)
    valid[50:200] = True
    valid[100:109] = False  # shorter than a hole
    valid[215:330] = True
    assert module.edge_windows(valid, 10, 60).tolist() == [50, 140, 215, 270]
    assert module.edge_windows(valid, 9, 60).tolist() == [40, 50, 109, 140, 215, 270]


def test_windows_at_the_ends_are_left_out_where_they_would_be_mostly_empty():
    valid = np.zeros(400, bool)
    valid[100:145] = True
    assert module.edge_windows(valid, 10, 60).tolist() == [85, 100]
    valid[100] = False
    assert module.edge_windows(valid, 10, 60).tolist() == []
    assert module.edge_windows(np.ones(400, bool), 10, 60).tolist() == []

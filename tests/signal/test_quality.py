import numpy as np
import obspy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import UNTERHACHING

from quakeline.signal.gaps import runs_of
from quakeline.signal.quality import clipped, dead, glitches, idle, integral, jumps

RATE = 100.0


def noise(n=6000, size=100.0, seed=0):
    return np.random.default_rng(seed).normal(0, size, n).round()


def earthquake():
    """The real local event of obspy's example, vertical, in counts."""
    return obspy.read().select(channel="EHZ")[0].data.round()


def test_flat_tops_of_a_clipped_earthquake_are_found_sample_by_sample():
    event = 1000 * earthquake()
    limit = 0.3 * np.abs(event).max()
    flat = np.clip(event, -limit, limit).round()
    found = np.zeros(len(flat), bool)
    for start, stop in clipped(flat, RATE, True):
        found[start:stop] = True
    expected = np.zeros(len(flat), bool)
    for start, stop in runs_of(np.abs(flat) == round(limit)):
        expected[start:stop] = stop - start >= 4
    assert expected.sum() > 20
    assert np.array_equal(found, expected)


def test_what_is_not_clipped_is_not_found():
    time = np.arange(6000) / RATE
    for samples in (
        earthquake(),
        1000 * earthquake(),
        noise(size=1.0),
        noise(size=1000.0),
        (100 * np.sin(2 * np.pi * 0.1 * time)).round(),
        (5e6 * np.sin(2 * np.pi * 0.05 * time)).round(),
        np.full(6000, 7.0),
    ):
        assert len(clipped(samples, RATE, True)) == 0


def test_the_ends_of_a_digitizers_range_are_found_alone():
    samples = noise()
    samples[100], samples[2000] = 8_388_607, -8_388_608
    assert clipped(samples, RATE, True).tolist() == [[100, 101], [2000, 2001]]


@given(
    st.lists(st.integers(50, 5900), max_size=4, unique=True),
    st.integers(0, 9),
    st.sampled_from([-1, 1]),
)
def test_spikes_are_found_where_they_are(places, seed, sign):
    places = sorted(p for p in places if all(abs(p - q) > 30 for q in places if q != p))
    samples = noise(seed=seed)
    samples[places] += sign * 30_000
    spikes, steps = jumps(samples, True)
    assert spikes.tolist() == places
    assert len(steps) == 0


@pytest.mark.parametrize("at", [1000, 3333])
def test_a_step_is_no_spike(at):
    samples = noise()
    samples[at:] += 30_000
    spikes, steps = jumps(samples, True)
    assert (spikes.tolist(), steps.tolist()) == ([], [at])


def test_earthquakes_and_noise_have_neither_spikes_nor_steps():
    for samples in (earthquake(), 1e4 * earthquake(), noise(size=2.0), noise(100_000, 1e5)):
        assert [len(found) for found in jumps(samples, True)] == [0, 0]
    assert [len(found) for found in jumps(noise(10), True)] == [0, 0]


def test_what_is_found_does_not_depend_on_the_cut():
    samples = 1000.0 * earthquake()
    samples = np.clip(samples, -4e5, 4e5)
    samples[200] += 5e6
    whole = jumps(samples, True)[0], clipped(samples, RATE, True)
    part = jumps(samples[100:], True)[0] + 100, clipped(samples[100:], RATE, True) + 100
    for one, other in zip(whole, part, strict=True):
        assert len(one)
        assert np.array_equal(one, other)


def test_dead_and_idle():
    assert dead(np.full(5, 3.0), np.ones(5, bool))
    assert not dead(np.arange(5.0), np.ones(5, bool))
    assert not dead(np.arange(5.0), np.zeros(5, bool))
    assert idle(-1, 1, True)
    assert not idle(-1, 2, True)
    assert not idle(-0.5, 0.5, False)
    assert integral(np.array([1.0, -2.0]))
    assert not integral(np.array([1.5]))


@pytest.mark.parametrize("top", [[9e4] * 3, [5e4, 1e5, 5e4, 4e4], [1e5, -1e5], [-7e4, -6e4]])
@pytest.mark.parametrize("at", [500, 65_536, 65_546, 65_550, 131_080])
def test_glitches_of_some_samples_are_found_wherever_blocks_end(top, at):
    samples = np.random.default_rng(0).normal(0, 30, 140_000).round().astype(np.int32)
    samples[at : at + len(top)] = top
    assert glitches(samples, True).tolist() == [at]
    assert glitches(samples.astype(float), False).tolist() == [at]


def test_waves_spikes_and_steps_are_no_glitches():
    samples = np.random.default_rng(0).normal(0, 30, 5000).round()
    time = np.arange(2000) / 100
    samples[1000:3000] += (1e5 * np.sin(2 * np.pi * 9 * time) * np.exp(-time)).round()
    samples[4000] += 1e5
    samples[4500:] += 1e5
    assert glitches(samples, True).tolist() == []
    for path in UNTERHACHING:
        assert glitches(obspy.read(str(path))[0].data, True).tolist() == []

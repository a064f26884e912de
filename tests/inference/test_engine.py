import dataclasses
import threading

import numpy as np
import obspy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from quakeline.core.errors import ConfigError
from quakeline.inference.backends import Torch
from quakeline.inference.engine import Engine, prefetched
from quakeline.inference.waveforms import Arrays, Paged
from quakeline.inference.windows import normalise, window_starts
from quakeline.models.cards import CARDS
from quakeline.models.networks import read

LO = 127_497_747_315
LENGTH = 20_000
PHASENET = dataclasses.replace(CARDS["phasenet"], phases=CARDS["phasenet"].classes)
SMALL = dataclasses.replace(
    PHASENET, window_samples=200, hop_samples=67, blind_samples=20, name="small"
)


class Recordings:
    """Instruments of noise, absolute samples LO - 5000 to LO + LENGTH + 5000."""

    def __init__(self, n, seed=0, scale=1.0):
        rng = np.random.default_rng(seed)
        self.data = (scale * rng.normal(size=(n, 3, LENGTH + 10_000))).astype(np.float32)
        self.valid = np.ones(self.data.shape, bool)
        self.n_instruments = n

    def read(self, index, start, stop):
        here = slice(start - LO + 5000, stop - LO + 5000)
        return self.data[index, :, here], self.valid[index, :, here]


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(1)
    layers = torch.nn.Sequential(
        torch.nn.Conv1d(3, 8, 7, padding=3), torch.nn.ReLU(), torch.nn.Conv1d(8, 3, 7, padding=3)
    )
    return torch.nn.Sequential(layers, torch.nn.Softmax(dim=1)).eval()


@pytest.fixture(scope="module")
def phasenet(picker_weights):
    return read(picker_weights)[1]


@pytest.fixture(params=[1, 2], ids=["1 thread", "2 threads"])
def threads(request):
    """Torch shares a batch among threads; an odd one is shared in the middle of a window."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def curves(card, module, reader, n, lo, hi, batch=8, hop=None):
    backend = Torch(module, batch, [torch.device("cpu")])
    card = dataclasses.replace(card, hop_samples=hop or card.hop_samples)
    found = [np.zeros((len(card.phases), 0), np.float32) for _ in range(n)]
    last = 0
    for piece in Engine(card, backend).annotate(reader, lo, hi):
        assert piece.instrument >= last
        assert piece.start == lo + found[piece.instrument].shape[1]
        found[piece.instrument] = np.concatenate([found[piece.instrument], piece.curves], axis=1)
        last = piece.instrument
    return np.array(found).reshape(n, len(card.phases), hi - lo)


@given(st.integers(0, 1500), st.integers(1, 1500), st.integers(1, 40))
@settings(deadline=None, max_examples=25)
def test_results_do_not_depend_on_chunks_or_batches(small, begin, length, batch):
    reader = Recordings(1)
    whole = curves(SMALL, small, reader, 1, LO, LO + 3000)
    lo, hi = LO + begin, LO + begin + length
    part = curves(SMALL, small, reader, 1, lo, hi, batch)
    assert part == pytest.approx(whole[..., begin : begin + length], abs=1e-6)
    again = curves(SMALL, small, reader, 1, lo, hi)
    assert np.array_equal(again, whole[..., begin : begin + length])


def test_phasenet_is_bit_equal_however_its_data_are_cut(phasenet, threads):
    reader = Recordings(2)
    whole = curves(PHASENET, phasenet, reader, 2, LO, LO + 15_000)
    parts = [
        curves(PHASENET, phasenet, reader, 2, LO + a, LO + b)
        for a, b in ((0, 4000), (4000, 4100), (4100, 15_000))
    ]
    assert np.array_equal(np.concatenate(parts, axis=-1), whole)


@pytest.mark.parametrize("batch", [5, 8])
def test_phasenet_is_equal_whatever_else_is_in_the_batch(phasenet, threads, batch):
    reader = Recordings(3, scale=100.0)
    together = curves(PHASENET, phasenet, reader, 3, LO, LO + 6000, batch=batch)
    alone = []
    for index in range(3):
        one = Recordings(1)
        one.data, one.valid = reader.data[index : index + 1], reader.valid[index : index + 1]
        alone.append(curves(PHASENET, phasenet, one, 1, LO, LO + 6000, batch=batch)[0])
    assert np.abs(together - np.array(alone)).max() <= (batch % threads) * 1e-11


def test_batch_size_changes_phasenet_by_rounding_alone(phasenet):
    reader = Recordings(1)
    results = [curves(PHASENET, phasenet, reader, 1, LO, LO + 9000, batch=b) for b in (1, 4, 32)]
    assert results[0] == pytest.approx(results[1], abs=1e-6)
    assert results[0] == pytest.approx(results[2], abs=1e-6)


def test_a_step_that_leaves_samples_out_is_refused(small):
    with pytest.raises(ConfigError, match=r"hop_samples: 161 given; at most 160 for small"):
        curves(SMALL, small, Recordings(1), 1, LO, LO + 100, hop=161)
    assert curves(SMALL, small, Recordings(1), 1, LO, LO + 900, hop=160).any(axis=1).all()


def test_probabilities_add_up_to_one_wherever_there_are_data(small):
    reader = Recordings(2)
    total = curves(SMALL, small, reader, 2, LO, LO + 1000).sum(axis=1)
    assert total == pytest.approx(np.ones((2, 1000)), abs=1e-5)


def test_windows_without_valid_samples_are_not_computed(small):
    reader = Recordings(2)
    reader.valid[0] = False
    reader.valid[1, :, 5000 + 300 : 5000 + 1200] = False
    batches = []

    class Counting(Torch):
        def run(self, batches_):
            return super().run(self._noted(batches_))

        def _noted(self, batches_):
            for groups, array in batches_:
                count = sum(some.stop - some.start for _, some in groups)
                batches.append((count, array.any(axis=(1, 2)).sum()))
                yield groups, array

    backend = Counting(small, 4, [torch.device("cpu")])
    pieces = list(Engine(SMALL, backend).annotate(reader, LO, LO + 1500))
    found = [np.concatenate([p.curves for p in pieces if p.instrument == n], 1) for n in (0, 1)]
    starts = window_starts(LO, LO + 1500, SMALL.window_samples, SMALL.hop_samples)
    live = [start for start in starts if not 300 <= start - LO <= 1000]
    assert sum(n for n, _ in batches) == len(live)
    assert all(n == filled for n, filled in batches)
    assert not found[0].any()
    assert not found[1][:, 500:1000].any()
    assert found[1][:, :200].any(axis=0).all()


EDGES = dataclasses.replace(SMALL, edge_windows=True, sampling_rate_hz=5.0, name="edges")


def holes(reader, *spans):
    """Take samples away, counted from LO."""
    for first, last in spans:
        reader.valid[..., 5000 + first : 5000 + last] = False
        reader.data[..., 5000 + first : 5000 + last] = 0
    return reader


@given(
    st.integers(0, 1500),
    st.integers(1, 1500),
    st.lists(st.tuples(st.integers(-300, 3200), st.integers(1, 400)), max_size=6),
)
@settings(deadline=None, max_examples=40)
def test_windows_at_the_ends_of_data_do_not_depend_on_chunks(small, begin, length, gaps):
    """Also where a chunk's store holds nothing beyond what its samples depend on."""
    reader = holes(Recordings(1), *((first, first + n) for first, n in gaps))
    whole = curves(EDGES, small, reader, 1, LO, LO + 3000)
    reach = round(EDGES.reach_s * EDGES.sampling_rate_hz)
    cut = holes(reader, (-5000, begin - reach), (begin + length + reach, LENGTH + 5000))
    part = curves(EDGES, small, cut, 1, LO + begin, LO + begin + length)
    assert np.array_equal(part, whole[..., begin : begin + length])


def test_a_record_of_one_window_is_seen_by_a_window_full_of_it(small):
    """Beside it count windows with less data; with a weight that is smaller."""
    length, blind = SMALL.window_samples, SMALL.blind_samples
    reader = holes(Recordings(1), (-5000, 1010), (1010 + length, LENGTH + 5000))
    alone = np.array(reader.data[:, [2, 1, 0], 6010 : 6010 + length])
    normalise(alone, None, SMALL.normalisation)
    with torch.inference_mode():
        expected = small(torch.from_numpy(alone[:, ::-1].copy())).numpy()[0, :, blind:-blind]
    errors = []
    for card in (SMALL, EDGES):
        found = curves(card, small, reader, 1, LO, LO + 3000)[0, :, 1010 : 1010 + length]
        errors.append(np.abs(found[:, blind:-blind] - expected).mean())
    assert errors[1] < 0.6 * errors[0]


def test_without_gaps_edge_windows_change_nothing(small):
    reader = Recordings(1)
    plain = dataclasses.replace(EDGES, edge_windows=False)
    same = [curves(card, small, reader, 1, LO, LO + 3000) for card in (plain, EDGES)]
    assert np.array_equal(*same)


def test_long_records_come_in_pieces(small, monkeypatch):
    reader = Recordings(2)
    whole = curves(SMALL, small, reader, 2, LO, LO + 9000)
    monkeypatch.setattr("quakeline.inference.engine.BLOCK_SAMPLES", 500)
    assert np.array_equal(curves(SMALL, small, reader, 2, LO, LO + 9000), whole)


def test_reading_ahead_passes_errors_on_and_ends_with_its_user():
    def broken():
        yield 1
        raise ValueError("no more")

    ahead = prefetched(broken())
    assert next(ahead) == 1
    with pytest.raises(ValueError, match="no more"):
        next(ahead)
    endless = prefetched(iter(int, 1))
    assert next(endless) == 0
    endless.close()
    assert threading.active_count() < 20


class OutOfMemory:
    """The same samples, as a store gives them."""

    in_memory = False

    def __init__(self, source):
        self.n_instruments, self.read = source.n_instruments, source.read


@pytest.mark.parametrize("normalisation", ["std", "max-600s"])
def test_pages_change_no_bit(small, normalisation):
    lo = LO - LO % 360_000 - 60_000
    data = np.random.default_rng(0).normal(size=(2, 3, 90_000)).astype(np.float32)
    valid = np.ones(data.shape, bool)
    valid[1, :, 20_000:21_000] = False
    source = Arrays(data, valid, lo, "ENZ", "ENZ")
    card = dataclasses.replace(SMALL, normalisation=normalisation)
    backend = Torch(small, 8, [torch.device("cpu")])
    found = [
        np.concatenate(
            [p.curves for p in Engine(card, backend).annotate(Paged(s, card), lo, lo + 90_000)], 1
        )
        for s in (source, OutOfMemory(source))
    ]
    assert np.array_equal(*found)


def test_samples_over_the_largest_of_their_600_seconds():
    lo = LO - LO % 60_000 - 70_000
    data = np.random.default_rng(0).normal(size=(1, 3, 200_000)).astype(np.float32)
    data[0, 1, 100_000] = -50.0
    valid = np.ones(data.shape, bool)
    card = dataclasses.replace(SMALL, normalisation="max-600s")
    source = Paged(Arrays(data, valid, lo, "ENZ", "ENZ"), card)
    found, _ = source.read(0, lo, lo + 200_000)
    for first, last in ((0, 10_000), (10_000, 70_000), (70_000, 130_000), (130_000, 190_000)):
        part = data[0, :, first:last]
        assert np.array_equal(found[:, first:last], part / np.abs(part).max())
    assert np.abs(found).max() == 1


def test_no_instruments_and_no_windows(small):
    assert curves(SMALL, small, Recordings(0), 0, LO, LO + 100).shape == (0, 3, 100)


def test_phasenet_sees_real_onsets_on_the_vertical_alone(phasenet):
    """BW.RJOB: P at 00:20:07.68 and S 1 s later; the vertical alone still shows the P."""
    stream = obspy.read()
    start = round(stream[0].stats.starttime.ns / 10_000_000)
    data = np.zeros((2, 3, 9000), np.float32)
    valid = np.zeros(data.shape, bool)
    for at, component in enumerate(PHASENET.components):
        data[0, at, 3000:6000] = stream.select(component=component)[0].data
        valid[0, at, 3000:6000] = True
    at = PHASENET.components.index("Z")
    data[1, at], valid[1, at] = data[0, at], valid[0, at]

    reader = Arrays(data, valid, start - 3000, list(PHASENET.components), PHASENET.components)
    found = curves(PHASENET, phasenet, reader, 2, start, start + 3000)
    p = PHASENET.classes.index("P")
    onset = round((obspy.UTCDateTime("2009-08-24T00:20:07.68").ns / 10_000_000) - start)
    for index in range(2):
        assert abs(int(np.argmax(found[index, p])) - onset) <= 10
        assert found[index, p].max() > 0.5
    s = PHASENET.classes.index("S")
    assert 80 < int(np.argmax(found[0, s])) - onset < 130

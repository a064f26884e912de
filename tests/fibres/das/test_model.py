"""`annotate`, `classify` and their asynchronous forms, on a small network."""

import asyncio
import time

import fibre
import numpy as np
import pytest
import torch

import quakeline
from quakeline import (
    DASAnnotateCallback,
    DASModel,
    DASPickingCallback,
    InMemoryCollectionCallback,
    MultiCallback,
)
from quakeline.core.errors import ConfigError, DataError, WeightsError
from quakeline.fibres.recordings.arrays import ArraySource
from quakeline.models.ancestry import Training
from quakeline.models.weights import card_of

N, CHANNELS = 4000, 40


def direct(model, samples):
    """The network on the whole array at once."""
    with torch.inference_mode():
        return model(torch.from_numpy(samples)[None])["P"][0].numpy()


def collected(model, data, stacking="max", **options):
    callback = InMemoryCollectionCallback(stacking)
    report = model.annotate(data, callback, **options)
    return callback.annotations, report


def test_annotations_are_those_of_the_network():
    samples = fibre.wave(N, CHANNELS)
    model = fibre.Loud(overlap := 600)
    found, report = collected(model, fibre.array(samples), overlap_samples=30)
    assert set(found) == {"P", "S"}
    # the running mean knows nothing beyond a patch
    assert found["P"].values[10:-10] == pytest.approx(direct(model, samples)[10:-10], abs=1e-6)
    assert found["P"]["time"].values[0] == fibre.START
    assert (report.sections, report.samples, report.problems) == (1, N, [])
    assert overlap == model.window


def test_forward_trains():
    model = fibre.Loud()
    model(torch.randn(2, 600, 16))["P"].sum().backward()
    assert model.scale.grad is not None
    model.train()
    model.annotate(fibre.array(fibre.wave(N, 16)), InMemoryCollectionCallback())
    assert model.training


def test_a_gap_splits_the_array():
    samples = fibre.wave(N, CHANNELS)
    data = fibre.array(samples, (0, 1500), (40, 300), (60, 2200))
    model = fibre.Loud()
    found, report = collected(model, data, overlap_samples=50)
    assert [problem.kind for problem in report.problems] == ["gap", "short", "gap"]
    assert (report.sections, report.samples) == (2, 3700)
    expected = [direct(model, part)[30:-30] for part in (samples[:1500], samples[1800:])]
    values = found["P"].values
    assert values[30:1470] == pytest.approx(expected[0], abs=1e-6)
    assert values[1530:-30] == pytest.approx(expected[1], abs=1e-6)
    times = found["P"]["time"].values
    assert np.array_equal(times, np.delete(data["time"].values, slice(1500, 1800)))


def test_picks_of_all_sections():
    samples = fibre.wave(N, CHANNELS)
    data = fibre.array(samples, (0, 2000), (100, 2000))
    callback = DASPickingCallback(thresholds={"P": 0.3, "S": 0.3}, blinding=(50, 50))
    fibre.Loud().annotate(data, callback)
    table = callback.get_results_dataframe()
    seconds = (table.time - fibre.START).dt.total_seconds()
    for channel in range(CHANNELS):
        found = np.sort(seconds[(table.channel == 10.0 * channel) & (table.phase == "P")])
        onsets = np.arange(300 + 2 * channel, N - 400, 900)
        inside = [o for o in onsets if o % 2000 > 60 and o % 2000 < 1900]
        expected = [o / 100 + (80 if o >= 2000 else 0) for o in inside]
        for onset in expected:
            assert np.abs(found - onset).min() < 0.6
    lists = callback.get_results_dict()
    assert [len(lists[key]) for key in ("P", "S")] == [sum(table.phase == key) for key in "PS"]
    assert lists["P"][0].phase == "P"
    again = fibre.Loud().classify(data, thresholds=0.3, blinding=(50, 50))
    assert again.P == lists["P"] == list(again.P)
    assert lists["S"] != again.P
    assert [p.confidence for p in again.S] == table.confidence[table.phase == "S"].tolist()


def test_a_list_of_picks_is_gone_through_like_any_other():
    data = fibre.array(fibre.wave(N, CHANNELS))
    picks = fibre.Loud().classify(data, thresholds=0.3, blinding=(50, 50)).P
    objects = list(picks)
    assert len(objects) == len(picks) > 50
    assert picks[3] == objects[3]
    assert picks[-1] == objects[-1]
    assert picks[2:9:3] == objects[2:9:3]
    assert objects[5] in picks
    assert max(picks, key=lambda pick: pick.confidence) in objects
    assert repr(picks) == f"<{len(objects)} picks of P>"
    assert isinstance(objects[0].confidence, float)
    with pytest.raises(IndexError):
        picks[len(picks)]


def test_no_picks_are_an_empty_list_of_each_phase():
    quiet = fibre.Loud().classify(fibre.array(fibre.wave(N, CHANNELS)), thresholds=1.0)
    assert not quiet.P
    assert quiet.S == []


def test_missing_and_dead_channels_give_nothing_and_are_named():
    samples = fibre.wave(N, CHANNELS)
    samples[:, 7] = 3.0
    samples[1000:1400] = np.nan
    samples[2000:, 20] = np.nan
    found, report = collected(fibre.Loud(), fibre.array(samples))
    values = found["P"].values
    assert np.isfinite(values).all()
    assert not values[900:1500].any()
    assert not values[:, 7].any()
    assert not values[1900:, 20].any()
    others = np.delete(values[1500:], [7, 20], axis=1)
    assert (others > 0).all()
    missing = report.of("missing")
    assert missing[0].start == fibre.START + np.timedelta64(10, "s")
    assert missing[0].detail == f"{400 * CHANNELS} values are missing, 100.000% of all channels"
    assert report.missing_samples == 400 * CHANNELS + 2000
    assert [p.detail for p in report.of("dead")] == ["1 of 40 channels do not change: 7"]


def test_patches_without_data_do_not_reach_the_network():
    samples = fibre.wave(6000, 16)
    samples[1000:5000] = 0

    class Counting(fibre.Loud):
        seen = 0

        def forward(self, x):
            Counting.seen += len(x)
            return super().forward(x)

    found, _ = collected(Counting(), fibre.array(samples))
    assert 4 <= Counting.seen < 12
    assert not found["P"].values[1600:4400].any()


class Watched(ArraySource):
    """Remembers how much was read at once, and how much in all."""

    largest = 0
    total = 0

    def read(self, first, stop):
        self.largest = max(self.largest, stop - first)
        self.total += stop - first
        return super().read(first, stop)


def test_each_sample_is_read_once_and_few_at_a_time():
    source = Watched(fibre.array(fibre.wave(60_000, 16)))
    fibre.Loud().annotate(source, DASPickingCallback(0.9))
    assert source.largest <= 600
    assert source.total == 60_000


def test_resampling_into_the_ranges_of_the_model():
    samples = fibre.wave(N, CHANNELS)
    slow = fibre.Loud(width=10, dt_range=(0.015, 0.03), dx_range=(15.0, 25.0))
    found, _ = collected(slow, fibre.array(samples))
    assert found["P"].shape == (2000, 20)
    assert np.diff(found["P"]["distance"].values) == pytest.approx(20)
    with pytest.raises(DataError, match=r"steps of 0.01 s; 0.2001 to 0.2002 s are needed"):
        collected(fibre.Loud(dt_range=(0.2001, 0.2002)), fibre.array(samples))


def test_uneven_channels():
    data = fibre.array(fibre.wave(N, 20))
    data["distance"] = np.cumsum(np.r_[np.full(10, 10.0), np.full(10, 12.0)])
    found, _ = collected(fibre.Loud(), data)
    assert np.array_equal(found["P"]["distance"].values, data["distance"].values)
    with pytest.raises(DataError, match="the channels lie unevenly along distance"):
        collected(fibre.Loud(dx_range=(5.0, 20.0)), data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (lambda: np.zeros((10, 10)), "a ndarray was given; allowed are one xdas.DataArray"),
        (lambda: fibre.array(fibre.wave(1000, 8)), "the array has 8 channels; a patch of Loud has"),
        (lambda: fibre.array(fibre.wave(1000, 20)[:500]), "500 samples; a patch has 600"),
        (lambda: fibre.array(np.zeros((1000, 20), complex)), "real numbers are needed"),
        (lambda: fibre.array(fibre.wave(1000, 20)).isel(time=0), "has the dimensions distance"),
    ],
)
def test_data_that_cannot_be_used(data, message):
    with pytest.raises(DataError, match=message):
        fibre.Loud().annotate(data(), DASPickingCallback())


def test_a_coordinate_with_one_value_is_named():
    class Odd(ArraySource):
        def __init__(self, data, name):
            super().__init__(data)
            self.coords = {**self.coords, name: self.coords[name][0]}

    data = fibre.array(fibre.wave(1000, 20))
    for name, count in (("time", 1000), ("distance", 20)):
        line = f"the coordinate {name} of the array is a single value; {count} are needed"
        with pytest.raises(DataError, match=line):
            fibre.Loud().annotate(Odd(data, name), DASPickingCallback())


def test_arguments_that_cannot_be():
    data = fibre.array(fibre.wave(1000, 20))
    with pytest.raises(ConfigError, match="annotate: overlap given; allowed: batch_size"):
        fibre.Loud().annotate(data, DASPickingCallback(), overlap=3)
    with pytest.raises(ConfigError, match="overlap_samples: 600 given; allowed: 0 to 599"):
        fibre.Loud().annotate(data, DASPickingCallback(), overlap_samples=600)
    with pytest.raises(ConfigError, match="thresholds: none for S; given: P"):
        fibre.Loud().annotate(data, DASPickingCallback({"P": 0.3}))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"thresholds": 0.0}, "thresholds: 0.0 given; allowed: a number above 0"),
        ({"thresholds": "a"}, "thresholds: 'a' given; allowed: a number above 0"),
        ({"thresholds": {"P": None}}, "thresholds: None given; allowed: a number above 0"),
        ({"min_time_separation": "1 s"}, "min_time_separation: '1 s' given; allowed: seconds"),
        ({"blinding": 5}, "blinding: 5 given; allowed: two counts of samples"),
        ({"blinding": (0, -1)}, r"blinding: \(0, -1\) given; allowed: two counts of samples"),
    ],
)
def test_callbacks_that_cannot_pick(given, said):
    with pytest.raises(ConfigError, match=said):
        DASPickingCallback(**given)


class Foreign:
    """A callback that knows nothing of quakeline."""

    def __init__(self):
        self.calls = []

    def setup(self, data, patching_structure, annotate_keys):
        self.calls.append("setup")

    def handle_patch(self, annotations, in_coords, out_coords):
        self.calls.append((out_coords.sample_int, out_coords.channel_int))

    def finalize(self):
        self.calls.append("finalize")


def test_foreign_callbacks_take_one_section():
    foreign, own = Foreign(), DASPickingCallback()
    data = fibre.array(fibre.wave(900, 20))
    fibre.Loud().annotate(data, MultiCallback([own, foreign]), overlap_channels=0)
    assert foreign.calls == ["setup", (0, 0), (0, 4), (300, 0), (300, 4), "finalize"]
    data = fibre.array(fibre.wave(N, 20), (0, 2000), (100, 2000))
    with pytest.raises(DataError, match="2 gapless sections; Foreign keeps only one"):
        fibre.Loud().annotate(data, MultiCallback([own, foreign]))


def test_a_callback_that_fails_ends_the_work():
    class Failing(DASAnnotateCallback):
        def handle_patch(self, annotations, in_coords, out_coords):
            raise RuntimeError("full")

        def get_results_dict(self):
            return {}

    with pytest.raises(RuntimeError, match="full"):
        fibre.Loud().annotate(fibre.array(fibre.wave(N, 20)), Failing())


def test_a_model_is_kept_in_a_file(tmp_path):
    model = fibre.Loud(window=300, width=8, default_args={"thresholds": 0.25})
    model.scale.data += 5
    path = model.save(tmp_path / "loud.safetensors", name="loud")
    assert path.read_bytes() == model.save(tmp_path / "again.safetensors", name="loud").read_bytes()
    for kind in (fibre.Loud, DASModel):
        again = kind.load(path)
        assert (again.window, again.width, float(again.scale.detach())) == (300, 8, 35.0)
        assert again.default_args == {"thresholds": 0.25}
    assert type(fibre.Loud.from_pretrained(path)) is fibre.Loud

    class Other(fibre.Loud):
        pass

    with pytest.raises(WeightsError, match="holds a Loud; here can be loaded Other"):
        Other.load(path)
    with pytest.raises(WeightsError, match="no weights 'best' of Loud; known: none"):
        fibre.Loud.from_pretrained("best")
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(WeightsError, match="damaged"):
        fibre.Loud.load(path)


def test_a_model_that_was_trained_further_needs_a_name(tmp_path):
    path = fibre.Loud().save(tmp_path / "loud.safetensors")
    model = fibre.Loud.load(path)
    assert model.card.name == "das-loud-loud"
    again = tmp_path / "again.safetensors"
    assert model.save(again).read_bytes() == path.read_bytes()
    model.scale.data += 5
    with pytest.raises(ConfigError, match=r"those of das-loud-loud .* name=.* is needed"):
        model.save(again)
    training = Training(("our fibre",), "2026-11-29")
    card = fibre.Loud.load(model.save(again, name="louder", training=training)).card
    assert (card.name, card.training, card.citation) == ("louder", training, "not stated")
    assert (card.parent.name, card.parent.digest) == ("das-loud-loud", card_of(path)[0].digest)


async def beside(work):
    """Run work beside a clock that ticks every 5 ms: its result, and how late the ticks were, s."""
    late = []
    task = asyncio.ensure_future(work)
    while not task.done():
        before = time.perf_counter()
        await asyncio.sleep(0.005)
        late.append(time.perf_counter() - before - 0.005)
    return await task, np.array(late)


async def idle(seconds):
    await asyncio.sleep(seconds)


def test_an_event_loop_goes_on_while_a_model_runs():
    data = fibre.array(fibre.wave(60_000, 200))
    model = fibre.Loud()
    model.classify(fibre.array(fibre.wave(2000, 200)))
    expected = model.classify(data, thresholds=0.3)

    async def main():
        _, alone = await beside(idle(2.0))
        return alone, await beside(model.classify_async(data, thresholds=0.3))

    for _ in range(3):  # another program may take the processor at any time
        alone, (found, late) = asyncio.run(main())
        assert [len(found[key]) for key in "PS"] == [len(expected[key]) for key in "PS"]
        assert len(late) > 20
        if late.max() < 0.05:
            break
    assert np.quantile(late, 0.99) < 0.05 + np.quantile(alone, 0.99)
    assert np.median(late) < 0.02 + np.median(alone)


def test_a_cancelled_task_ends_after_its_patch():
    class Slow(fibre.Loud):
        def forward(self, x):
            time.sleep(0.02)
            return super().forward(x)

    data = fibre.array(fibre.wave(60_000, 16))
    heard = []

    async def main():
        work = Slow().annotate_async(
            data, DASPickingCallback(), progress=lambda *done: heard.append(done)
        )
        task = asyncio.ensure_future(work)
        while not heard:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    at_the_end = len(heard)
    time.sleep(0.2)
    assert len(heard) == at_the_end < 199
    assert heard[-1][1] == 199


def test_importing_quakeline_loads_nothing_heavy():
    import subprocess
    import sys

    code = (
        "import sys, quakeline; print([n for n in ('torch', 'xdas', 'scipy') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert {"DASModel", "WriterCallback"} <= set(dir(quakeline))


def test_problems_are_one_warning(caplog):
    data = fibre.array(fibre.wave(3000, 16), (0, 1000), (20, 1000), (40, 1000))
    with caplog.at_level("INFO", logger="quakeline"):
        report = fibre.Loud().annotate(data, quakeline.DASPickingCallback())
    warned = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert len(report.of("gap")) == 2
    assert warned == [report.summary()]
    assert "gap 2; first: gap, 2024-01-01T00:00:10" in warned[0]
    told = [r.getMessage() for r in caplog.records if r.levelname == "INFO"]
    assert [str(problem) for problem in report.problems] == told

"""The parts of the page by themselves: curves, coverage, labels, regions, costs, wording."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quakeline.core.schemas import WAVEFORMS
from quakeline.core.timeline import SECOND, Span
from quakeline.report import coverage, curves, formatting, labels, region, resources
from quakeline.report.axes import second_ticks, time_ticks
from quakeline.report.kept_stores import Archive
from quakeline.report.record_sections import steady


def points(path: str) -> list[tuple[int, int]]:
    """The corners of a path of relative lines."""
    found = []
    for part in re.findall(r"M[^M]*", path):
        numbers = [int(n) for n in re.findall(r"-?\d+", part)]
        xy = np.array(numbers[: len(numbers) // 2 * 2]).reshape(-1, 2)
        found += np.cumsum(xy, axis=0).tolist()
    return [(x, y) for x, y in found]


@given(
    st.lists(st.integers(-1000, 1000), min_size=1, max_size=5000),
    st.lists(st.booleans(), min_size=1, max_size=50),
)
def test_the_envelope_keeps_the_extremes_of_valid_samples(values, mask):
    samples = np.array(values, float)
    valid = np.resize(np.array(mask), len(samples))
    low, high, _ = curves.envelope(samples, valid)
    assert len(low) <= curves.COLUMNS
    if valid.any():
        assert np.nanmin(low) == samples[valid].min()
        assert np.nanmax(high) == samples[valid].max()
    else:
        assert np.isnan(low).all()


def test_a_long_trace_becomes_a_short_path():
    rng = np.random.default_rng(3)
    values = rng.normal(size=1_000_000)
    path = curves.trace_path(values, np.ones(len(values), bool), np.abs(values).max(), 100)
    assert len(path) < 15_000
    corners = points(path)
    assert min(x for x, _ in corners) == 0
    assert max(x for x, _ in corners) == curves.WIDTH
    assert all(0 <= y <= 200 for _, y in corners)


def test_a_short_trace_keeps_every_sample():
    values = np.array([0.0, 1.0, -1.0, 0.5, 0.0])
    assert points(curves.trace_path(values, np.ones(5, bool), 1.0, 100)) == [
        (0, 100),
        (500, 0),
        (1000, 200),
        (1500, 50),
        (2000, 100),
    ]


def test_gaps_break_a_trace():
    values, valid = np.arange(10.0), np.ones(10, bool)
    valid[4:6] = False
    assert curves.trace_path(values, valid, 9.0, 100).count("M") == 2
    assert curves.blanks(valid) == [(0.4, 0.2)]
    assert curves.trace_path(values, np.zeros(10, bool), 0.0, 100) == ""


def test_a_probability_keeps_its_peak_and_leaves_zeros_out():
    values = np.zeros(100_000)
    values[54_321] = 0.9
    corners = points(curves.area_path(values, np.ones(100_000, bool), 100))
    assert (round(54_321 / 100_000 * curves.WIDTH), 10) in [
        (pytest.approx(x, abs=3), y) for x, y in corners
    ]
    assert len(corners) <= 2
    assert curves.area_path(np.zeros(5), np.ones(5, bool), 100) == ""


def test_the_high_pass_removes_an_offset_and_never_crosses_a_gap():
    time = np.arange(3000) / 100
    values = 5000 + 100 * time + np.sin(2 * np.pi * 5 * time)
    valid = np.ones(3000, bool)
    valid[1500:1600] = False
    values[1500:1600] = 1e9
    result = steady(values, valid, 100.0, 1.0)
    assert np.abs(result[2500:]).max() < 30
    assert not result[1500:1600].any()
    untouched = steady(values, valid, 100.0, None)
    assert untouched[:1500].mean() == pytest.approx(0, abs=1e-6)


SPAN = Span(0, 1000 * SECOND)


def stretch(*intervals: tuple[float, float], tolerance_s: float = 0) -> coverage.Stretch:
    array = np.array([[round(a * SECOND), round(b * SECOND)] for a, b in intervals], np.int64)
    return coverage.Stretch([array], {"Z"}, round(tolerance_s * SECOND))


def test_intervals_merge_inside_the_span():
    merged = coverage.merge(
        stretch((-50, 10), (5, 20), (20, 30), (40, 50), (990, 2000), (3000, 4000)), SPAN
    )
    assert (merged / SECOND).tolist() == [[0, 30], [40, 50], [990, 1000]]
    joined = coverage.merge(stretch((0, 10), (10.02, 20), tolerance_s=0.02), SPAN)
    assert (joined / SECOND).tolist() == [[0, 20]]
    assert coverage.merge(coverage.Stretch(), SPAN).shape == (0, 2)


def test_bars_tell_full_from_partial_columns():
    bars = coverage.bars(coverage.merge(stretch((100, 200.5), (700.2, 700.4)), SPAN), SPAN)
    assert [(bar.start, bar.width, bar.full) for bar in bars] == [
        (100, 100, True),
        (200, 1, False),
        (700, 1, False),
    ]


def test_labels_never_cover_each_other():
    rng = np.random.default_rng(5)
    at = rng.uniform(0, 300, (80, 2))
    names = [f"ST{i}" for i in range(80)]
    placed = labels.place(names, at, at, (300.0, 300.0), 12.0, strict=False)
    boxes = [labels._box(label, 12.0) for label in placed]
    assert 20 < len(placed) < 80
    assert not any(labels._overlap(a, b) for i, a in enumerate(boxes) for b in boxes[:i])
    strict = labels.place(names, at, at, (300.0, 300.0), 12.0, strict=True)
    assert 5 < len(strict) < len(placed)


def test_numbers_of_close_events_share_a_label():
    at = np.array([[10.0, 10.0], [100.0, 100.0], [14.0, 12.0]])
    joined, anchors = labels.clusters(at, ["1", "2", "3"], 16)
    assert joined == ["1, 3", "2"]
    assert anchors.tolist() == [[10, 10], [100, 100]]


def frame(*where: tuple[float, float, float]) -> pd.DataFrame:
    return pd.DataFrame(where, columns=["latitude", "longitude", "elevation_m"]).assign(
        depth_km=5.0
    )


def test_the_region_is_square_in_kilometres():
    area = region.region(frame((48.0, 11.0, 500), (48.2, 11.1, 900)), frame())
    (west, east), (south, north) = area.longitudes, area.latitudes
    wide = (east - west) * area.km_per_degree_east
    assert wide == pytest.approx((north - south) * region.KM_PER_DEGREE)
    assert west < 11.0
    assert east > 11.1
    assert area.top_km < -0.9


def test_a_region_across_the_date_line_stays_small():
    area = region.region(frame((-17.0, 179.0, 0), (-17.5, -179.5, 0)), frame())
    assert area.wrapped
    assert area.half_km < 200
    assert area.east(np.array([-179.5])).tolist() == [180.5]


@pytest.mark.parametrize("half", [0.3, 1.0, 7.3, 250.0, 4000.0])
def test_the_scale_bar_is_round_and_fits(half):
    bar = region.scale_bar_km(half)
    assert 0.09 * 2 * half < bar <= 0.25 * 2 * half
    assert f"{bar:e}"[0] in "125"


def test_costs_survive_what_snakemake_could_not_measure(tmp_path):
    head = "s\th:m:s\tmax_rss\tcpu_time\n"
    for name, row in (("a", "2.0\t0:00:02\t100.0\t1.5"), ("b", "4.0\t0:00:04\tNA\tNA")):
        path = tmp_path / "benchmarks/pick" / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{head}{row}\n")
    empty = tmp_path / "benchmarks/merge/all.tsv"
    empty.parent.mkdir()
    empty.write_text("")
    (cost,) = resources.costs([*sorted(path.parent.glob("*.tsv")), empty])
    assert (cost.rule, cost.jobs, cost.total_s, cost.mean_s) == ("pick", 2, 6.0, 3.0)
    assert (cost.longest_s, cost.cpu_s, cost.mean_mb, cost.peak_mb) == (4.0, 1.5, 100.0, 100.0)


def test_stores_read_as_one_across_chunks(run_files, another_run):
    run_files.chunk_s = 31.0
    many = Archive(run_files.inputs()["waveforms"], WAVEFORMS)
    one = Archive(another_run().inputs()["waveforms"], WAVEFORMS)
    start = Span.parse("20100527T162340_20100527T162500").start_ns
    for end in (start + 10 * SECOND, start + 200 * SECOND, start + 300 * SECOND):
        for name in ("data", "valid"):
            ours, rate = many.read(name, "BW.UH3..SH", start, end)
            theirs, _ = one.read(name, "BW.UH3..SH", start, end)
            assert rate == 100.0
            assert np.array_equal(ours, theirs)
    assert many.read("data", "XX.NONE..HH", start, end)[0] is None


def test_ticks_are_round():
    assert [tick.label for tick in second_ticks(-1.6, 12.1)] == [
        "0",
        "2",
        "4",
        "6",
        "8",
        "10",
        "12",
    ]
    year = time_ticks(Span.parse("20200101T000000_20210101T000000"))
    assert 3 <= len(year) <= 8
    assert all(0 <= tick.place <= 1 for tick in year)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (formatting.number(-0.001), "0.00"),
        (formatting.number(-3.14159, 1), "−3.1"),
        (formatting.number(None), "–"),
        (formatting.number(float("nan")), "–"),
        (formatting.signed(0.126), "+0.13"),
        (formatting.signed(-0.126), "−0.13"),
        (formatting.signed(0.0), "0.00"),
        (formatting.short(0.0123), "0.0123"),
        (formatting.short(1234.5), "1234"),
        (formatting.short(123456.0), "1.23×10⁵"),
        (formatting.short(1.5e-7), "1.50×10⁻⁷"),
        (formatting.duration(0.2), "0.20 s"),
        (formatting.duration(59.7), "1 min"),
        (formatting.duration(240), "4 min"),
        (formatting.duration(86_400 + 3 * 3600), "1 d 3 h"),
        (formatting.percent(1.0), "100 %"),
        (formatting.percent(0.99999), "99.9 %"),
        (formatting.percent(0.0), "0 %"),
        (formatting.count(1, "gap"), "1 gap"),
        (formatting.count(2500, "gap"), "2,500 gaps"),
        (formatting.latitude(-17.5), "17.5000° S"),
        (formatting.longitude(-70.25), "70.2500° W"),
        (formatting.utc(1_274_977_471_755_000_000, 2), "2010-05-27 16:24:31.76"),
    ],
)
def test_wording(text, expected):
    assert text == expected

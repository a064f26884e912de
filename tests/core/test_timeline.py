from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quakeline.core.timeline import (
    SECOND,
    Span,
    first_sample,
    iso,
    isos,
    sample_time,
    split,
    to_datetime,
    to_ns,
)

DAY = 86_400 * SECOND
RATES = (100.0, 75.19, 33.333, 200.0, 62.5, 1.0, 0.01, 4096.0)
times = st.integers(-5 * 10**18, 9 * 10**18)
#: Chunk ids name four-digit years.
seconds = st.integers(to_ns(datetime(1900, 1, 1)) // SECOND, to_ns(datetime(2200, 1, 1)) // SECOND)


def test_known_instant():
    quake = datetime(2010, 5, 27, 16, 24, 33, 150_000, tzinfo=UTC)
    assert to_ns(quake) == 1_274_977_473_150_000_000
    assert to_datetime(1_274_977_473_150_000_999) == quake


def test_a_time_without_zone_is_utc_and_other_zones_are_converted():
    assert to_ns(datetime(1970, 1, 1)) == 0
    zone = timezone(timedelta(hours=2))
    assert to_ns(datetime(1970, 1, 1, 2, tzinfo=zone)) == 0


@pytest.mark.parametrize(
    ("time_ns", "digits", "text"),
    [
        (1_274_977_473_150_499_999, 3, "2010-05-27T16:24:33.150Z"),
        (1_274_977_473_150_500_000, 3, "2010-05-27T16:24:33.151Z"),
        (1_274_977_473_999_999_999, 3, "2010-05-27T16:24:34.000Z"),
        (1_274_977_473_150_499_999, 9, "2010-05-27T16:24:33.150499999Z"),
        (1_274_977_473_150_499_999, 0, "2010-05-27T16:24:33Z"),
        (-1, 9, "1969-12-31T23:59:59.999999999Z"),
    ],
)
def test_text_is_rounded_not_cut(time_ns, digits, text):
    assert iso(time_ns, digits) == text


@given(st.lists(times, max_size=5), st.integers(0, 9))
def test_texts_of_many_times_are_those_of_each(some, digits):
    assert isos(some, digits) == [iso(one, digits) for one in some]


@given(st.sampled_from(RATES), st.integers(-(10**10), 10**11))
def test_sample_times_find_their_sample_again(rate, index):
    time = sample_time(index, rate)
    assert first_sample(time, rate) == index
    assert first_sample(time + 1, rate) == index + 1


@given(st.sampled_from(RATES), times)
def test_first_sample_is_the_first_at_or_after(rate, time):
    index = first_sample(time, rate)
    assert sample_time(index - 1, rate) < time <= sample_time(index, rate)


def test_samples_of_whole_rates_are_exact():
    assert sample_time(127_497_747_315, 100.0) == 1_274_977_473_150_000_000
    assert first_sample(1_274_977_473_150_000_001, 100.0) == 127_497_747_316


@given(seconds, st.integers(1, 10**6))
def test_chunk_id_round_trip(start, length):
    span = Span(start * SECOND, (start + length) * SECOND)
    assert Span.parse(span.id) == span


@pytest.mark.parametrize(
    "text",
    ["", "20100527", "2010-05-27T16:24:00_2010-05-27T16:30:00", "20101301T000000_20110101T000000"],
)
def test_other_text_is_no_chunk_id(text):
    with pytest.raises(ValueError, match=r"chunk id|time data"):
        Span.parse(text)


def test_span_is_half_open():
    span = Span(0, SECOND)
    assert [span.contains(time) for time in (-1, 0, SECOND - 1, SECOND)] == [
        False,
        True,
        True,
        False,
    ]
    assert span.widen(0.25) == Span(-SECOND // 4, SECOND + SECOND // 4)
    assert span.widen(0.25).seconds == 1.5


@given(seconds, st.integers(1, 10**6), st.sampled_from([60, 3600, 86_400, 7 * 3600, 12_345]))
def test_chunks_tile_the_run_at_absolute_times(start, length, step):
    run = Span(start * SECOND, (start + length) * SECOND)
    chunks = split(run, step)
    assert (chunks[0].start_ns, chunks[-1].end_ns) == (run.start_ns, run.end_ns)
    cuts = [chunk.end_ns for chunk in chunks[:-1]]
    assert cuts == [chunk.start_ns for chunk in chunks[1:]]
    assert all(cut % (step * SECOND) == 0 for cut in cuts)
    assert all(0 < chunk.seconds <= step for chunk in chunks)


def test_an_extended_run_keeps_its_chunks():
    start = to_ns(datetime(2020, 1, 1, 6))
    shorter = split(Span(start, start + 3 * DAY), 86_400)
    longer = split(Span(start - DAY, start + 5 * DAY), 86_400)
    assert set(shorter[1:-1]) <= set(longer)
    assert [chunk.seconds for chunk in shorter] == [64_800, 86_400, 86_400, 21_600]

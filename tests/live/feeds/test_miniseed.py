"""miniSEED in files that grow, with halves of records and other bytes, and on standard input."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

import numpy as np
import pytest
from archives import recordings
from hypothesis import given, settings
from hypothesis import strategies as st
from live_records import assert_same, collected, expected, interleaved, records_of
from pydantic import ValidationError

from quakeline.core.errors import DataError
from quakeline.core.reasons import Code
from quakeline.live.feeds import miniseed_reading
from quakeline.live.feeds.miniseed import MiniSeed
from quakeline.live.feeds.miniseed_reading import InputFeed
from quakeline.live.feeds.record_stream import RecordStream
from quakeline.live.notes import Notes

ALL = ("UH1.SHZ", "UH2.SHZ", "UH3.SHZ")


def appended(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


def until(count: int) -> Callable[[list[Any]], bool]:
    return lambda packets: len(packets) >= count


def opened(*paths: Path, state: Any = None, **settings: Any) -> Any:
    given = {"paths": [str(one) for one in paths], "poll_s": 0.02} | settings
    return MiniSeed(**given).open(state)


def test_files_are_read_as_they_grow_and_appear(tmp_path: Path) -> None:
    content = {one: b"".join(interleaved(one)) for one in ALL}
    (tmp_path / "a.mseed").write_bytes(content["UH1.SHZ"][:1000])
    feed = opened(tmp_path)
    first = collected(feed, until(1))
    appended(tmp_path / "a.mseed", content["UH1.SHZ"][1000:2000])
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/b.mseed").write_bytes(content["UH2.SHZ"])
    second = collected(feed, until(2 + len(interleaved("UH2.SHZ"))))
    state = feed.state()
    feed.close()
    assert list(feed.packets()) == []
    appended(tmp_path / "a.mseed", content["UH1.SHZ"][2000:])
    (tmp_path / "deep/c.mseed").write_bytes(content["UH3.SHZ"])
    again = opened(tmp_path, state=state)
    rest = len(interleaved(*ALL)) - len(first) - len(second)
    third = collected(again, until(rest))
    again.close()
    assert_same(first + second + third, *ALL)
    assert len(first) + len(second) + len(third) == len(interleaved(*ALL))
    assert feed.remarks() == again.remarks() == []


def test_what_is_there_at_the_first_start_may_be_left(tmp_path: Path) -> None:
    records = interleaved("UH1.SHZ")
    path = tmp_path / "a.mseed"
    path.write_bytes(b"".join(records[:10]))
    feed = opened(tmp_path / "*.mseed", existing=False)
    packets = feed.packets()
    assert next(packets) is None
    appended(path, b"".join(records[10:]))
    assert len([one for one in (next(packets) for _ in range(len(records) - 10)) if one]) > 10
    feed.close()


def test_a_link_that_leads_nowhere_is_a_file_that_is_still_to_come(tmp_path: Path) -> None:
    records = interleaved("UH1.SHZ")
    (tmp_path / "a.mseed").symlink_to(tmp_path / "elsewhere")
    feed = opened(tmp_path / "*.mseed", existing=False)
    (tmp_path / "elsewhere").write_bytes(b"".join(records))
    assert len(collected(feed, until(len(records)))) == len(records)
    feed.close()


def test_a_file_that_was_written_anew_is_read_anew(tmp_path: Path) -> None:
    records = interleaved("UH1.SHZ")
    path = tmp_path / "a.mseed"
    path.write_bytes(b"".join(records[:10]))
    feed = opened(path)
    collected(feed, until(10))
    path.write_bytes(b"".join(records[10:13]))
    assert len(collected(feed, until(3))) == 3
    assert [one.code for one in feed.remarks()] == [Code.FEED_FILE_ANEW]
    feed.close()


def codes_of(feed: Any) -> list[Code]:
    return [one.code for one in feed.remarks()]


def test_a_file_that_is_copied_anew_goes_on(tmp_path: Path) -> None:
    """As rsync does it: a longer file takes the place of the one before, also while we are off."""
    records = interleaved("UH1.SHZ")
    path, new = tmp_path / "a.mseed", tmp_path / ".a.mseed.x"
    path.write_bytes(b"".join(records[:10])[:-100])
    feed = opened(path)
    assert len(collected(feed, until(9))) == 9
    for count, more in ((15, 6), (20, 5)):
        new.write_bytes(b"".join(records[:count]))
        new.replace(path)
        assert len(collected(feed, until(more))) == more
    state = feed.state()
    feed.close()
    new.write_bytes(b"".join(records[:25]))
    new.replace(path)
    again = opened(path, state=state)
    assert len(collected(again, until(5))) == 5
    new.write_bytes(b"".join(records[1:]))
    new.replace(path)
    assert len(collected(again, until(len(records) - 1))) == len(records) - 1
    assert codes_of(again) == [Code.FEED_FILE_ANEW]
    assert codes_of(feed) == []
    again.close()


def test_a_file_that_is_away_for_a_moment_goes_on(tmp_path: Path, monkeypatch: Any) -> None:
    records = interleaved("UH1.SHZ")
    path, away = tmp_path / "a.mseed", tmp_path / ".away"
    path.write_bytes(b"".join(records[:10]))
    feed = opened(tmp_path)
    assert len(collected(feed, until(10))) == 10
    packets = feed.packets()
    path.rename(away)
    assert next(packets) is None
    assert next(packets) is None
    appended(away, records[10])
    away.rename(path)
    assert any(next(packets) is not None for _ in range(2))
    assert feed.state()[str(path)][0] == 11 * 512
    assert codes_of(feed) == []
    path.unlink()
    monkeypatch.setattr(miniseed_reading, "_FORGET_S", 0.0)
    assert next(packets) is None
    assert feed.state() == {}
    feed.close()


def test_a_path_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: no such file"):
        opened(tmp_path / "nowhere")
    with pytest.raises(ValidationError, match="stands alone"):
        MiniSeed(paths=["-", str(tmp_path)])


def read(pieces: list[bytes]) -> tuple[list[Any], dict[Code, int]]:
    notes = Notes()
    stream = RecordStream("bytes", notes)
    packets = [packet for one in pieces for packet in stream.feed(one)]
    stream.end()
    assert stream.taken == sum(map(len, pieces))
    return packets, {one.code: one.count or 0 for one in notes.taken()}


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_cuts_and_any_bytes_between_records(data: st.DataObject) -> None:
    """However bytes are cut, and whatever stands between records, all records come out."""
    records = records_of(recordings("UH1.SHZ")[0])
    between = st.one_of(
        st.just(b""),
        st.binary(max_size=90),
        st.sampled_from([b"\n", b"000001D ", b"MS\x03", b"\0" * 64, b"MS", b"123456"]),
    )
    content, other = b"", 0
    for record in records:
        extra = data.draw(between)
        content += extra + record
        other += len(extra)
    places = st.lists(st.integers(0, len(content)), max_size=20)
    edges = [0, *sorted(data.draw(places)), len(content)]
    packets, told = read([content[a:b] for a, b in pairwise(edges)])
    assert_same(packets, "UH1.SHZ")
    assert len(packets) == len(records)
    assert bool(other) == bool(told)


def test_wrong_bytes_never_raise() -> None:
    whole = b"".join(records_of(recordings("UH1.SHZ")[0])[:6])
    for seed in range(500):
        chance, content = Random(seed), bytearray(whole)
        for _ in range(chance.randint(1, 12)):
            # mostly in headers, where they do more
            at = 512 * chance.randrange(6) + chance.randrange(chance.choice([64, 64, 512]))
            content[at] = chance.choice([0, 0x20, 0xFF, chance.randrange(256)])
        packets, _ = read([bytes(content)])
        assert len(packets) <= 12, seed


@pytest.mark.parametrize("size", [1, 40, 60, 100, 256, 500])
def test_a_half_record_before_whole_ones_costs_itself_alone(size: int) -> None:
    """A writer died in the middle of a record and began anew."""
    records = records_of(recordings("UH1.SHZ")[0])
    packets, told = read([b"".join(records[:5]), records[5][:size], b"".join(records[6:])])
    assert [one.start_ns for one in packets] == [
        one.start_ns for one in read([b"".join(records[:5] + records[6:])])[0]
    ]
    assert set(told) <= {Code.FEED_RECORDS_DAMAGED, Code.FEED_BYTES}
    assert told


def test_records_of_all_lengths_types_and_formats() -> None:
    trace = recordings("UH1.SHZ")[0]
    real = trace.copy()
    real.data = trace.data.astype(np.float32)
    double = trace.copy()
    double.data = trace.data.astype(np.float64)
    kinds = [
        records_of(trace, 256),
        records_of(trace, 4096),
        records_of(real, encoding="FLOAT32"),
        records_of(double, encoding="FLOAT64"),
        records_of(trace, byteorder=0),
    ]
    for records in kinds:
        packets, told = read([b"".join(records)])
        assert_same(packets, "UH1.SHZ")
        assert told == {}
    one = packets[0]
    assert (one.rate_hz, one.quality, one.samples.dtype) == (50.0, "D", np.int32)
    assert one.start_ns == expected("UH1.SHZ")["BW.UH1..SHZ"][0]


def test_standard_input_of_a_real_program(tmp_path: Path) -> None:
    code = (
        "from quakeline.live.feeds.miniseed import MiniSeed\n"
        "feed = MiniSeed(paths=['-']).open()\n"
        "got = [one for one in feed.packets() if one]\n"
        "print(len(got), sum(len(one.samples) for one in got))\n"
        "print(*feed.remarks(), feed.state())\n"
    )
    records = interleaved(*ALL)
    content = b"".join(records[:7]) + b"rubbish" + b"".join(records[7:]) + records[0][:100]
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, input=content, capture_output=True, check=False)
    lines = done.stdout.decode().splitlines()
    samples = sum(len(one) for one in recordings(*ALL))
    assert lines[0] == f"{len(records)} {samples}", done.stderr
    assert lines[1] == "standard input: 107 bytes between the records are none {}"


def test_an_input_that_waits_says_so() -> None:
    end, begin = os.pipe()
    feed = InputFeed(end)
    packets = feed.packets()
    assert next(packets) is None
    record = interleaved("UH1.SHZ")[0]
    writer = Thread(target=lambda: (os.write(begin, record), os.close(begin)))
    writer.start()
    assert [one.codes for one in packets if one] == ["BW.UH1..SHZ"]
    writer.join()
    os.close(end)

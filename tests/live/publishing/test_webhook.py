"""HTTP push against a real web server: what it refuses or misses is delayed, never lost."""

from __future__ import annotations

import json
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter, ValidationError
from receivers import web_receiver

from quakeline.core.errors import OutputError
from quakeline.core.reasons import Code
from quakeline.live.lines import line_of
from quakeline.live.publishing import AnyPublisher
from quakeline.live.publishing.webhook import Webhook


def waited(condition: Callable[[], bool], limit_s: float = 10.0) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def numbered(count: int) -> list[dict[str, Any]]:
    return [{"pick_id": f"p{number}", "number": number} for number in range(count)]


def test_each_message_is_one_json_line_in_order(tmp_path: Path) -> None:
    with web_receiver() as receiver:
        push = Webhook(url=receiver.url).open(tmp_path)
        for row in numbered(20):
            push.publish("pick", row)
        push.publish("event", {"event_id": "e", "magnitude": float("nan")})
        assert push.close() == 0
    assert [one.get("number") for one in receiver.messages[:20]] == list(range(20))
    assert receiver.messages[20] == {"kind": "event", "event_id": "e", "magnitude": None}
    assert all(one.count(b"\n") == 1 and one.endswith(b"\n") for one in receiver.lines)
    assert receiver.headers[0]["Content-Type"] == "application/json"
    assert len({one["Idempotency-Key"] for one in receiver.headers}) == 21


def test_a_refusal_delays_and_is_told(tmp_path: Path) -> None:
    with web_receiver() as receiver:
        receiver.statuses = [500, 404, 302, 503]
        push = Webhook(url=receiver.url, retry_s=0.02).open(tmp_path)
        for row in numbered(5):
            push.publish("pick", row)
        waited(lambda: push.waiting() == 0)
        push.close()
        told = push.remarks()
    assert [one["number"] for one in receiver.messages] == list(range(5))
    fails = [one for one in told if one.code is Code.DELIVERY_FAILS]
    assert sum(one.count or 0 for one in fails) == 4
    assert "status 503" in str(fails[-1])
    assert [one.count for one in told if one.code is Code.DELIVERED_AGAIN] == [5]


def test_a_dead_receiver_gets_all_when_it_is_back_even_after_a_stop(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://user:secret@127.0.0.1:{port}/picks"
    push = Webhook(url=url, retry_s=0.02).open(tmp_path)
    began = time.monotonic()
    for row in numbered(50):
        push.publish("pick", row)
    assert time.monotonic() - began < 1.0  # nobody waits for the receiver
    told: list[Any] = []
    waited(lambda: bool(told.extend(push.remarks()) or told))
    assert "refused" in str(told[0])
    assert "secret" not in str(told[0])
    assert push.close(0.1) == 50
    with web_receiver(port) as receiver:
        again = Webhook(url=url).open(tmp_path)
        again.publish("pick", {"number": 50})
        assert again.close(10.0) == 0
    assert [one["number"] for one in receiver.messages] == list(range(51))


def test_a_slow_receiver_and_one_that_hangs(tmp_path: Path) -> None:
    with web_receiver() as receiver:
        receiver.delay_s = 0.5
        push = Webhook(url=receiver.url, answer_s=0.1, retry_s=0.02).open(tmp_path)
        push.publish("pick", {"number": 1})
        waited(lambda: any("Timeout" in str(one) for one in push.remarks()))
        receiver.delay_s = 0.0
        assert push.close(10.0) == 0
    assert receiver.messages[-1]["number"] == 1


PUSHER = """
import sys
from pathlib import Path
from quakeline.live.publishing.webhook import Webhook
push = Webhook(url=sys.argv[1], retry_s=0.02).open(Path(sys.argv[2]))
for number in range(int(sys.argv[3]), int(sys.argv[4])):
    push.publish("pick", {"number": number})
    print(number, flush=True)
push.close(20.0)
"""


def test_kills_lose_nothing(tmp_path: Path) -> None:
    """A process that publishes is killed at random, and goes on after what it had published."""
    chance = random.Random(3)
    total, published = 300, 0
    with web_receiver() as receiver:
        for turn in range(6):
            words = [receiver.url, str(tmp_path), str(published), str(total)]
            command = [sys.executable, "-c", PUSHER, *words]
            wanted = total if turn == 5 else published + chance.randint(5, 60)
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                for line in process.stdout:
                    published = int(line) + 1
                    if published == wanted and turn < 5:
                        time.sleep(chance.random() * 0.05)
                        process.send_signal(signal.SIGKILL)
    numbers = [one["number"] for one in receiver.messages]
    assert sorted(set(numbers)) == list(range(total))
    assert len(numbers) - total <= 12  # the one under way at a kill, and its successor
    firsts = list(dict.fromkeys(numbers))
    assert firsts == sorted(firsts)


FULL = """
import resource, sys
from pathlib import Path
from quakeline.live.publishing.webhook import Webhook
resource.setrlimit(resource.RLIMIT_FSIZE, (800, resource.RLIM_INFINITY))
push = Webhook(url=sys.argv[1], retry_s=0.02).open(Path(sys.argv[2]))
for number in range(100):
    push.publish("pick", {"number": number})
print(push.waiting())
print(*{one.code.name for one in push.remarks()})
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(push.close(0.5))
"""


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/picks"
    words = [sys.executable, "-c", FULL, url, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    assert lines[0] == lines[2] == "100", done.stderr
    assert "SPOOL_UNWRITABLE" in lines[1]
    with web_receiver(port) as receiver:
        assert Webhook(url=url).open(tmp_path).close(10.0) == 0
    assert [one["number"] for one in receiver.messages] == list(range(100))


def test_a_file_that_all_have_left_does_not_grow(tmp_path: Path) -> None:
    text = "x" * 10_000
    with web_receiver() as receiver:
        push = Webhook(url=receiver.url).open(tmp_path)
        for number in range(130):
            push.publish("pick", {"number": number, "text": text})
        assert push.close(20.0) == 0
        assert len(receiver.lines) == 130
    [spool] = tmp_path.glob("webhook-*.jsonl")
    assert spool.stat().st_size < 1_010_000


def test_a_line_that_was_cut_and_a_mark_that_lies_do_no_harm(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/picks"
    push = Webhook(url=url).open(tmp_path)
    for row in numbered(3):
        push.publish("pick", row)
    assert push.close(0.0) == 3
    [spool] = tmp_path.glob("webhook-*.jsonl")
    spool.write_bytes(spool.read_bytes() + b'{"kind": "pi')
    Path(f"{spool}.sent").write_text("99999")
    with web_receiver(port) as receiver:
        again = Webhook(url=url).open(tmp_path)
        again.publish("pick", {"number": 3})
        assert again.close(10.0) == 0
    assert [one["number"] for one in receiver.messages] == list(range(4))


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises((OutputError, OSError)):
        Webhook(url="http://localhost/").open(tmp_path / "file" / "below")


@pytest.mark.parametrize("url", ["ftp://host/x", "host:80/x", "http://", "http://host:99999/"])
def test_what_is_no_address_is_told(url: str) -> None:
    with pytest.raises(ValidationError, match="no address of a web server"):
        TypeAdapter(AnyPublisher).validate_python({"kind": "webhook", "url": url})


def test_rows_of_pandas_become_plain_json() -> None:
    frame = pd.DataFrame(
        {
            "time": pd.to_datetime(["2024-02-29T12:00:00.123456789Z", None]),
            "n": pd.array([1, None], dtype="Int64"),
            "x": np.array([np.float32(0.5), np.nan]),
            "name": ["Å", None],
        }
    )
    first, second = (
        json.loads(line_of({"kind": "pick", **row})) for row in frame.to_dict("records")
    )
    assert first == {
        "kind": "pick",
        "time": "2024-02-29T12:00:00.123457Z",
        "n": 1,
        "x": 0.5,
        "name": "Å",
    }
    assert second == {"kind": "pick", "time": None, "n": None, "x": None, "name": None}
    bare = {"a": np.datetime64("2024-01-01T00:00:00"), "b": np.arange(2), "c": {"d": np.bool_(1)}}
    assert json.loads(line_of({"kind": "event", **bare})) == {
        "kind": "event",
        "a": "2024-01-01T00:00:00.000000Z",
        "b": [0, 1],
        "c": {"d": True},
    }

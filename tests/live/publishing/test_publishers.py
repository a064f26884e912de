"""All ways of publishing together: what they say is said, also at the end."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from receivers import web_receiver

from quakeline.core.errors import OutputError
from quakeline.io.products import provenance
from quakeline.live.output import Output
from quakeline.live.publishing.earthworm import EarthwormPicks
from quakeline.live.publishing.publishers import Publishers
from quakeline.live.publishing.webhook import Webhook


def test_what_happens_after_the_last_pick_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    with web_receiver() as receiver:
        receiver.statuses = [500]
        webhook = Webhook(url=receiver.url, retry_s=0.1)
        with Publishers([webhook], tmp_path, said.append) as publishers:
            publishers.publish({"pick_id": "p", "time_ns": 1})
    assert len(receiver.lines) == 1
    assert any("status 500" in line for line in said)
    assert any("delivered again" in line for line in said)


def test_messages_are_on_disk_before_the_state_counts_them(
    tmp_path: Path, monkeypatch: Any
) -> None:
    """Else a power cut would lose picks that the state says were told."""
    synced: list[Path] = []
    monkeypatch.setattr(
        os, "fsync", lambda fd: synced.append(Path(f"/proc/self/fd/{fd}").readlink())
    )
    recipe = provenance.Record("live", 1, {})
    with web_receiver() as receiver:
        publishers = Publishers([Webhook(url=receiver.url)], tmp_path / "waiting", print)
        output = Output(tmp_path / "out", "live", recipe, publishers.publish, publishers.sync)
        publishers.__enter__()
        output.begin()
        publishers.publish({"pick_id": "p", "time_ns": 1})
        for _ in range(2):
            output.write({}, {}, {}, now=True)
        publishers.__exit__()
    output.close()
    names = [one.name.split("-")[0] for one in synced]
    assert [one.split(".json.")[0] for one in names] == [
        "picks.jsonl", "webhook", ".session", "picks.jsonl", ".session",
    ]  # fmt: skip


def test_one_that_cannot_open_closes_the_others(tmp_path: Path) -> None:
    (tmp_path / "1-earthworm").symlink_to("/proc/no such place")
    given = [
        EarthwormPicks(file=tmp_path / "picks.txt", module=1),
        EarthwormPicks(file=tmp_path / "others.txt", module=1),
    ]
    publishers = Publishers(given, tmp_path, print)
    with pytest.raises((OSError, OutputError)), publishers:
        pass
    assert publishers._open == []

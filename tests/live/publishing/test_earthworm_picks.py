"""TYPE_PICK_SCNL messages, as Earthworm's reader takes them apart."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import TypeAdapter, ValidationError
from receivers import import_module

from quakeline.live.publishing import AnyPublisher
from quakeline.live.publishing.earthworm import EarthwormPicks
from quakeline.live.publishing.earthworm_messages import pick_scnl, weight

#: What `sscanf(msg, "%d %d %d %d %s %c%c %18s %ld %ld %ld\n", ...)` of rd_pick_scnl reads.
READER = re.compile(r"(\d+) (\d+) (\d+) (\d+) (\S+) (\S)(\S) (\S{18}) (-?\d+) (-?\d+) (-?\d+)( S)?")


def row(**given: Any) -> dict[str, Any]:
    return {
        "pick_id": "NC.PCC.01.SH.P.1",
        "network": "NC",
        "station": "PCC",
        "location": "01",
        "instrument": "SH",
        "phase": "P",
        "time": pd.Timestamp("2004-04-30T21:05:53.3604Z"),
        "time_sigma_s": 0.12,
        "probability": 0.8,
    } | given


def waited(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10.0
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_message_is_that_of_earthworms_own_example() -> None:
    fields = READER.fullmatch(pick_scnl(row(), 8, 6, 3))
    assert fields
    kind, module, installation, _, *rest = fields.groups()
    assert (kind, module, installation) == ("8", "6", "3")
    assert rest == ["PCC.SHZ.NC.01", "?", "2", "20040430210553.360", "0", "0", "0", None]


@pytest.mark.parametrize(
    "given",
    [
        {"time": "2004-04-30T21:05:53.3604Z"},
        {"time": "2004-04-30T21:05:53.360400000+00:00"},
        {"time": None, "time_ns": 1083359153360400000},
    ],
)
def test_times_as_lines_of_json_have_them(given: dict[str, Any]) -> None:
    assert " 20040430210553.360 " in pick_scnl(row(**given), 8, 6, 3)


def test_no_location_s_picks_and_polarities() -> None:
    text = pick_scnl(row(location="", phase="S", polarity="up"), 8, 6, 3)
    fields = READER.fullmatch(text)
    assert fields
    assert fields.group(5) == "PCC.SHN.NC.--"
    assert fields.group(6) == "U"
    assert fields.group(12) == " S"


def test_the_number_is_that_of_the_pick() -> None:
    first, again = pick_scnl(row(), 8, 6, 3), pick_scnl(row(time_sigma_s=0.01), 8, 6, 3)
    other = pick_scnl(row(pick_id="other"), 8, 6, 3)
    assert first.split()[3] == again.split()[3] != other.split()[3]


@pytest.mark.parametrize(
    ("sigma", "probability", "expected"),
    [
        (0.02, 0.1, 0),
        (0.05, 0.1, 0),
        (0.3, 0.99, 3),
        (0.7, 0.99, 4),
        (None, 0.95, 0),
        (float("nan"), 0.6, 2),
        (None, None, 4),
    ],
)
def test_weights(sigma: Any, probability: Any, expected: int) -> None:
    assert weight({"time_sigma_s": sigma, "probability": probability}) == expected


def test_times_before_1970_and_at_the_turn_of_a_second() -> None:
    late = pick_scnl(row(time=pd.Timestamp("1999-12-31T23:59:59.9996Z")), 8, 6, 3)
    assert "20000101000000.000" in late


def test_to_a_file_and_to_a_folder(tmp_path: Path) -> None:
    file, folder = tmp_path / "picks.txt", tmp_path / "ring"
    for target in ({"file": file}, {"folder": folder}):
        out = EarthwormPicks(module=6, **target).open(tmp_path / "spool")
        for number in range(3):
            out.publish("pick", row(pick_id=str(number)))
        out.publish("pick", row(phase="S"))
        out.publish("event", {"event_id": "e"})
        assert out.close() == 0
    lines = file.read_text().splitlines()
    assert len(lines) == 3
    assert all(READER.fullmatch(line) for line in lines)
    found = sorted(folder.iterdir())
    assert sorted(one.read_text() for one in found) == sorted(f"{line}\n" for line in lines)
    assert all(re.fullmatch(r"\d+_\d{17}\.pick", one.name) for one in found)


def test_to_an_import_module_that_is_away_for_a_while(tmp_path: Path) -> None:
    with import_module() as module:
        settings = EarthwormPicks(
            module=6,
            installation=3,
            address=f"127.0.0.1:{module.port}",
            phases=["P", "S"],
        )
        out = settings.open(tmp_path)
        out.publish("pick", row(pick_id="0"))
        waited(lambda: len(module.frames) == 1)
        module.drop()
        time.sleep(0.05)
        out.publish("pick", row(pick_id="1", phase="S"))
        waited(lambda: len(module.frames) == 2)
        assert out.close() == 0
        first, second = module.frames
    assert first[:9] == second[:9] == b"  3  6  8"
    assert READER.fullmatch(first[9:].decode().rstrip("\n"))
    assert second.endswith(b" 0 0 0 S\n")


def test_settings_that_cannot_work_are_told(tmp_path: Path) -> None:
    adapter = TypeAdapter(AnyPublisher)
    with pytest.raises(ValidationError, match="exactly one of file, folder and address"):
        adapter.validate_python({"kind": "earthworm", "module": 6})
    with pytest.raises(ValidationError, match="has no port"):
        adapter.validate_python({"kind": "earthworm", "module": 6, "address": "host"})
    with pytest.raises(ValidationError, match="less than or equal to 255"):
        adapter.validate_python({"kind": "earthworm", "module": 600, "file": "x"})

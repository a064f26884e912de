"""`quakeline live` in this process, on recordings of four stations."""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

import obspy
import pytest
import yaml
from recordings import UNTERHACHING

from quakeline import cli


def run(words: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """Run the program's own entry point in this process."""
    monkeypatch.setattr(sys, "argv", ["quakeline", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def overlay(folder: Path, **live: object) -> str:
    rows = "".join(f"BW,UH{n},48.0{n},11.6,400\n" for n in (1, 2, 3, 4))
    header = "network,station,latitude,longitude,elevation_m\n"
    (folder / "st.csv").write_text(header + rows)
    files = [str(path) for path in UNTERHACHING]
    content = {
        "run": "own",
        "time": {"start": "2010-05-27T16:24:00Z", "end": "2010-05-27T16:28:00Z"},
        "stations": {"table": "st.csv"},
        "fetch": {"source": {"kind": "files", "paths": files}},
        "pick": {"thresholds": {"P": 0.5}},
        **({"live": live} if live else {}),
    }
    (folder / "own.yaml").write_text(yaml.safe_dump(content))
    return "own.yaml"


def records(first_s: float, last_s: float) -> bytes:
    """A span of the recordings as miniSEED."""
    stream = obspy.Stream([one for path in UNTERHACHING for one in obspy.read(str(path))])
    start = max(one.stats.starttime for one in stream)
    for one in stream:
        one.data = one.data.astype("i4")
    written = BytesIO()
    stream.slice(start + first_s, start + last_s).write(written, format="MSEED", encoding="STEIM2")
    return written.getvalue()

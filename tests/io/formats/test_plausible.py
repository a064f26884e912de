"""Files with names that no table holds, and files that claim more than they hold."""

import os
from pathlib import Path

import numpy as np
import obspy
import psutil
import pytest
from recordings import HEADER, Pipeline, trace, write

from quakeline.core.errors import DataError
from quakeline.core.timeline import SECOND, Span
from quakeline.io.formats import plausible
from quakeline.io.formats.waveform_files import read_stream
from quakeline.workflow.inspection.holdings import manifest_of
from quakeline.workflow.inspection.scan import find, scan

START = obspy.UTCDateTime("2020-05-01T00:00:00")
GIB = 1024**3


def good(folder: Path) -> Path:
    samples = np.random.default_rng(1).integers(-999, 999, 6000).astype(np.int32)
    traces = [trace(f"XX.AAA..HH{c}", str(START), samples + n) for n, c in enumerate("ZNE")]
    return write(traces, folder / "good.mseed")


def sparse(path: Path, head: bytes, size: int) -> Path:
    """A file that begins with some bytes and claims more."""
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)
    return path


def test_the_others_of_an_archive_are_used(tmp_path: Path) -> None:
    record = good(tmp_path / "raw").read_bytes()[:4096]
    sparse(tmp_path / "raw/claims.mseed", record, 8 * GIB)
    sparse(tmp_path / "raw/zeros.mseed", b"", 8 * GIB)
    odd = os.fsencode(tmp_path / "raw") + b"/b\xf6se.mseed"
    Path(os.fsdecode(odd)).write_bytes(record)
    pipeline = Pipeline(tmp_path, [str(tmp_path / "raw/*")], f"{HEADER}\nXX,AAA,48,11,400\n")
    span = Span(START.ns, START.ns + 60 * SECOND)
    before = psutil.Process().memory_info().rss
    pipeline.prepared(span)
    assert psutil.Process().memory_info().rss - before < GIB
    manifest = pipeline.manifest(span)
    assert set(manifest[manifest["status"] == "data"]["channel"]) == {"HHZ", "HHN", "HHE"}
    refused = manifest[manifest["status"] == "unreadable"]
    reasons = {Path(row.path).name: row.reason for row in refused.itertuples()}
    assert reasons.keys() == {"claims.mseed", "zeros.mseed", "b\\xf6se.mseed"}
    assert "most of its 8192 MB are no records: 1 of 256 places" in reasons["claims.mseed"]
    assert "its 8192 MB begin with nothing but zeros" in reasons["zeros.mseed"]
    assert "its name is no UTF-8 text" in reasons["b\\xf6se.mseed"]


def test_inspect_names_them_too(tmp_path: Path) -> None:
    good(tmp_path)
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.mseed")).write_bytes(b"x")
    found = manifest_of([scan(*one) for one in find([tmp_path])])
    assert list(found["status"]).count("data") == 3
    assert found[found["status"] == "unreadable"]["path"].item().endswith("\\xff.mseed")


def test_what_must_be_loaded_at_once_fits_into_memory(tmp_path: Path) -> None:
    path = sparse(tmp_path / "a.sgy", b"C" * 3200, 2 * psutil.virtual_memory().total)
    with pytest.raises(DataError, match="loaded at once, more than half of the memory"):
        read_stream(path, headonly=True)


@pytest.mark.parametrize("length", [512, 4096])
def test_a_large_file_of_records_is_plausible(tmp_path: Path, monkeypatch, length: int) -> None:
    samples = np.random.default_rng(2).integers(-(2**27), 2**27, 200_000).astype(np.int32)
    path = write([trace("XX.AAA..HHZ", str(START), samples)], tmp_path / "a.mseed", reclen=length)
    monkeypatch.setattr(plausible, "_LARGE", 1000)
    plausible.require_plausible(path)
    with path.open("r+b") as file:
        file.truncate(3 * path.stat().st_size)
    with pytest.raises(DataError, match="are no records"):
        plausible.require_plausible(path)


def test_names_are_shown_as_they_are(tmp_path: Path) -> None:
    assert plausible.shown(Path("/data/Zürich/λ.mseed")) == "/data/Zürich/λ.mseed"
    plausible.require_name(Path("/data/Zürich/λ.mseed"))

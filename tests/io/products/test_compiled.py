"""What numba compiles is kept where nobody else can put machine code."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from quakeline.io.products import compiled


def twice(number: int) -> int:
    return 2 * number


def kept(folder: Path) -> set[str]:
    """Folders in the folder of caches that hold compiled functions."""
    return {path.relative_to(folder).parts[0] for path in folder.rglob("*.nbc")}


def to_others(path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can give a folder to another user")
    path.mkdir(mode=0o700)
    os.chown(path, 65534, 65534)


def to_all(path: Path) -> None:
    path.mkdir()
    path.chmod(0o1777)


def to_the_group(path: Path) -> None:
    path.mkdir()
    path.chmod(0o770)


def elsewhere(path: Path) -> None:
    (path.parent / "elsewhere").mkdir(mode=0o700, exist_ok=True)
    path.symlink_to(path.parent / "elsewhere")


@pytest.mark.parametrize("made", [to_others, to_all, to_the_group, elsewhere])
def test_machine_code_is_kept_in_folders_of_this_user_alone(made, tmp_path, monkeypatch):
    monkeypatch.setenv("QUAKELINE_CACHE", str(tmp_path))
    made(tmp_path / "numba")
    own = f"numba-{os.geteuid()}"
    assert compiled.compiled(twice, "int64(int64)")(21) == 42
    assert kept(tmp_path) == {own}
    assert (tmp_path / own).stat().st_mode & 0o777 == 0o700
    (tmp_path / own).rename(tmp_path.parent / f"{tmp_path.name}-old")
    made(tmp_path / own)
    assert compiled.compiled(twice, "int64(int64)")(21) == 42
    assert kept(tmp_path) == set()


def test_a_library_that_cannot_be_loaded_is_no_numba(tmp_path, monkeypatch):
    (tmp_path / "numba.py").write_text("raise OSError('libllvmlite.so: cannot open shared object')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    assert not compiled.usable()

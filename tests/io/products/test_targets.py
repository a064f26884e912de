"""The rule on files and folders that commands write; commands: tests/commands/test_targets.py."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from quakeline.core.errors import ConfigError, OutputError
from quakeline.io.products import targets


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fill(folder: Path, **files: str) -> None:
    with targets.filling(folder, "merge") as place:
        for name, text in files.items():
            (place / name).write_text(text)


def require(folder: Path, *given: str) -> None:
    targets.require_folder("-o", folder, "merge", ["a", "b"], given)


def test_a_folder_is_filled_and_filled_again(tmp_path: Path) -> None:
    folder = tmp_path / "deep/out"
    fill(folder, a="1", b="1")
    require(folder)
    (folder / "c").write_text("of the user")
    fill(folder, a="2")
    require(folder)
    assert names(folder) == [targets.MARK, "a", "c"]
    assert (folder / "a").read_text() == "2"


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_everything_as_it_was(tmp_path: Path, failure: type[Exception]) -> None:
    def fail(folder: Path) -> None:
        with targets.filling(folder, "merge") as place:
            (place / "a").write_text("half")
            raise failure

    with pytest.raises(failure):
        fail(tmp_path / "out")
    assert names(tmp_path) == []
    fill(tmp_path / "out", a="1")
    with pytest.raises(failure):
        fail(tmp_path / "out")
    assert names(tmp_path / "out") == [targets.MARK, "a"]
    require(tmp_path / "out")


def test_what_a_killed_command_left_is_removed(tmp_path: Path) -> None:
    left = tmp_path / "out/.quakeline.123.part"
    left.mkdir(parents=True)
    (left / "a").write_text("half")
    require(tmp_path / "out")
    fill(tmp_path / "out", a="1")
    assert names(tmp_path / "out") == [targets.MARK, "a"]


def test_a_file_that_comes_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    def meanwhile() -> None:
        with targets.filling(tmp_path, "merge") as place:
            (place / "a").write_text("1")
            (tmp_path / "a").write_text("of the user")

    with pytest.raises(OutputError, match="a: it is there, and of another making"):
        meanwhile()
    assert (tmp_path / "a").read_text() == "of the user"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"command": 1}', '{"command": "x", "files": []}'])
def test_a_mark_that_says_nothing_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / targets.MARK).write_text(text)
    with pytest.raises(ConfigError, match="a folder that holds other things"):
        require(tmp_path)


def test_links_and_folders_in_a_filled_folder_are_the_users(tmp_path: Path) -> None:
    fill(tmp_path / "out", a="1")
    (tmp_path / "out/a").rename(tmp_path / "moved")
    (tmp_path / "out/a").symlink_to("../moved")
    with pytest.raises(ConfigError, match="whose a this command did not make"):
        require(tmp_path / "out")
    (tmp_path / "out/a").unlink()
    (tmp_path / "out/b").mkdir()
    with pytest.raises(ConfigError, match="whose b this command did not make"):
        require(tmp_path / "out")


def test_a_file_that_is_read_is_known_by_any_name(tmp_path: Path) -> None:
    given, hard, other = (tmp_path / name for name in ("given", "hard", "other"))
    given.write_text("of the user")
    os.link(given, hard)
    other.write_text("x")
    (tmp_path / "link").symlink_to(tmp_path)
    for target in (given, hard, tmp_path / "link/given"):
        with pytest.raises(ConfigError, match="this command reads"):
            targets.require_file("-o", target, [None, "no such file", given])
    targets.require_file("-o", other, [given])
    with pytest.raises(ConfigError, match="this command reads"):
        targets.require_file("-o", other, [tmp_path])
    targets.require_file("-o", tmp_path / "new", [tmp_path])


def test_the_folder_of_a_run(tmp_path: Path) -> None:
    begun, copied, other = (tmp_path / name for name in ("results/a", "saved", "results/b"))
    for folder in (begun, other, copied / ".checksums", copied / "logs"):
        folder.mkdir(parents=True)
    (begun / ".lock").touch()
    (tmp_path / "link").symlink_to(begun)
    for path in (begun, begun / "catalog/x", tmp_path / "link/x"):
        assert targets.run_of(path) in (begun, tmp_path / "link")
    assert targets.run_of(copied / "x") == copied
    for path in (tmp_path, other / "x", begun / "../b/x", tmp_path / "results"):
        assert targets.run_of(path) is None


def test_the_mark_says_who_and_what(tmp_path: Path) -> None:
    fill(tmp_path / "out", a="1")
    mark = json.loads((tmp_path / "out" / targets.MARK).read_text())
    assert mark["command"] == "merge"
    assert list(mark["files"]) == ["a"]

"""Seismo-Performer's list of files: groups, comments, mistakes by line, wrong components."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from quakeline.core.errors import DataError
from quakeline.core.reasons import text_of
from quakeline.core.timeline import Span, to_ns
from quakeline.waveforms.sources.archive_list import ArchiveList

DAY = Span(*(to_ns(datetime(2021, 4, day, tzinfo=UTC)) for day in (1, 2)))
EXAMPLE = """\
# Nysh, two days
archives/NYSH.IM.00.EHN.2021.091 archives/NYSH.IM.00.EHE.2021.091 archives/NYSH.IM.00.EHZ.2021.091

archives/NYSH.IM.00.EHN.2021.092\tarchives/NYSH.IM.00.EHE.2021.092  archives/NYSH.IM.00.EHZ.2021.092
/data/old.mseed   # one file of all components
"with space.mseed" no#comment.mseed
"""


def listed(folder: Path, text: str) -> ArchiveList:
    (folder / "list.txt").write_text(text)
    return ArchiveList(list_file=str(folder / "list.txt"))


def test_groups_comments_and_relative_names(tmp_path):
    found = listed(tmp_path, EXAMPLE).files(DAY)
    days = [
        tmp_path / f"archives/NYSH.IM.00.EH{component}.2021.{day}"
        for component in "ENZ"
        for day in ("091", "092")
    ]
    others = [tmp_path / "no#comment.mseed", tmp_path / "with space.mseed"]
    assert found == sorted([*days, *others, Path("/data/old.mseed")])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a b c\n\na b c d", "line 3: 4 files; allowed: N E Z, or fewer: 'a b c d'"),
        ("a 'b c", 'line 1: a quotation mark is not closed: "a \'b c"'),
        ("# x\na b a", "line 2: a file is named twice: 'a b a'"),
        ("\n# x\n", "lists no files"),
    ],
)
def test_mistakes_name_the_line(tmp_path, text, said):
    with pytest.raises(DataError) as caught:
        listed(tmp_path, text).files(DAY)
    assert str(caught.value).startswith(str(tmp_path / "list.txt"))
    assert str(caught.value).endswith(said)


@pytest.mark.parametrize(
    ("content", "said"), [(None, "No such file"), (b"\xff\x00\x81" * 99, "is no text file")]
)
def test_a_list_that_cannot_be_read(tmp_path, content, said):
    if content:
        (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(DataError, match=said):
        ArchiveList(list_file=str(tmp_path / "list.txt")).files(DAY)


@pytest.mark.parametrize(
    ("name", "channel", "fits"),
    [
        ("n", "EHN", True),
        ("n", "EH1", True),
        ("e", "EH2", True),
        ("z", "ehz", True),
        ("n", "EHE", False),
        ("e", "EHN", False),
        ("z", "EH1", False),
        ("pair", "EHE", True),
    ],
)
def test_components_at_the_wrong_place_are_reported(tmp_path, name, channel, fits):
    source = listed(tmp_path, "x y z0\nn e z\npair other\n")
    said = text_of(source.remarks(tmp_path / name, f"IM.NYSH.00.{channel}"))
    assert (said == "") is fits
    if not fits:
        assert said == (
            f"line 2 of {tmp_path}/list.txt has it at the place of {name.upper()} (order N E Z),"
            f" its channel code is {channel}, which is used"
        )


def test_an_unreadable_file_names_its_line(tmp_path):
    source = listed(tmp_path, "x y z\n\nn e z1\n")
    assert text_of(source.remarks(tmp_path / "z1", "")) == f"line 3 of {tmp_path}/list.txt"


def test_a_file_in_two_lines_is_said(tmp_path):
    source = listed(tmp_path, "n e z\nn2 e2 z\n")
    assert len(source.files(DAY)) == 5
    assert "lines 1, 2 of" in text_of(source.remarks(tmp_path / "z", "IM.NYSH.00.EHZ"))


def test_the_fingerprint_follows_the_list_and_its_files(tmp_path):
    prints = [listed(tmp_path, "a b c").fingerprint()]
    prints.append(listed(tmp_path, "a b c\n").fingerprint())
    (tmp_path / "a").write_bytes(b"x")
    prints.append(listed(tmp_path, "a b c\n").fingerprint())
    (tmp_path / "a").write_bytes(b"xy")
    prints.append(listed(tmp_path, "a b c\n").fingerprint())
    assert len(set(prints)) == 4
    assert listed(tmp_path, "a b c\n").fingerprint() == prints[-1]

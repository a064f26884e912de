"""SDS archives: days and their neighbours, filters, and what is said of another layout."""

import re
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from quakeline.core.errors import DataError
from quakeline.core.timeline import Span, to_ns
from quakeline.waveforms.sources.folders import digest
from quakeline.waveforms.sources.sds import Sds


def span(start, end):
    return Span(*(to_ns(datetime.fromisoformat(text).replace(tzinfo=UTC)) for text in (start, end)))


DAY = span("2020-01-01", "2020-01-02")


def put(root, codes, year, day, kind="D"):
    net, sta, _, cha = codes.split(".")
    path = root / f"{year}/{net}/{sta}/{cha}.{kind}/{codes}.{kind}.{year}.{day:03d}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


@pytest.fixture
def root(tmp_path):
    """Two networks over the turn of the year."""
    folder = tmp_path / "archive"
    for codes in ("XX.AAA..HHZ", "XX.AAA.10.HHZ", "XX.BBB..EHN", "yy.ccc..hhz"):
        for year, day in ((2019, 363), (2019, 364), (2019, 365), (2020, 1), (2020, 2), (2020, 3)):
            put(folder, codes, year, day)
    put(folder, "XX.AAA..LOG", 2020, 1, "L")
    return folder


def days(source, when=DAY):
    return [".".join(path.name.split(".")[-2:]) for path in source.files(when)]


def test_the_days_of_the_span_and_the_one_before(root):
    one = Sds(roots=[str(root)], stations=["BBB"])
    assert days(one) == ["2019.365", "2020.001"]
    assert days(one, span("2019-12-31T12:00:00", "2020-01-01T12:00:00")) == [
        "2019.364",
        "2019.365",
        "2020.001",
    ]
    assert days(one, span("2024-01-01", "2024-01-02")) == []


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({}, 8),
        ({"networks": ["XX"]}, 6),
        ({"stations": ["A*"]}, 4),
        ({"stations": ["A*"], "locations": [""]}, 2),
        ({"locations": ["10"]}, 2),
        ({"channels": ["HH?", "EHN"]}, 6),
        ({"channels": ["hh?"], "networks": ["yy"]}, 2),
        ({"type": "L"}, 1),
    ],
)
def test_filters_of_codes(root, filters, count):
    assert len(Sds(roots=[str(root)], **filters).files(DAY)) == count


def test_several_roots(root, tmp_path):
    put(tmp_path / "second", "XX.DDD..HHZ", 2020, 1)
    assert len(Sds(roots=[str(root), str(tmp_path / "second")]).files(DAY)) == 9
    assert len(Sds(roots=[str(tmp_path / "*")]).files(DAY)) == 9


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"roots": ["{root}/none"]}, "there is no folder '{root}/none'"),
        ({"roots": ["{root}/2020"]}, "no folder of a year in {root}/2020, .*seems to be {root} "),
        ({"roots": ["{root}/.."]}, "no folder of a year in .* holds archive; .* be .*archive "),
        ({"networks": ["ZZ"]}, "no folder of the networks ZZ in .* holds XX, yy"),
        ({"stations": ["CCC"]}, "no folder of the stations CCC in .* holds AAA, BBB"),
        ({"channels": ["SH?"]}, "no folder of the channels SH..D in .* holds HHZ.D "),
        ({"locations": ["99"]}, "no file of that name in .*holds XX.AAA..HHZ.D.2019.363, "),
    ],
)
def test_another_layout_is_named(root, settings, said):
    given = {"roots": ["{root}"], **settings}
    given["roots"] = [one.format(root=root) for one in given["roots"]]
    with pytest.raises(DataError, match=r"no SDS archive \(YEAR/NET/STA") as caught:
        Sds(**given).files(DAY)
    message = str(caught.value)
    assert "\n" not in message
    assert re.search(said.format(root=root), message), message


def test_a_folder_of_files_is_no_sds_archive(tmp_path):
    (tmp_path / "XX.AAA..HHZ.mseed").touch()
    with pytest.raises(DataError, match=r"no folder of a year in .*holds XX.AAA..HHZ.mseed"):
        Sds(roots=[str(tmp_path)]).files(DAY)


@pytest.mark.parametrize("codes", [{"networks": []}, {"channels": ["HH?.D"]}, {"type": "d"}])
def test_filters_that_cannot_be(codes):
    with pytest.raises(ValidationError, match=r"allowed|match pattern"):
        Sds(roots=["a"], **codes)


def test_a_name_that_does_not_tell_the_content(root):
    path = root / "2020/XX/AAA/HHZ.D/XX.AAA..HHZ.D.2020.001"
    assert Sds(roots=["a"]).remarks(path, "XX.AAA..HHZ") == []
    (remark,) = Sds(roots=["a"]).remarks(path, "XX.AAA..HHN")
    assert str(remark) == "the file's name says XX.AAA..HHZ"
    assert Sds(roots=["a"]).remarks(path, "") == []


def test_the_fingerprint_of_a_span_is_that_of_its_days_alone(root):
    def now():
        return Sds(roots=[str(root)]).fingerprint_of(DAY)

    source, before = Sds(roots=[str(root)]), now()
    assert now() == before == digest(map(str, source.files(DAY)))
    far = next(p for p in sorted(root.rglob("*.*.*")) if p.is_file() and p not in source.files(DAY))
    far.write_bytes(b"changed")
    assert now() == before
    source.files(DAY)[0].write_bytes(b"changed")
    assert now() != before
    assert source.fingerprint() == "by day"

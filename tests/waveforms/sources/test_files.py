import os
from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from quakeline.core.errors import DataError
from quakeline.core.timeline import Span, to_ns
from quakeline.waveforms.sources import KINDS, Source
from quakeline.waveforms.sources.files import Files
from quakeline.waveforms.sources.package import PackageData


def span(start, end):
    return Span(*(to_ns(datetime.fromisoformat(text).replace(tzinfo=UTC)) for text in (start, end)))


DAY = span("2020-02-29", "2020-03-01")


@pytest.fixture
def archive(tmp_path):
    """An SDS-like archive of ten days over the turn of the year and one leap day."""
    for year, days in ((2019, (364, 365)), (2020, (1, 2, 59, 60, 61))):
        for day in days:
            path = tmp_path / f"{year}/XX/AAA/HHZ.D/XX.AAA..HHZ.D.{year}.{day:03d}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
    return tmp_path


def found(archive, pattern, when):
    return [path.name[-8:] for path in Files(paths=[str(archive / pattern)]).files(when)]


def test_patterns_at_any_depth_find_each_file_once_and_sorted(archive):
    paths = [str(archive / "**/*HHZ*"), str(archive / "2020/*/*/*/*")]
    files = Files(paths=paths).files(DAY)
    assert len(files) == 7
    assert files == sorted(set(files))
    assert all(path.is_file() for path in files)


def test_codes_of_the_day_narrow_the_search(archive):
    pattern = "%Y/*/*/*/*.D.%Y.%j"
    assert found(archive, pattern, DAY) == ["2020.060", "2020.061"]
    assert found(archive, pattern, span("2020-02-29T01:00:00", "2020-02-29T02:00:00")) == [
        "2020.060"
    ]
    across = span("2019-12-31T23:00:00", "2020-01-01T01:00:00")
    assert found(archive, pattern, across) == ["2019.365", "2020.001"]
    assert found(archive, pattern, span("2020-06-01", "2020-06-02")) == []


@pytest.mark.parametrize("pattern", ["a/%H/*", "a/%y.mseed", "100%", "%Y%q"])
def test_codes_that_are_not_of_days_are_refused(pattern):
    """An hour would find the files of one hour of each day and no others."""
    with pytest.raises(ValidationError, match="unknown code %"):
        Files(paths=["fine/%Y/%j/*", pattern])


def test_a_percent_sign_is_written_twice(tmp_path):
    (tmp_path / "100%.2020").touch()
    assert found(tmp_path, "100%%.%Y", DAY) == ["00%.2020"]
    source = Files(paths=[str(tmp_path / "100%%*")])
    assert [path.name for path in source.files(DAY)] == ["100%.2020"]
    before = source.fingerprint()
    (tmp_path / "100%.2021").touch()
    assert source.fingerprint() != before


def test_an_archive_without_files_is_refused(archive):
    with pytest.raises(DataError, match=r"archive is empty: no file matches .*nothing\*"):
        Files(paths=[str(archive / "nothing*")]).files(DAY)


def test_the_fingerprint_changes_with_names_sizes_and_times(archive):
    source = Files(paths=[str(archive / "**/*")])
    prints = [source.fingerprint(), source.fingerprint()]
    path = next(archive.glob("2020/*/*/*/*.001"))
    path.write_bytes(b"xy")
    prints.append(source.fingerprint())
    os.utime(path, ns=(1, 1))
    prints.append(source.fingerprint())
    path.rename(path.with_name("other"))
    prints.append(source.fingerprint())
    path.with_name("other").unlink()
    prints.append(source.fingerprint())
    assert prints[0] == prints[1]
    assert len(set(prints)) == 5


def test_patterns_by_day_are_not_searched_for_the_fingerprint(archive):
    assert Files(paths=[str(archive / "%Y/**/*.%j")]).fingerprint() == "by day"


def test_files_of_a_package():
    source = PackageData(
        package="obspy", files_in_package=["signal/tests/data/BW.UH?._.?H?.D.2010.147.cut.slist.gz"]
    )
    assert len(source.files(DAY)) == 6
    assert source.fingerprint().startswith("obspy 1.")


@pytest.mark.parametrize(
    ("package", "files", "message"),
    [
        ("obspy", "none*", "has no file that matches 'none"),
        ("no_such_package", "*", r"no_such_package .*is not installed"),
    ],
)
def test_a_package_that_cannot_serve_says_why(package, files, message):
    with pytest.raises(DataError, match=message):
        PackageData(package=package, files_in_package=[files]).files(DAY)


def test_kinds_are_chosen_by_name_and_unknown_ones_list_the_known():
    adapter = TypeAdapter(Source)
    kinds = [kind.model_fields["kind"].default for kind in KINDS]
    assert len(set(kinds)) == len(kinds)
    assert isinstance(adapter.validate_python({"kind": "files", "paths": ["a"]}), Files)
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python({"kind": "tape"})
    assert all(repr(kind) in str(caught.value) for kind in kinds)


def test_a_folder_instead_of_a_pattern_is_said(archive):
    with pytest.raises(DataError, match=r"2020' is a folder: write '.*/2020/\*\*/\*'"):
        Files(paths=[str(archive / "2020")]).files(DAY)


def test_patterns_by_day_have_a_fingerprint_for_each_span(archive):
    def prints(pattern):
        source = Files(paths=[str(archive / pattern)])
        return [source.fingerprint_of(one) for one in (DAY, span("2020-01-01", "2020-01-02"))]

    patterns = ("%Y/*/*/*/*.D.%Y.%j", "%Y/**/*.%j", "%Y/**/X[XY].*..HHZ.D.*", "**/*.D.%Y.0[0-9]?")
    before = [prints(pattern) for pattern in patterns]
    assert before == [prints(pattern) for pattern in patterns]
    (archive / "2020/XX/AAA/HHZ.D/XX.AAB..HHZ.D.2020.060").touch()
    for pattern, (day, other) in zip(patterns, before, strict=True):
        new_day, new_other = prints(pattern)
        assert new_day != day
        assert (new_other == other) == ("%j" in pattern)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [("100%%.%Y%m%d", "100%.20200229"), ("a[b].%Y.%j.%Y", "ab.2020.060.2020"), ("%j?", "060x")],
)
def test_names_with_codes_are_found_by_day(tmp_path, pattern, name):
    found = []
    for state in ("absent", "there"):
        if state == "there":
            (tmp_path / name).touch()
        source = Files(paths=[str(tmp_path / pattern)])
        found.append(
            [source.fingerprint_of(one) for one in (DAY, span("2020-01-01", "2020-01-02"))]
        )
        assert len(source.files(DAY)) == (state == "there")
    assert found[0][0] != found[1][0]
    assert found[0][1] == found[1][1]


def test_patterns_without_days_share_the_fingerprint_of_the_archive(archive):
    source = Files(paths=[str(archive / "**/*")])
    assert source.fingerprint_of(DAY) == source.fingerprint()
    (archive / "new").touch()
    assert source.fingerprint_of(DAY) != source.fingerprint()
    assert Files(**source.plain()).fingerprint_of(DAY) == source.fingerprint()

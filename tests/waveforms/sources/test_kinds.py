"""What holds for every kind of source: examples of each over one small real archive."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import archives
import pytest
from pydantic import TypeAdapter
from recordings import UNTERHACHING

from quakeline.core.errors import DataError
from quakeline.core.timeline import Span, to_ns
from quakeline.io.formats.waveform_files import read_headers
from quakeline.waveforms.sources import KINDS, Source

DAY = Span(to_ns(datetime(2010, 5, 27, tzinfo=UTC)), to_ns(datetime(2010, 5, 28, tzinfo=UTC)))


def sds(folder):
    for one in archives.recordings():
        codes = one.stats
        place = folder / "2010" / codes.network / codes.station / f"{codes.channel}.D"
        archives.write(one, place).rename(place / f"{one.id}.D.2010.147")
    return {"kind": "sds", "roots": [str(folder)]}


def files(folder):
    for path in UNTERHACHING:
        shutil.copy(path, folder / path.name)
    return {"kind": "files", "paths": [f"{folder}/*.gz"]}


def archive_list(folder):
    files(folder)
    names = [path.name for path in UNTERHACHING]
    (folder / "list.txt").write_text("# all\n\n" + "\n".join(names))
    return {"kind": "archive_list", "list_file": str(folder / "list.txt")}


def package(folder):
    pattern = "signal/tests/data/BW.UH?._.?H?.D.2010.147.cut.slist.gz"
    return {"kind": "package", "package": "obspy", "files_in_package": [pattern]}


#: An example of each kind that knows the same recordings, and how to make it empty.
LOCAL = {"sds": sds, "files": files, "archive_list": archive_list, "package": package}


@pytest.fixture(params=sorted(LOCAL))
def source(request, tmp_path):
    return TypeAdapter(Source).validate_python(LOCAL[request.param](tmp_path))


def test_there_is_an_example_of_each_kind_on_this_disk():
    assert set(LOCAL) <= {kind.model_fields["kind"].default for kind in KINDS}


def test_the_files_of_a_day_are_paths_in_order_each_once(source):
    found = source.files(DAY)
    assert found == sorted(set(found))
    assert all(isinstance(path, Path) and path.is_file() for path in found)
    codes = {header.codes for path in found for header in read_headers(path)}
    assert codes == {header.codes for path in UNTERHACHING for header in read_headers(path)}


def test_nothing_is_said_of_files_as_they_should_be(source):
    for path in source.files(DAY):
        (header,) = read_headers(path)
        assert source.named(path, header.codes, 1) is None
        if header.codes[-1] == "Z":
            assert source.remarks(path, header.codes) == []


def test_a_source_survives_its_own_settings(source):
    again = TypeAdapter(Source).validate_python(source.plain())
    assert again.files(DAY) == source.files(DAY)
    assert again.fingerprint() == source.fingerprint()


@pytest.mark.parametrize("kind", ["sds", "files", "archive_list"])
def test_an_empty_archive_is_an_error_of_one_line(kind, tmp_path):
    settings = LOCAL[kind](tmp_path)
    for path in [*tmp_path.rglob("*.147"), *tmp_path.rglob("*.gz")]:
        path.unlink()
    if kind == "archive_list":
        (tmp_path / "list.txt").write_text("# nothing\n")
    with pytest.raises(DataError) as caught:
        TypeAdapter(Source).validate_python(settings).files(DAY)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)

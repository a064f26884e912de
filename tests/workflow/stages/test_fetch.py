import numpy as np
import pytest
from recordings import HEADER, Pipeline, trace, write

from quakeline.core.errors import DataError
from quakeline.core.schemas import MANIFEST
from quakeline.core.timeline import SECOND, Span
from quakeline.io.products import tables
from quakeline.workflow.stages import fetch, stations

START = 1_588_291_200 * SECOND
CHUNK = Span(START, START + 600 * SECOND)
TABLE = f"{HEADER}\nXX,AAA,48,11,400\nXX,BBB,48.1,11,400\nYY,CCC,48.2,11,400\n"


def noise(n=6000):
    return np.random.default_rng(0).integers(-1000, 1000, n).astype("i4")


def fetched(folder, paths, chunk=CHUNK):
    pipeline = Pipeline(folder, paths, TABLE)
    table = folder / "stations.csv"
    table.write_text(TABLE)
    stations.run(
        stations.Config(table=str(table)),
        sources=[table],
        stations=folder / "stations.parquet",
        inventory=folder / "stations.xml",
    )
    fetch.run(
        fetch.Config(source={"kind": "files", "paths": paths}),
        chunk=chunk.id,
        margin_s=60.0,
        stations=folder / "stations.parquet",
        archive="",
        manifest=pipeline.manifest_path(chunk),
    )
    return tables.read(pipeline.manifest_path(chunk), MANIFEST)


@pytest.fixture
def manifest(tmp_path):
    """One file of each kind that can be met."""
    write([trace("XX.AAA.00.HHZ", START, noise())], tmp_path / "good.mseed")
    write([trace("ZZ.AAA..HHZ", START, noise())], tmp_path / "network.mseed")
    write([trace("XX.QQQ..HHZ", START, noise())], tmp_path / "unknown.mseed")
    write([trace("YY.CCC..HHZ", START - 7200 * SECOND, noise())], tmp_path / "earlier.mseed")
    (tmp_path / "broken.mseed").write_bytes(b"not a record" * 500)
    (tmp_path / "empty.mseed").touch()
    return fetched(tmp_path, [str(tmp_path / "*.mseed")]).assign(
        name=lambda frame: frame["path"].str.rpartition("/")[2]
    )


def row(manifest, name):
    (found,) = manifest[manifest["name"] == name].to_dict("records")
    return found


def test_a_file_with_data_is_described(tmp_path, manifest):
    good = row(manifest, "good.mseed")
    assert (good["status"], good["station"], good["location"]) == ("data", "AAA", "00")
    assert (good["n_samples"], good["sampling_rate_hz"]) == (6000, 100.0)
    assert good["bytes"] == (tmp_path / "good.mseed").stat().st_size
    assert len(good["sha256"]) == 64
    assert (good["end"] - good["start"]).total_seconds() == 59.99
    assert good["start"].value == START


@pytest.mark.parametrize("name", ["broken.mseed", "empty.mseed"])
def test_an_unreadable_file_says_why(manifest, name):
    found = row(manifest, name)
    assert found["status"] == "unreadable"
    assert found["reason"]


def test_an_unknown_station_hints_at_the_network_that_has_its_code(manifest):
    other = row(manifest, "network.mseed")
    assert (other["status"], other["network"]) == ("unused", "ZZ")
    assert "ZZ.AAA has no coordinates" in other["reason"]
    assert "XX" in other["reason"]
    nowhere = row(manifest, "unknown.mseed")
    assert nowhere["status"] == "unused"
    assert "XX.QQQ has no coordinates" in nowhere["reason"]


def test_stations_without_data_in_the_chunk_have_a_row(manifest):
    silent = manifest[manifest["status"] == "no data"].set_index("station")
    assert sorted(silent.index) == ["BBB", "CCC"]
    assert silent["reason"].str.len().gt(20).all()
    assert silent["path"].isna().all()


def test_files_elsewhere_in_time_have_no_row(manifest):
    assert "earlier.mseed" not in set(manifest["name"])


def test_an_empty_archive_is_refused(tmp_path):
    with pytest.raises(DataError, match="archive is empty"):
        fetched(tmp_path, [str(tmp_path / "none*")])


def test_a_day_without_files_is_no_mistake(tmp_path):
    found = fetched(tmp_path, [str(tmp_path / "%Y.%j.mseed")])
    assert found["status"].tolist() == ["no data"] * 3


@pytest.mark.parametrize(
    ("begin_s", "end_s", "used"),
    [
        (-300.0, -205.2, False),
        (-300.0, -204.8, True),
        (804.8, 900.0, True),
        (805.2, 900.0, False),
        (-500.0, 2000.0, True),
    ],
)
def test_files_that_reach_into_what_is_read_are_used(tmp_path, begin_s, end_s, used):
    """The chunk, 60 s of margin, 25 s that filters reach and 120 s that times depend on."""
    samples = noise(round((end_s - begin_s) * 100))
    write([trace("XX.AAA..HHZ", START + round(begin_s * SECOND), samples)], tmp_path / "a.mseed")
    found = fetched(tmp_path, [str(tmp_path / "*.mseed")])
    assert (found["status"] == "data").any() == used


def test_every_channel_of_every_file_has_a_row(tmp_path):
    codes = [f"XX.{station}..HH{c}" for station in ("AAA", "BBB") for c in "ZNE"]
    for name in ("first", "second"):
        write([trace(code, START, noise()) for code in codes], tmp_path / f"{name}.mseed")
    found = fetched(tmp_path, [str(tmp_path / "*.mseed")])
    assert (found["status"] == "data").sum() == 12
    assert found["path"].dropna().is_monotonic_increasing

"""Archives in object stores, against a real S3 server on loopback; layouts, store and ledger."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import archives
import boto3
import numpy as np
import obspy
import pandas as pd
import pytest
import servers
from pydantic import ValidationError

from quakeline.core.errors import ConfigError, DataError
from quakeline.core.timeline import SECOND, Span
from quakeline.waveforms.sources import store
from quakeline.waveforms.sources.layouts import LAYOUTS
from quakeline.waveforms.sources.ledger import without
from quakeline.waveforms.sources.objects import Objects

FIRST = archives.FIRST.ns
SPAN = Span(FIRST, FIRST + 240 * SECOND)
TEMPLATE = "raw/{net}/{sta}/{year}-{month}-{day}.{loc}.{cha}"
DAY = datetime(2019, 7, 6)


@pytest.fixture(scope="module")
def address():
    with servers.s3() as url:
        yield url


@pytest.fixture(scope="module")
def filled(address, tmp_path_factory):
    """Buckets in the layouts of the public archives."""
    client = client_of(address)
    buckets = {name: layout.bucket for name, layout in LAYOUTS.items()}
    for bucket in [*buckets.values(), "own", "closed"]:
        client.create_bucket(Bucket=bucket)

    def put(bucket, key, content, acl="public-read"):
        client.put_object(Bucket=bucket, Key=key, Body=content, ACL=acl)

    of_station: dict[str, bytes] = {}
    for trace in archives.recordings():
        content = archives.write(trace, tmp_path_factory.mktemp("objects")).read_bytes()
        sta, cha = trace.stats.station, trace.stats.channel
        day = "continuous_waveforms"
        put(buckets["scedc"], f"{day}/2010/2010_147/BW{sta}__{cha}___2010147.ms", content)
        put(buckets["ncedc"], f"{day}/BW/2010/2010.147/{sta}.BW.{cha}..D.2010.147", content)
        put("own", f"raw/BW/{sta}/2010-05-27..{cha}", content)
        put("closed", f"raw/BW/{sta}/2010-05-27..{cha}", content, "private")
        of_station[sta] = of_station.get(sta, b"") + content
    for sta, content in of_station.items():
        put(buckets["earthscope"], f"miniseed/BW/2010/147/{sta}.BW.2010.147#2", content)
        put(buckets["earthscope"], f"miniseed/BW/2010/147/{sta}.BW.2010.147#1", b"old")
    put(buckets["ncedc"], f"{day}/BW/2010/2010.147/BAD.BW.HHZ..D.2010.147", b"no data" * 99)
    return address


def client_of(address):
    return boto3.client(
        "s3",
        endpoint_url=address,
        aws_access_key_id="someone",
        aws_secret_access_key="secret",
        region_name="us-east-1",
    )


def stations(*names: str) -> pd.DataFrame:
    frame = pd.DataFrame({"network": "BW", "station": names or ("UH1", "UH2", "UH3", "UH4")})
    return frame.assign(location="", channel=None, start=None, end=None)


def source(address, layout, **settings):
    return Objects(**{"layout": layout, "endpoint_url": address, "pause_s": 0.02, **settings})


OWN = {"bucket": "own", "template": TEMPLATE}


@pytest.mark.parametrize(
    ("layout", "more"),
    [("scedc", {}), ("ncedc", {}), ("earthscope", {}), ("template", OWN)],
)
def test_every_layout_gives_what_was_put_there(filled, tmp_path, layout, more):
    outcomes: Counter[str] = Counter()

    def notify(outcome, n_bytes):
        outcomes[outcome] += 1

    for _ in range(2):
        got = source(filled, layout, **more).obtain(SPAN, stations(), tmp_path, notify)
        assert got.rows == []
    assert outcomes == {"data": 4, "known": 4}
    found = servers.samples(got.files)
    assert len(found) == 6
    for trace in archives.recordings():
        np.testing.assert_array_equal(found[trace.id], trace.data)


def test_channels_are_chosen(filled, tmp_path):
    some = source(filled, "earthscope", channels=["SHN", "SHE"])
    got = some.obtain(SPAN, stations("UH3"), tmp_path)
    assert sorted(servers.samples(got.files)) == ["BW.UH3..SHE", "BW.UH3..SHN"]


def test_what_is_absent_or_damaged_is_told(filled, tmp_path):
    got = source(filled, "ncedc").obtain(SPAN, stations("UH1", "BAD", "NONE"), tmp_path)
    rows = {row["station"]: (row["status"], row["reason"]) for row in got.rows}
    assert rows["NONE"] == ("no data", "the store has no object for it")
    assert rows["BAD"][0] == "failed"
    assert "it is not miniSEED but begins with b'no data" in rows["BAD"][1]
    listed = stations("UH1").assign(channel=["SHZ"])
    both = pd.concat([listed, listed.assign(channel="SHN")])
    (row,) = source(filled, "ncedc", recent_d=0).obtain(SPAN, both, tmp_path / "other").rows
    assert row["reason"] == "the store has no object of .SHN"


def test_credentials_come_from_the_environment(filled, tmp_path, monkeypatch):
    with pytest.raises(DataError, match="closed: access denied"):
        source(filled, "template", template=TEMPLATE, bucket="closed").obtain(
            SPAN, stations("UH1"), tmp_path
        )
    signed = source(filled, "template", template=TEMPLATE, bucket="closed", anonymous=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(ConfigError, match="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        signed.check()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert len(signed.obtain(SPAN, stations("UH1"), tmp_path).files) == 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"bucket": "nowhere"}, r"fetch\.source\.bucket: 'nowhere' does not exist"),
        ({"endpoint_url": "http://127.0.0.1:9", "attempts": 1}, "no answer from http://127"),
    ],
)
def test_stores_that_are_not_there_are_errors(filled, tmp_path, settings, words):
    with pytest.raises(DataError, match=words):
        source(filled, "scedc", **settings).obtain(SPAN, stations("UH1"), tmp_path)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"layout": "template"}, "template is given with layout: template"),
        ({"layout": "scedc", "template": "{net}"}, "and only then"),
        ({"layout": "template", "template": "{net}"}, "needs a bucket"),
        ({"layout": "template", "bucket": "b", "template": "{network}"}, "'?{network}'? given"),
    ],
)
def test_wrong_templates_are_refused(settings, words):
    with pytest.raises(ValidationError, match=words):
        Objects(**settings)


@pytest.mark.parametrize(
    ("layout", "codes", "prefix", "key", "parts"),
    [
        (
            "scedc",
            ("CI", "GSC"),
            "continuous_waveforms/2019/2019_187/CIGSC__",
            "continuous_waveforms/2019/2019_187/CIGSC__HHZ___2019187.ms",
            {"cha": "HHZ", "loc": "___"},
        ),
        (
            "ncedc",
            ("BK", "MERC"),
            "continuous_waveforms/BK/2019/2019.187/MERC.BK.",
            "continuous_waveforms/BK/2019/2019.187/MERC.BK.HNZ.00.D.2019.187",
            {"cha": "HNZ", "loc": "00"},
        ),
        (
            "earthscope",
            ("UW", "ALCT"),
            "miniseed/UW/2019/187/ALCT.UW.2019.187",
            "miniseed/UW/2019/187/ALCT.UW.2019.187#12",
            {"version": "12"},
        ),
        (
            "earthscope",
            ("UW", "ALCT"),
            "miniseed/UW/2019/187/ALCT.UW.2019.187",
            "miniseed/UW/2019/187/ALCT.UW.2019.187",
            {"version": None},
        ),
    ],
)
def test_names_are_those_of_the_archives(layout, codes, prefix, key, parts):
    known = LAYOUTS[layout]
    assert known.prefix(*codes, DAY) == prefix
    assert key.startswith(prefix)
    match = known.pattern(*codes, DAY).fullmatch(key)
    assert match is not None
    assert match.groupdict() == parts
    assert known.pattern(*codes, DAY).fullmatch(key.replace("187", "188")) is None


def test_records_are_filed_by_day_once_and_in_order(tmp_path):
    """A recording of ten minutes around midnight, written in two parts that overlap."""
    samples = np.random.default_rng(1).integers(-999, 999, 60_000).astype("i4")
    codes = {"network": "XX", "station": "AAA", "channel": "HHZ", "sampling_rate": 100.0}
    trace = obspy.Trace(samples, {**codes, "starttime": obspy.UTCDateTime("2019-12-31T23:55:00")})
    records, damage = store.split(archives.write(trace, tmp_path).read_bytes())
    assert damage == ""
    half = len(records) // 2
    assert store.add(tmp_path / "sds", records[half - 3 :]) > 0
    assert store.add(tmp_path / "sds", records[:half]) > 0
    assert store.add(tmp_path / "sds", records) == 0
    whole = Span(trace.stats.starttime.ns, trace.stats.endtime.ns)
    paths = store.holdings(tmp_path / "sds", ("XX", "AAA"), whole, [("", "HH?")])
    assert [path.name[-8:] for path in paths] == ["2019.365", "2020.001"]
    contents = [store.split(path.read_bytes())[0] for path in paths]
    assert [r for part in contents for r in part] == records
    np.testing.assert_array_equal(servers.samples(paths)["XX.AAA..HHZ"], samples)
    assert store.holdings(tmp_path / "sds", ("XX", "AAA"), whole, [("*", "HHN")]) == []

    # A day file that breaks off: new records are added, and what it held stays beside it.
    last = contents[1]
    for n, end in enumerate(("", "1")):
        broken = last[0].content + b"notes of the user" * (n + 1)
        paths[1].write_bytes(broken)
        assert store.add(tmp_path / "sds", last) > 0
        assert store.split(paths[1].read_bytes()) == (last, "")
        assert paths[1].with_name(f"{paths[1].name}.damaged{end}").read_bytes() == broken
    assert store.holdings(tmp_path / "sds", ("XX", "AAA"), whole, [("", "HH?")]) == paths


@pytest.mark.parametrize(
    ("covered", "left"),
    [
        ([], [(0, 9)]),
        ([(0, 9)], []),
        ([(3, 5)], [(0, 3), (5, 9)]),
        ([(5, 7), (2, 6), (8, 20)], [(0, 2), (7, 8)]),
        ([(-5, 0), (9, 12)], [(0, 9)]),
    ],
)
def test_what_is_left_of_a_span(covered, left):
    assert without(Span(0, 9), [Span(*c) for c in covered]) == [Span(*part) for part in left]

"""Results in an object store: a real S3 server on loopback, through Snakemake's storage plug-in."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import servers
import yaml
from runs import WIDE, refused
from synthetics import two_events
from workfolder import WorkFolder

from quakeline.core.errors import ConfigError
from quakeline.workflow.cluster import read_site
from quakeline.workflow.object_store import ObjectStore

KEYS = {"AWS_ACCESS_KEY_ID": "who", "AWS_SECRET_ACCESS_KEY": "secret"}
BUCKET = "catalogs"
OVERLAY = """\
run: stored
time: {start: 2020-05-01T00:00:00Z, end: 2020-05-01T01:00:00Z, chunk_h: 1}
stations: {table: stations.csv}
import_picks: {table: bare.csv}
velocity: {table: velocity.csv}
associate: {min_picks: 8}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with servers.s3() as url:
        client(url).create_bucket(Bucket=BUCKET)
        yield url


def client(url: str) -> Any:
    return boto3.client(
        "s3", endpoint_url=url, aws_access_key_id="who", aws_secret_access_key="secret"
    )


def keys(url: str, folder: str) -> dict[str, bytes]:
    """Objects below a folder of the bucket, by their paths there."""
    store = client(url)
    pages = store.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{folder}/")
    names = [item["Key"] for page in pages for item in page.get("Contents", [])]
    read = {name: store.get_object(Bucket=BUCKET, Key=name)["Body"].read() for name in names}
    return {name.removeprefix(f"{folder}/"): content for name, content in read.items()}


def furnished(folder: Path, url: str = "", place: str = "") -> WorkFolder:
    """Where a run on picks can begin, with its results in the bucket if an address is given."""
    bare = WorkFolder.furnished(folder)
    if url:
        site = {"results": {"url": place, "endpoint_url": url}}
        (folder / "config/site.yaml").write_text(yaml.safe_dump(site), encoding="utf-8")
    _, picks = two_events(folder)
    picks.to_csv(folder / "bare.csv", index=False)
    return WorkFolder(bare.folder, environment={**WIDE, **KEYS})


def digests(results: Path) -> dict[str, str]:
    """SHA-256 of the tables, which do not tell where and when they were made."""
    tables = sorted(results.rglob("*.parquet"))
    return {
        str(path.relative_to(results)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in tables
    }


def test_a_run_in_the_bucket_is_a_run_and_goes_on_elsewhere(server: str, tmp_path: Path) -> None:
    """All files lie in the bucket and here; another machine has them without one more job."""
    plain = furnished(tmp_path / "plain")
    stored = furnished(tmp_path / "stored", server, f"s3://{BUCKET}/mine")
    for place in (plain, stored):
        done = place.quakeline("run", place.overlay(OVERLAY), "--cores", "1")
        assert done.returncode == 0, done.stdout + done.stderr
    results = stored.folder / "results/stored"
    assert digests(results) == {
        name: digest
        for name, digest in digests(plain.folder / "results/stored").items()
        if name != "ids.parquet"
    }
    kept = keys(server, "mine/results/stored")
    for name in ("catalog/events.parquet", "catalog/catalog.qml", "report.html", "stations.xml"):
        assert kept[name] == (results / name).read_bytes()
    other = furnished(tmp_path / "other", server, f"s3://{BUCKET}/mine")
    for name in ("bare.csv", "stations.csv", "velocity.csv"):
        shutil.copy2(stored.folder / name, other.folder / name)
    overlay = other.overlay(OVERLAY)
    shutil.copytree(stored.folder / "config", other.folder / "config", dirs_exist_ok=True)
    assert other.planned("--configfile", overlay) == {"bring": 1}
    done = other.quakeline("run", overlay, "--cores", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert digests(other.folder / "results/stored") == digests(results)


@pytest.mark.parametrize(
    ("url", "endpoint", "told"),
    [
        ("s3://absent/mine", None, "bucket 'absent': does not exist"),
        (f"s3://{BUCKET}", "http://127.0.0.1:9", "Could not connect to the endpoint URL"),
    ],
)
def test_a_bucket_that_does_not_answer_is_told_before_the_run(
    server: str, tmp_path: Path, url: str, endpoint: str | None, told: str
) -> None:
    place = furnished(tmp_path, endpoint or server, url)
    refused(place.quakeline("run", place.overlay(OVERLAY), "--cores", "1"), told)
    assert client(server).list_buckets()["Buckets"][0]["Name"] == BUCKET


def test_credentials_are_asked_for(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    with pytest.raises(ConfigError, match="no credentials; set AWS_ACCESS_KEY_ID"):
        ObjectStore(url=f"s3://{BUCKET}", endpoint_url=server).require()


@pytest.mark.parametrize(
    ("results", "told"),
    [
        ({"url": "gs://bucket"}, "'gs://bucket' given; allowed: s3://BUCKET or s3://BUCKET/FOLDER"),
        ({"url": "s3://bucket/a b"}, "'s3://bucket/a b' given; allowed: s3://BUCKET"),
        ({"url": "s3://bucket", "endpoint_url": "ftp://x"}, "'ftp://x' given; allowed: http://"),
        ({}, "results.url is required"),
    ],
)
def test_what_is_no_address_is_refused(tmp_path: Path, results: dict[str, str], told: str) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/site.yaml").write_text(yaml.safe_dump({"results": results}))
    with pytest.raises(ConfigError) as raised:
        read_site(tmp_path)
    assert told in str(raised.value)


@pytest.mark.slow
def test_stores_that_are_kept_go_to_the_bucket(server: str, tmp_path: Path) -> None:
    """The demo with waveforms and probabilities kept: both are whole in the bucket."""
    places = [
        WorkFolder.furnished(tmp_path / "plain"),
        furnished(tmp_path / "stored", server, f"s3://{BUCKET}/stores"),
    ]
    for place in places:
        overlay = place.demo_overlay("keep: [waveforms, probabilities]\nrun: kept\n")
        done = place.quakeline("run", overlay, "--cores", "1")
        assert done.returncode == 0, done.stdout + done.stderr
    kept = keys(server, "stores/results/kept")
    plain = places[0].folder / "results/kept"
    for kind in ("waveforms", "probabilities"):
        chunks = [
            path for path in (plain / kind).rglob("*") if path.is_file() and "c" in path.parts
        ]
        assert chunks
        for path in chunks:
            assert kept[str(path.relative_to(plain))] == path.read_bytes()
    name = "catalog/events.parquet"
    assert digests(places[1].folder / "results/kept")[name] == digests(plain)[name]

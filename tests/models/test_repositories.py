"""A real HTTP server on loopback stands for the repository's."""

import hashlib
import socket
import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from quakeline.core.errors import OutputError, WeightsError
from quakeline.models import originals, repositories, weights
from quakeline.models.cards import SPEC_CNN_V2, Repository, SourceFile

# http.client leaves the socket of an answer that is not HTTP to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

CONTENT = b"weights" * 1000
FILE = SourceFile("WEIGHTS/some model.h5", hashlib.sha256(CONTENT).hexdigest())


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder and counts requests."""

    protocol_version = "HTTP/1.1"
    requests: list[str]

    def do_GET(self) -> None:
        self.requests.append(self.path)
        match Path(self.path).name:
            case "short":
                self._answer(b"half", length=1000)
            case "broken":
                self.wfile.write(b"this is not HTTP\r\n\r\n")
                self.close_connection = True
            case "silent":
                threading.Event().wait(1)
                self.close_connection = True
            case _:
                super().do_GET()

    def _answer(self, content: bytes, length: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = True

    def log_message(self, *_) -> None: ...


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("QUAKELINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path) -> Path:
    path = tmp_path / "served" / FILE.path
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    return tmp_path / "served"


@pytest.fixture
def requests() -> list[str]:
    return []


@pytest.fixture
def url(folder, requests):
    kind = type("Counting", (Handler,), {"requests": requests})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(kind, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def refused(source: Repository) -> str:
    with pytest.raises(WeightsError) as caught:
        repositories.fetch(source)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("slash", ["", "/"])
def test_files_come_from_the_server(url, requests, cache, slash):
    (path,) = repositories.fetch(Repository(url + slash, (FILE,)))
    assert path.read_bytes() == CONTENT
    assert path.name == "some model.h5"
    assert cache in path.parents
    assert [found.name for found in path.parent.iterdir()] == [path.name]
    assert requests == ["/WEIGHTS/some%20model.h5"]


def test_second_time_from_the_cache(url, requests):
    source = Repository(url, (FILE,))
    assert repositories.fetch(source) == repositories.fetch(source)
    assert len(requests) == 1


def test_damaged_cache_is_fetched_again(url, requests, caplog):
    source = Repository(url, (FILE,))
    repositories.fetch(source)[0].write_bytes(b"other")
    assert repositories.fetch(source)[0].read_bytes() == CONTENT
    assert len(requests) == 2
    assert "is damaged; fetching it again" in caplog.text


def test_another_content_is_refused_and_not_kept(url, cache):
    message = refused(Repository(url, (replace(FILE, sha256="0" * 64),)))
    assert f"{url}/WEIGHTS/some%20model.h5 has the SHA-256 {FILE.sha256}; expected 0000" in message
    assert not cache.exists()


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("none", "HTTP Error 404"),
        ("short", "IncompleteRead"),
        ("broken", "this is not HTTP"),
        ("silent", "no answer within 0.2 s"),
    ],
)
def test_failures_name_both_ways(url, path, reason, monkeypatch, cache):
    monkeypatch.setattr(repositories, "TIMEOUT_S", 0.2)
    message = refused(Repository(url, (SourceFile(path, FILE.sha256),)))
    assert message.startswith(f"cannot fetch {url}/{path} (")
    assert reason in message
    assert message.endswith(
        "either let this machine reach it, or give weights.path: a .safetensors file, a folder"
        f" with the original files, or {path}"
    )
    assert not cache.exists()


def test_nobody_listens():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        message = refused(Repository(f"http://127.0.0.1:{taken.getsockname()[1]}", (FILE,)))
    assert "Connection refused" in message


def test_unknown_host():
    assert "cannot fetch https://no-such-host.invalid/" in refused(
        Repository("https://no-such-host.invalid", (FILE,))
    )


def test_cache_that_cannot_be_written(url, cache):
    cache.write_text("a file where a folder should be")
    with pytest.raises(OutputError, match=r"cannot keep downloads in .*QUAKELINE_CACHE"):
        repositories.fetch(Repository(url, (FILE,)))


def test_the_real_files_from_a_server(url, folder, shared):
    (file,) = SPEC_CNN_V2.source.files
    original = shared / "weights" / "seismo_performer" / file.name
    (folder / file.path).write_bytes(original.read_bytes())
    card = replace(SPEC_CNN_V2, source=replace(SPEC_CNN_V2.source, url=url))
    fetched, given = originals.obtain(card, None), originals.obtain(card, str(original))
    assert weights.weights_id(fetched[0]) == weights.weights_id(given[0])
    assert fetched[1] == given[1]

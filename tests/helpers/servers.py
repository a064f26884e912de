"""Real servers on loopback: FDSN dataselect behind a front that can fail, and S3."""

from __future__ import annotations

import http.client
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO, StringIO
from itertools import product
from pathlib import Path
from threading import Lock, Thread
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import numpy as np
import obspy
import pytest
from filelock import FileLock

#: portable-fdsnws-dataselect needs an older pymseed than quakeline: it has a venv of its own.
PACKAGES = ("portable-fdsnws-dataselect==2.0.2", "mseedindex==3.0.8")
RECORD = 512


def made_venv(place: Path) -> str:
    """Make the venv of the dataselect server; returns why that cannot be done, or nothing."""
    done = place / "done"
    with FileLock(f"{place}.lock"):
        if not done.exists():
            subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
            command = [str(place / "bin/pip"), "install", "--quiet", *PACKAGES]
            made = subprocess.run(command, capture_output=True, text=True, check=False)
            why = f"no venv with {PACKAGES[0]} can be made: {' '.join(made.stderr.split())[-200:]}"
            done.write_text(why if made.returncode else "")
    return done.read_text()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def until_open(port: int, process: subprocess.Popen[bytes], limit_s: float = 30.0) -> None:
    """Wait until a server takes connections."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"the server on port {port} did not start (exit code {process.poll()})")


@contextmanager
def dataselect(programs: Path, files: list[Path], folder: Path, *, mended: bool) -> Iterator[int]:
    """A dataselect server of some miniSEED files; gives its port.

    Unless it is mended it answers windows that end inside the last index interval of a file with
    less than it has.
    """
    folder.mkdir(parents=True, exist_ok=True)
    base, port = folder / "index.sqlite", free_port()
    subprocess.run([programs / "mseedindex", "-sqlite", base, *files], check=True)
    if mended:
        import sqlite3

        with sqlite3.connect(base) as connection:
            connection.execute("UPDATE tsindex SET timeindex=replace(timeindex,',latest=>1','')")
    settings = folder / "server.ini"
    settings.write_text(
        f"[index_db]\npath = {base}\ntable = tsindex\nsummary_table = tsindex_summary\n[server]\n"
        f"interface = 127.0.0.1\nport = {port}\n[logging]\npath = {folder / 'server.log'}\n"
    )
    program = programs / "portable-fdsnws-dataselect"
    subprocess.run([program, "-i", settings], check=True, capture_output=True)
    process = subprocess.Popen(
        [program, settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until_open(port, process)
        yield port
    finally:
        process.terminate()
        process.wait()


@dataclass
class Front:
    """A data centre: the dataselect server behind a front with a station and a routing service.

    `faults` are what happens to the next requests for data, in turn: `drop`, `429`, `503`, `413`,
    `broken` (the connection ends early), `third` (it ends after the first channel), `cut` (bytes
    are missing at the end), `half` (whole
    records are missing), `204`; `always` happens to all. `asked` lists the lines of each request.
    """

    inventory: obspy.Inventory
    upstream: int
    port: int = 0
    faults: list[str] = field(default_factory=list)
    always: str = ""
    #: A station and a time (ISO 8601): requests that hold it are refused.
    refused: tuple[str, str] | None = None
    wish: str = "0"
    asked: list[list[str]] = field(default_factory=list)
    stations_asked: list[str] = field(default_factory=list)
    most_at_once: int = 0
    slow_s: float = 0.0
    users: dict[str, str] = field(default_factory=dict)
    _now: int = 0
    lock: Lock = field(default_factory=Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def routing_url(self) -> str:
        return f"{self.url}/routing"

    def refuses(self, lines: list[str]) -> bool:
        words = [line.split() for line in lines]
        station, time = self.refused or ("", "")
        return any(w[1] == station and w[4] <= time < w[5] for w in words)

    def fault(self) -> str:
        with self.lock:
            return self.faults.pop(0) if self.faults else self.always

    def wait(self) -> None:
        """Wait `slow_s`, counting those who wait.

        It ends before the answer: whoever has the answer may ask again before this thread goes on.
        """
        with self.lock:
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        time.sleep(self.slow_s)
        with self.lock:
            self._now -= 1

    def from_server(self, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=30)
        connection.request("POST", "/fdsnws/dataselect/1/query", body)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def stations(self, query: str) -> tuple[int, bytes]:
        """The station service: StationXML or text of what a query selects."""
        self.stations_asked.append(query)
        given = {key: values[-1] for key, values in parse_qs(query).items()}
        names = {"net": "network", "sta": "station", "loc": "location", "cha": "channel"}
        names |= {"minlat": "minlatitude", "maxlat": "maxlatitude"}
        names |= {"minlon": "minlongitude", "maxlon": "maxlongitude"}
        given = {names.get(key, key): value for key, value in given.items()}
        options: dict[str, Any] = {}
        for key in ("network", "station", "location", "channel"):
            if key in given:
                options[key] = given[key].replace("--", "")
        for key in ("minlatitude", "maxlatitude", "minlongitude", "maxlongitude"):
            if key in given:
                options[key] = float(given[key])
        for key in ("starttime", "endtime"):
            if key in given:
                options[key] = obspy.UTCDateTime(given[key])
        found = obspy.Inventory()
        names_of = ("network", "station", "location", "channel")
        for codes in product(*(options.pop(name, "*").split(",") for name in names_of)):
            chosen = dict(zip(names_of, codes, strict=True))
            found += self.inventory.select(**options, **chosen)
        if not found.networks:
            return 204, b""
        level = given.get("level", "station")
        if given.get("format") == "text":
            text = StringIO()
            found.write(text, format="STATIONTXT", level=level)
            return 200, text.getvalue().encode()
        content = BytesIO()
        found.write(content, format="STATIONXML", level=level)
        return 200, content.getvalue()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    front: ClassVar[Front]

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        path = urlsplit(self.path)
        if path.path == "/fdsnws/station/1/query":
            fault = self.front.fault()
            if fault in ("429", "503"):
                self._answer(int(fault))
            else:
                code, content = self.front.stations(path.query)
                self._answer(code, content[: len(content) // 2] if fault == "cut" else content)
        else:
            self._answer(404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("/eida-routing/query"):
            self._route(body, "")
        elif self.path.endswith("/iris-federator/query"):
            self._route(body, "DATASELECTSERVICE=")
        elif self.path.endswith("/dataselect/1/auth"):
            self._answer(200, b"someone:secret")
        elif self.path == "/fdsnws/dataselect/1/queryauth" and not self._known():
            challenge = 'Digest realm="FDSN", nonce="n1", qop="auth"'
            self._answer(401, headers={"WWW-Authenticate": challenge})
        elif self.path.startswith("/fdsnws/dataselect/1/query"):
            self.front.wait()
            self._data(body)
        else:
            self._answer(404)

    def _route(self, body: bytes, label: str) -> None:
        """Answer like the routing services of EIDA and EarthScope: an address, then its lines."""
        lines = [line for line in body.decode().splitlines() if "=" not in line]
        head = ["DATACENTER=HERE,http://127.0.0.1"] if label else []
        address = f"{label}{self.front.url}/fdsnws/dataselect/1/query"
        self._answer(200, "\n".join([*head, address, *lines]).encode())

    def _known(self) -> bool:
        """Whether the answer to the challenge (RFC 7616, MD5) proves one of the users."""
        from hashlib import md5

        given = dict(re.findall(r'(\w+)="?([^",]+)', self.headers.get("Authorization", "")))
        if given.get("username") not in self.front.users:
            return False
        secret = self.front.users[given["username"]]

        def digest(text: str) -> str:
            return md5(text.encode()).hexdigest()

        first = digest(f"{given['username']}:FDSN:{secret}")
        second = digest(f"POST:{self.path}")
        proof = f"{first}:n1:{given['nc']}:{given['cnonce']}:auth:{second}"
        return digest(proof) == given["response"]

    def _data(self, body: bytes) -> None:
        self.front.asked.append(body.decode().split("\n")[:-1])
        fault = "403" if self.front.refuses(self.front.asked[-1]) else self.front.fault()
        if fault == "drop":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if fault in ("429", "503", "413", "403", "204"):
            headers = {"Retry-After": self.front.wish} if fault in ("429", "503") else {}
            self._answer(int(fault), headers=headers)
            return
        code, content = self.front.from_server(body)
        whole = len(content)
        if fault in ("broken", "cut"):
            content = content[: whole // 2 + 100]
        if fault == "third":
            records = [content[n : n + RECORD] for n in range(0, whole, RECORD)]
            content = b"".join(r for r in records if r[15:18] == records[0][15:18])
        if fault == "half":
            content = content[: whole // 2 // RECORD * RECORD]
        if fault == "html":
            code, content = 200, b"<html>Our archive moves today</html>"
        self._answer(code, content, whole if fault in ("broken", "third") else None)

    def _answer(
        self,
        code: int,
        content: bytes = b"",
        length: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.send_response(code)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if code != 204:
            self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        self.wfile.write(content)
        if length is not None:
            self.close_connection = True


@contextmanager
def front(inventory: obspy.Inventory, upstream: int) -> Iterator[Front]:
    """A data centre before a dataselect server."""
    place = Front(inventory, upstream)
    handler = type("Handler", (_Handler,), {"front": place})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    place.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield place
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def s3() -> Iterator[str]:
    """An S3 server; gives its address."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until_open(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def inventory_of(stream: obspy.Stream) -> obspy.Inventory:
    """StationXML of recordings: invented places, one gain for all."""
    from obspy.core.inventory import Channel, Network, Response, Station

    networks: dict[str, dict[str, Station]] = {}
    for trace in stream:
        codes = trace.stats
        stations = networks.setdefault(codes.network, {})
        place = (48.0 + 0.01 * len(stations), 11.6, 400.0)
        station = stations.setdefault(codes.station, Station(codes.station, *place))
        if codes.channel in [channel.code for channel in station]:
            continue
        station.channels.append(
            Channel(
                codes.channel,
                codes.location,
                station.latitude,
                station.longitude,
                400.0,
                0.0,
                azimuth={"E": 90.0}.get(codes.channel[-1], 0.0),
                dip=-90.0 if codes.channel[-1] == "Z" else 0.0,
                sample_rate=codes.sampling_rate,
                start_date=obspy.UTCDateTime(2000, 1, 1),
                response=Response.from_paz([0j, 0j], [-4.4 + 4.4j, -4.4 - 4.4j], 1e8),
            )
        )
    return obspy.Inventory(
        networks=[Network(code, stations=list(found.values())) for code, found in networks.items()]
    )


def samples(paths: list[Path]) -> dict[str, np.ndarray]:
    """All samples of files by channel, in order of time."""
    stream = obspy.Stream()
    for path in paths:
        stream += obspy.read(str(path))
    stream.merge(-1)
    found: dict[str, np.ndarray] = {}
    for trace in sorted(stream, key=lambda t: (t.id, t.stats.starttime)):
        found[trace.id] = np.concatenate([found.get(trace.id, trace.data[:0]), trace.data])
    return found

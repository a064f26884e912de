"""`quakeline view` as a process: it serves, ends with Ctrl-C, and writes nowhere but where told."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Timer

import pytest
from report_run import RunFiles
from typer.testing import CliRunner

from quakeline import cli
from quakeline.core.errors import ConfigError, DataError


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with results/unterhaching."""
    files = RunFiles(tmp_path_factory.mktemp("view"))
    files.inputs()
    for name in (".checksums", "logs"):
        (files.folder / "results/unterhaching" / name).mkdir()
    return files.folder


@contextmanager
def ending(server):
    """Whatever happens, the server does not outlive the test, nor a minute of silence."""
    limit = Timer(60, server.kill)
    limit.start()
    try:
        yield
    finally:
        limit.cancel()
        server.kill()


def test_it_serves_until_ctrl_c_and_writes_nothing_of_its_own(place):
    before = sorted(place.rglob("*"))
    main = "from quakeline.cli import main; main()"
    command = [sys.executable, "-c", main, "view", "unterhaching", "--no-browser"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with (
        subprocess.Popen(
            command,
            cwd=place,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            preexec_fn=partial(
                signal.signal, signal.SIGINT, signal.SIG_DFL
            ),  # shells may ignore it
        ) as server,
        ending(server),
    ):
        said = server.stdout.readline()
        address = re.fullmatch(
            r"serving  (http://127\.0\.0\.1:\d+/\?token=\S+) \(Ctrl-C ends it\)\n", said
        )[1]
        page = urllib.request.urlopen(address, timeout=20).read().decode()
        server.send_signal(signal.SIGINT)
        rest, _ = server.communicate(timeout=20)
    assert "<h1>unterhaching</h1>" in page
    assert (server.returncode, rest) == (0, "ended\n")
    assert sorted(place.rglob("*")) == before


@pytest.mark.parametrize(
    "target", ["folder", "link.csv", "results/unterhaching/new.csv", "own", "none/p.csv"]
)
def test_places_of_others_are_refused(place, tmp_path, monkeypatch, target):
    monkeypatch.chdir(tmp_path)
    Path("results").symlink_to(place / "results")
    Path("folder").mkdir()
    Path("own").write_text("station,phase,time\n")
    Path("link.csv").symlink_to("own")
    words = ["view", str(place / "results/unterhaching"), "--no-browser", "--picks", target]
    if target.startswith("results"):
        words[-1] = str(place / target)
    result = CliRunner().invoke(cli.app, words)
    assert isinstance(result.exception, ConfigError)
    assert "--picks" in str(result.exception)
    assert Path("own").read_text() == "station,phase,time\n"
    assert not Path("none").exists()


def test_what_is_no_run_is_refused(tmp_path):
    result = CliRunner().invoke(cli.app, ["view", str(tmp_path), "--no-browser"])
    assert isinstance(result.exception, DataError)
    assert "no finished run" in str(result.exception)


def test_a_user_without_a_name_is_a_number(monkeypatch):
    """As in a container with a user of its own."""
    from quakeline.commands import view

    def nobody(*_):
        raise KeyError("getpwuid(): uid not found: 12345")

    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)
    assert view._user() == f"user {os.getuid()}"


def test_the_browser_may_wait_for_its_page(place, monkeypatch):
    """One of the terminal comes back when it is closed; it is served before."""
    import webbrowser

    from quakeline.report.view.server import Server

    seen = []

    def read(address):
        try:
            seen.append(urllib.request.urlopen(address, timeout=20).read().decode())
        finally:
            servers.get(timeout=20).shutdown()  # else the command would serve for ever

    servers = SimpleQueue()
    serve = Server.serve_forever
    monkeypatch.setattr(Server, "serve_forever", lambda one: (servers.put(one), serve(one)))
    monkeypatch.setattr(webbrowser, "open", read)
    words = ["view", str(place / "results/unterhaching")]
    result = CliRunner().invoke(cli.app, words)
    assert result.exit_code == 0, result.output
    assert "<h1>unterhaching</h1>" in seen[0]


def test_a_port_that_is_taken_is_told(place):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        words = ["view", str(place / "results/unterhaching"), "--no-browser"]
        result = CliRunner().invoke(cli.app, [*words, "--port", str(taken.getsockname()[1])])
    assert isinstance(result.exception, ConfigError)
    assert "cannot be used" in str(result.exception)

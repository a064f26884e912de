"""A real Grid Engine cell on this machine: one master and one execution daemon on loopback.

Root and Debian's packages are needed. Everything lives in one folder; daemons are stopped by
their own pid files; an installed cell is left alone.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_PROGRAMS = Path("/usr/lib/gridengine")
_INSTALLED = Path("/var/lib/gridengine")
_SLOTS = 4

_BOOTSTRAP = """\
admin_user none
default_domain none
ignore_fqdn true
spooling_method berkeleydb
spooling_lib libspoolb
spooling_params {folder}/spooldb
binary_path /usr/sbin
qmaster_spool_dir {folder}/qmaster
security_mode none
listener_threads 2
worker_threads 2
scheduler_threads 1
"""
_HOST = """\
hostname localhost
load_scaling NONE
complex_values NONE
user_lists NONE
xuser_lists NONE
projects NONE
xprojects NONE
usage_scaling NONE
report_variables NONE
"""
_SMP = """\
pe_name smp
slots 99
user_lists NONE
xuser_lists NONE
start_proc_args /bin/true
stop_proc_args /bin/true
allocation_rule $pe_slots
control_slaves FALSE
job_is_first_task TRUE
urgency_slots min
accounting_summary FALSE
qsort_args NONE
"""


def available() -> str:
    """Why no cell can be started here; empty where it can."""
    missing = [name for name in ("sge_qmaster", "sge_execd", "qsub")
               if not (_PROGRAMS / name).exists() and not shutil.which(name)]  # fmt: skip
    if missing:
        return f"Grid Engine is not installed: {', '.join(missing)} missing"
    return "" if os.geteuid() == 0 else "a Grid Engine cell for tests needs root"


@dataclass(frozen=True)
class Cell:
    """A running cell, and the variables with which its commands find it."""

    folder: Path
    environment: dict[str, str]

    def ask(self, *command: str) -> str:
        """What a command of Grid Engine prints."""
        done = subprocess.run(
            command,
            env=self._full(),
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout

    def add(self, option: str, text: str) -> None:
        """Add an object of the configuration, as `qconf` takes it from a file."""
        path = self.folder / f"object{option}"
        path.write_text(text, encoding="utf-8")
        self.ask("qconf", option, str(path))

    def jobs(self) -> list[str]:
        """Ids of jobs that wait or run."""
        return [line.split()[0] for line in self.ask("qstat").splitlines()[2:]]

    def start(self, name: str) -> None:
        """Start one of the daemons."""
        subprocess.run([str(_PROGRAMS / name)], env=self._full(), check=True, timeout=60)

    def _full(self) -> dict[str, str]:
        return {**os.environ, **self.environment}


@contextmanager
def started(folder: Path) -> Iterator[Cell]:
    """A cell with a queue `all.q` of four slots, stopped at the end."""
    cell = Cell(folder, _environment(folder))
    _furnish(cell)
    try:
        cell.start("sge_qmaster")
        _wait(lambda: cell.ask("qconf", "-sh"), "the master does not answer")
        _configure(cell)
        cell.start("sge_execd")
        _wait(lambda: "lx-" in cell.ask("qstat", "-f"), "the queue does not get ready")
        yield cell
    finally:
        _stop(folder)


def _environment(folder: Path) -> dict[str, str]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = [str(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return {
        "SGE_ROOT": str(folder),
        "SGE_CELL": "default",
        "SGE_QMASTER_PORT": ports[0],
        "SGE_EXECD_PORT": ports[1],
        "SGE_QMASTER_PIDFILE": str(folder / "qmaster.pid"),
        "SGE_EXECD_PIDFILE": str(folder / "execd.pid"),
    }


def _furnish(cell: Cell) -> None:
    folder = cell.folder
    common = folder / "default/common"
    for place in (common, folder / "qmaster/job_scripts", folder / "spooldb", folder / "execd"):
        place.mkdir(parents=True, exist_ok=True)
    for name in ("bin", "lib", "utilbin", "util"):
        (folder / name).symlink_to(_INSTALLED / name)
    (common / "bootstrap").write_text(_BOOTSTRAP.format(folder=folder))
    (common / "act_qmaster").write_text("localhost\n")
    (common / "host_aliases").write_text(f"localhost {platform.node()}\n")
    spool = ("berkeleydb", "libspoolb", str(folder / "spooldb"), "init")
    cell.ask(str(_PROGRAMS / "spoolinit"), *spool)
    defaults = str(_PROGRAMS / "spooldefaults")
    shared = Path("/usr/share/gridengine")
    text = (shared / "default-configuration").read_text(encoding="utf-8")
    ours = {"min_uid": "0", "min_gid": "0", "mailer": "/bin/true",
            "execd_spool_dir": f"{folder}/execd"}  # fmt: skip
    lines = [f"{key} {ours[key]}" if (key := line.split(" ")[0].split("\t")[0]) in ours else line
             for line in text.splitlines()]  # fmt: skip
    (folder / "configuration").write_text("\n".join(lines) + "\n")
    cell.ask(defaults, "configuration", str(folder / "configuration"))
    cell.ask(defaults, "complexes", str(shared / "util/resources/centry"))
    cell.ask(defaults, "usersets", str(shared / "util/resources/usersets"))
    cell.ask(defaults, "managers", "root")


def _configure(cell: Cell) -> None:
    cell.ask("qconf", "-as", "localhost")
    cell.add("-Ae", _HOST)
    cell.add("-Ahgrp", "group_name @allhosts\nhostlist localhost\n")
    cell.add("-Ap", _SMP)
    ours = {"qname": "all.q", "hostlist": "@allhosts", "slots": str(_SLOTS), "pe_list": "smp",
            "load_thresholds": "NONE"}  # fmt: skip
    cell.add("-Aq", _changed(cell.ask("qconf", "-sq"), ours))
    scheduler = _changed(cell.ask("qconf", "-ssconf"), {"schedule_interval": "0:0:1"})
    cell.add("-Msconf", scheduler)


def _changed(text: str, values: dict[str, str]) -> str:
    """Lines of a configuration, some with other values."""
    lines = [line.split(maxsplit=1) for line in text.splitlines() if len(line.split()) > 1]
    return "\n".join(f"{key} {values.get(key, old)}" for key, old in lines) + "\n"


def _wait(ready: Callable[[], object], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        with suppress(subprocess.SubprocessError):
            if ready():
                return
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.2)


def _stop(folder: Path) -> None:
    for name in ("execd", "qmaster"):
        with suppress(OSError, ValueError):
            os.kill(int((folder / f"{name}.pid").read_text()), signal.SIGKILL)

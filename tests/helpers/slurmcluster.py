"""A real SLURM cluster on this machine: munge, slurmctld and several slurmd on loopback.

Root, Debian's packages and no container are needed. Everything lives in one folder and is stopped
by its own pid files. `/etc/slurm` gets links to its configuration while it runs: jobs start without
SLURM_CONF.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from string import Template

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
_ETC = Path("/etc/slurm")
_FILES = ("slurm.conf", "gres.conf")
#: Pretended cores and memory of a node; the machine may have fewer.
CPUS, MEMORY_MB = 4, 8000

_SLURM_CONF = Template("""\
ClusterName=quakeline
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$folder/munge.socket
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool.%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.%n.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=500
MinJobAge=600
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
SlurmdTimeout=10
KillWait=5
ReturnToService=2
AccountingStorageType=accounting_storage/none
MpiDefault=none
MailProg=/bin/true
GresTypes=gpu
$nodes
PartitionName=cpu Nodes=$cpu_nodes Default=YES MaxTime=INFINITE State=UP OverTimeLimit=0
PartitionName=gpu Nodes=g1 MaxTime=INFINITE State=UP
PartitionName=lone Nodes=$last_node MaxTime=INFINITE State=UP
""")
_GRES_CONF = "AutoDetect=off\nNodeName=g1 Name=gpu Count=1 File=/dev/null\n"


def available() -> str:
    """Why no cluster can be started here; empty where it can."""
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        return f"SLURM is not installed: {', '.join(missing)} missing"
    if os.geteuid() != 0:
        return "a SLURM cluster for tests needs root"
    if any((_ETC / name).exists() and not (_ETC / name).is_symlink() for name in _FILES):
        return f"{_ETC} holds the configuration of another cluster"
    return ""


@dataclass(frozen=True)
class Cluster:
    """A running cluster: its folder and the names of its nodes without a GPU."""

    folder: Path
    cpu_nodes: tuple[str, ...]

    @property
    def nodes(self) -> tuple[str, ...]:
        """All nodes."""
        return (*self.cpu_nodes, "g1")

    def squeue(self, *words: str) -> list[str]:
        """Lines of `squeue` without its header."""
        done = subprocess.run(
            ["squeue", "--noheader", *words], capture_output=True, text=True, check=True, timeout=30
        )
        return [line.strip() for line in done.stdout.splitlines() if line.strip()]

    def jobs(self, folder: Path, rule: str, state: str = "RUNNING") -> list[str]:
        """Ids of jobs with a rule, alone or in a group, that a folder submitted, by their state."""
        lines = self.squeue("--states", state, "--format", "%i|%Z|%k")
        fields = [line.split("|", 2) for line in lines]
        return [job for job, place, comment in fields
                if place == str(folder) and rule in comment.split("_")]  # fmt: skip

    def start_node(self, name: str) -> None:
        """Start the daemon of a node."""
        subprocess.run(["slurmd", "-f", str(self.folder / "slurm.conf"), "-N", name], check=True)

    def kill_node(self, name: str) -> None:
        """Kill the daemon of a node and the jobs' steps that it started, as a node that dies."""
        import psutil

        pid = _pid(self.folder / f"slurmd.{name}.pid")
        steps = [
            process
            for process in psutil.process_iter(["cmdline"])
            if "slurmstepd" in " ".join(process.info["cmdline"] or [])
            and any(f"spool.{name}" in (f.path or "") for f in _files(process))
        ]
        family = [child for step in steps for child in step.children(recursive=True)]
        if pid:
            os.kill(pid, signal.SIGKILL)
        for process in [*steps, *family]:
            with suppress(psutil.Error):
                process.kill()
        with suppress(FileNotFoundError):
            (self.folder / f"slurmd.{name}.pid").unlink()

    def wait_idle(self, seconds: float = 30) -> None:
        """Wait until all nodes are idle."""
        deadline = time.monotonic() + seconds
        while (idle := self._idle()) < len(self.nodes):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{idle} of {len(self.nodes)} nodes are idle; {self.logs()}")
            time.sleep(0.2)

    def _idle(self) -> int:
        done = subprocess.run(
            ["sinfo", "--noheader", "--Node", "--format", "%N %t"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        states = dict(line.split()[:2] for line in done.stdout.splitlines() if line.strip())
        return sum(state == "idle" for state in states.values())

    def logs(self) -> str:
        """The last lines of the daemons' logs."""
        return "\n".join(
            f"{path.name}: {' | '.join(path.read_text(errors='replace').splitlines()[-5:])}"
            for path in sorted(self.folder.glob("*.log"))
        )


@contextmanager
def started(folder: Path, n_cpu_nodes: int = 3) -> Iterator[Cluster]:
    """A cluster of nodes c1, c2, ... and g1, stopped at the end.

    The last c node is partition `lone`, the others are `cpu`; g1 has a GPU and is partition `gpu`.
    """
    cluster = Cluster(folder, tuple(f"c{n + 1}" for n in range(n_cpu_nodes)))
    _configure(cluster)
    try:
        _link(folder)
        _start_munge(folder)
        (folder / "state").mkdir(exist_ok=True)
        subprocess.run(["slurmctld", "-f", str(folder / "slurm.conf")], check=True)
        for name in cluster.nodes:
            (folder / f"spool.{name}").mkdir(exist_ok=True)
            cluster.start_node(name)
        cluster.wait_idle()
        yield cluster
    finally:
        _stop(cluster)


def _configure(cluster: Cluster) -> None:
    ports = _free_ports(len(cluster.nodes) + 1)
    host = platform.node().split(".")[0]
    lines = [
        f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={CPUS}"
        f" RealMemory={MEMORY_MB}{' Gres=gpu:1' if name == 'g1' else ''} State=UNKNOWN"
        for name, port in zip(cluster.nodes, ports[1:], strict=True)
    ]
    text = _SLURM_CONF.substitute(
        host=host,
        port=ports[0],
        folder=cluster.folder,
        nodes="\n".join(lines),
        cpu_nodes=",".join(cluster.cpu_nodes[:-1]),
        last_node=cluster.cpu_nodes[-1],
    )
    cluster.folder.mkdir(parents=True, exist_ok=True)
    (cluster.folder / "slurm.conf").write_text(text)
    (cluster.folder / "gres.conf").write_text(_GRES_CONF)


def _free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _link(folder: Path) -> None:
    _ETC.mkdir(parents=True, exist_ok=True)
    for name in _FILES:
        (_ETC / name).unlink(missing_ok=True)
        (_ETC / name).symlink_to(folder / name)


def _start_munge(folder: Path) -> None:
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    names = ("key-file", "key"), ("socket", "socket"), ("pid-file", "pid"), ("log-file", "log")
    options = [f"--{option}={folder}/munge.{end}" for option, end in names]
    subprocess.run(["munged", "--force", *options, f"--seed-file={folder}/munge.seed"], check=True)


def _stop(cluster: Cluster) -> None:
    with suppress(subprocess.SubprocessError, OSError):
        subprocess.run(["scancel", "--user", "root"], timeout=10, check=False)
        time.sleep(0.5)
    names = [*(f"slurmd.{name}" for name in cluster.nodes), "slurmctld", "munge"]
    pids = [pid for pid in (_pid(cluster.folder / f"{name}.pid") for name in names) if pid]
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 5
    while pids := [pid for pid in pids if Path(f"/proc/{pid}").exists()]:
        if time.monotonic() > deadline:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            break
        time.sleep(0.05)
    for name in _FILES:
        if (_ETC / name).is_symlink():
            (_ETC / name).unlink()


def _pid(path: Path) -> int:
    try:
        return int(path.read_text())
    except (FileNotFoundError, ValueError):
        return 0


def _files(process: object) -> list[object]:
    import psutil

    try:
        return list(process.open_files())  # type: ignore[attr-defined]
    except psutil.Error:
        return []

"""Jobs of Kubernetes that mount the folder of the run: `kubectl`, and a manifest of the site.

Snakemake's own plug-ins for Kubernetes and AWS Batch send jobs to machines that share no files, and
expect every input of every rule in an object store; archives of waveforms are not there. Here a
job is started as on other clusters, by a script in a folder that all machines see.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from quakeline.core.errors import EXIT_CODE, ConfigError, QuakelineError, words_of
from quakeline.workflow.queues.systems import Job, Standing, only_id

#: The manifest of a job, in the folder of the run; this program fills in what a job is.
TEMPLATE = Path("config/kubernetes.yaml")


class Kubernetes:
    """Kubernetes 1.21 or later, by `kubectl`."""

    programs = ("kubectl", "kubectl", "kubectl")

    def submission(self, job: Job) -> list[str]:
        """See `System`. The queue is the value of the label `pool` of nodes, if one is named."""
        words = [sys.executable, "-P", "-m", __name__, "--name", job.name]
        words += ["--threads", str(job.threads), "--memory-mb", str(job.memory_mb)]
        words += ["--runtime-min", str(job.runtime_min)]
        words += ["--pool", job.queue] if job.queue else []
        return [*words, *(word for option in job.options for word in ("--limit", option))]

    def identifier(self, answer: str) -> str:
        """See `System`."""
        return only_id(r"^job\.batch/(\S+)$", answer)

    def question(self, identifier: str) -> list[str]:
        """See `System`."""
        states = "jsonpath=there {.status.conditions[?(@.status=='True')].type}"
        return ["kubectl", "get", "job", identifier, "-o", states]

    def standing(self, code: int, answer: str) -> Standing:
        """See `System`. A job whose image cannot be pulled waits for ever, as one without room."""
        if code:
            return "gone" if "NotFound" in answer else None
        if re.search(r"\b(Complete|Failed)\b", answer):
            return "gone"
        return "stuck" if re.search(r"\bSuspended\b", answer) else "there"


def manifest(template: Any, job: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The manifest of one job: that of the site, with command, folder, resources and time.

    Raises ConfigError where the template is no manifest of a Job with a container.
    """
    made: dict[str, Any] = copy.deepcopy(template) if isinstance(template, dict) else {}
    try:
        if made["kind"] != "Job":
            raise KeyError("kind")
        pod = made["spec"]["template"]["spec"]
        container = pod["containers"][0]
        container["image"]
    except (KeyError, IndexError, TypeError):
        raise ConfigError(
            f"{TEMPLATE}: no manifest of a Job whose first container has an image"
        ) from None
    name = re.sub("[^a-z0-9-]+", "-", job.name.lower()).strip("-")
    about = {key: value for key, value in (made.get("metadata") or {}).items() if key != "name"}
    made["metadata"] = {**about, "generateName": f"{name}-"}
    made["spec"]["backoffLimit"] = 0
    # Of the pod: the time of a whole Job runs on while it waits for a node.
    pod |= {"restartPolicy": "Never", "activeDeadlineSeconds": job.runtime_min * 60}
    if job.pool:
        pod["nodeSelector"] = {**(pod.get("nodeSelector") or {}), "pool": job.pool}
    container |= {"command": ["/bin/sh", str(job.script)], "workingDir": str(folder)}
    container["env"] = _environment(container.get("env") or [])
    memory, further = f"{job.memory_mb}M", dict(word.split("=", 1) for word in job.limit)
    container["resources"] = {
        "requests": {"cpu": str(job.threads), "memory": memory},
        "limits": {"memory": memory, **further},
    }
    return made


def _environment(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Variables of a job: those of the manifest, and those of quakeline that are set here."""
    known = {one.get("name") for one in given}
    ours = [name for name in sorted(os.environ) if name.startswith("QUAKELINE_")]
    return [*given, *({"name": n, "value": os.environ[n]} for n in ours if n not in known)]


def main(words: list[str]) -> int:
    """Create a job for a script and print `job.batch/NAME`; gives the exit code."""
    try:
        made = manifest(_template(), _parser().parse_args(words), Path.cwd())
        done = subprocess.run(
            ["kubectl", "create", "-o", "name", "-f", "-"],
            input=json.dumps(made), text=True, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        print("kubectl is not installed on this machine", file=sys.stderr)  # noqa: T201
        return EXIT_CODE
    except QuakelineError as error:
        print(words_of(error), file=sys.stderr)  # noqa: T201
        return EXIT_CODE
    return done.returncode


def _template() -> Any:
    try:
        return yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"{TEMPLATE} does not exist; `quakeline init NAME --profile kubernetes` writes one"
        ) from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"{TEMPLATE}: {' '.join(str(error).split())}") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {__name__}")
    parser.add_argument("--name", required=True)
    for name in ("--threads", "--memory-mb", "--runtime-min"):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("--pool")
    parser.add_argument("--limit", action="append", default=[], type=_limit)
    parser.add_argument("script", type=Path)
    return parser


def _limit(word: str) -> str:
    if "=" not in word:
        raise argparse.ArgumentTypeError(f"{word!r} given, NAME=NUMBER wanted")
    return word


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

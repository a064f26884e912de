"""What Snakemake's cluster-generic plug-in calls: `submit SYSTEM ... SCRIPT`, `state SYSTEM ID`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from quakeline.core.errors import EXIT_CODE, QuakelineError, words_of
from quakeline.workflow.queues import jobs
from quakeline.workflow.queues.systems import Job
from quakeline.workflow.queues.table import SYSTEMS


def main(words: list[str]) -> int:
    """Do what the words say and print an id or a state; gives the exit code."""
    given = _parser().parse_args(words)
    system = SYSTEMS[given.system]
    try:
        if given.command == "state":
            print(jobs.state(system, given.identifier, _warn))  # noqa: T201
        else:
            print(jobs.submit(system, _job(given), given.script))  # noqa: T201
    except QuakelineError as error:
        print(words_of(error), file=sys.stderr)  # noqa: T201
        return EXIT_CODE
    return 0


def _warn(line: str) -> None:
    print(f"quakeline: {line}", file=sys.stderr)  # noqa: T201


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m quakeline.workflow.queues")
    commands = parser.add_subparsers(dest="command", required=True)
    state = commands.add_parser("state")
    state.add_argument("system", choices=SYSTEMS)
    state.add_argument("identifier")
    submit = commands.add_parser("submit")
    submit.add_argument("system", choices=SYSTEMS)
    submit.add_argument("--name", default="quakeline")
    submit.add_argument("--kind", choices=("cpu", "gpu"), default="cpu", help="of the queue")
    for name in ("--threads", "--memory-mb", "--runtime-min"):
        submit.add_argument(name, type=int, required=True)
    submit.add_argument("script", type=Path)
    return parser


def _job(given: argparse.Namespace) -> Job:
    """A job, with what the site file says of its queue."""
    from quakeline.workflow.cluster import read_site

    site = read_site()
    queue = site.queue(given.kind)
    return Job(
        name=f"quakeline.{given.name}",
        threads=given.threads,
        memory_mb=given.memory_mb,
        runtime_min=given.runtime_min,
        queue=queue.partition if queue else None,
        account=site.account,
        parallel_environment=site.parallel_environment,
        gres=queue.gres if queue else None,
        options=tuple(queue.options) if queue else (),
        logs=jobs.FOLDER.resolve() / "logs",
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

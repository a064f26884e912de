"""Runs one job of the workflow: arguments, logging, threads, provenance, errors.

`workflow/scripts/run_stage.py` hands Snakemake's job object to `run_job`. A mistake of the user or
of the data ends the job with one line on the terminal and in the log, exit code 2, and a small
file `<log>.error` that the command line reads to say what went wrong.
"""

from __future__ import annotations

import inspect
import logging
import os
import sys
import traceback
import typing
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from pydantic import TypeAdapter

from quakeline.core import errors, garbage
from quakeline.core.terminal import mute_deprecations
from quakeline.io.products import checksums, provenance
from quakeline.io.products.atomic import clear_leftovers, full, refusal, writing
from quakeline.workflow.cluster import read_site

logger = logging.getLogger("quakeline")

#: Last word in the log of a job that ended well; the command line looks for it.
DONE = "done"
#: Where the modules of the stages are; a job loads its own alone.
_STAGES = "quakeline.workflow.stages"


def guard_imports() -> None:
    """Let no Python that begins from here on take modules from its working folder."""
    os.environ["PYTHONSAFEPATH"] = "1"


def run_job(job: Any) -> None:
    """Run the stage that a Snakemake job names. `job` is Snakemake's `snakemake` object.

    Raises SystemExit: code 2 for a mistake of the user or the data, 1 for one of the program.
    """
    log = Path(job.log[0])
    marker = log.with_suffix(".error")
    garbage.search_rarely()
    _limit_threads(int(job.threads))
    mute_deprecations()
    try:
        _start_logging(log)
        marker.unlink(missing_ok=True)
        results = checksums.results_of(log)
        for product in job.output:
            clear_leftovers(Path(product))
            checksums.unseal(Path(product), results)
        _require_sound(job, results)
        _run_stage(job)
        elsewhere = read_site().results is not None
        for product in map(Path, job.output):
            if checksums.covers(product, results) or not elsewhere:
                checksums.seal(product, results)
        logger.info("%s: %s", _name(job), DONE)
    except errors.QuakelineError as error:
        _explain(f"{_name(job, error.stage)}: {errors.words_of(error)}", marker)
    except Exception as error:
        if errors.out_of_memory(error):
            logger.info("%s", traceback.format_exc())
            _explain(f"{_name(job)}: {errors.memory_words(error)}", marker)
        if full(error):
            place = error.filename or "a temporary file"
            _explain(f"{_name(job)}: {refusal(error, place)}", marker)
        logger.error("%s: unexpected error\n%s", _name(job), traceback.format_exc())
        sys.exit(1)


def _require_sound(job: Any, results: Path) -> None:
    """Refuse to work on damaged products; they are removed, so that the same command remakes them.

    Stages that are given the stores of all chunks read only parts of them: those are compared by
    their sizes. Raises DataError that names the file.
    """
    for _, given in job.input.items():
        many = not isinstance(given, str)
        for path in map(Path, given if many else [given]):
            wrong = checksums.damage(path, results, digests=not (many and path.is_dir()))
            if wrong:
                checksums.discard(path, results)
                raise errors.DataError(
                    f"damaged: {wrong}; {path} was removed, the same command makes it again"
                )


def _explain(message: str, marker: Path) -> NoReturn:
    """End the job with one line; on a full disk the marker may be missing."""
    logger.error(message)
    with suppress(OSError):
        marker.write_text(message + "\n", encoding="utf-8")
    sys.exit(errors.EXIT_CODE)


def _run_stage(job: Any) -> None:
    stage = import_module(f"{_STAGES}.{job.rule}")
    params = dict(job.params.items())
    given, earlier = params.pop("stage"), params.pop("earlier", None)
    inputs = dict(job.input.items())
    values = {
        **inputs,
        **dict(job.output.items()),
        **params,
        **dict(job.wildcards.items()),
        "threads": int(job.threads),
    }
    if earlier is None:
        run = stage.run
    else:
        before = import_module(f"{_STAGES}.{stage.EARLIER[0]}")
        run = partial(stage.run_with_earlier, earlier=_config(before, earlier))
    arguments = _arguments(run, values)
    made_of = _identify({name: arguments[name] for name in inputs if name in arguments})
    if earlier is not None:
        made_of = _with_earlier(stage, before, earlier, made_of)
    record = provenance.Record(
        stage=job.rule,
        stage_version=given["version"],
        config={**given["config"], **{k: v for k, v in params.items() if _is_setting(v)}},
        inputs=made_of,
    )
    logger.info("%s: version %s, product %s", _name(job), stage.VERSION, record.product_id[:12])
    with provenance.recording(record):
        run(_config(stage, given), **arguments)


def _config(stage: ModuleType, given: dict[str, Any]) -> Any:
    """The section of a stage, of what the parameters of its rule say."""
    kind = getattr(stage, "AnyConfig", stage.Config)
    return TypeAdapter(kind).validate_python(dict(given["config"]))


def _with_earlier(
    stage: ModuleType, before: ModuleType, given: dict[str, Any], inputs: dict[str, str]
) -> dict[str, str]:
    """Inputs by name of a stage that does the work of an earlier one too.

    They are those that it has where each is a job: the product of the earlier one, by the same
    digest, in place of what that is made of.
    """
    name, product = stage.EARLIER
    takes = inspect.signature(before.run).parameters
    record = provenance.Record(
        stage=name,
        stage_version=given["version"],
        config=given["config"],
        inputs={key: digest for key, digest in inputs.items() if key in takes},
    )
    own = inspect.signature(stage.run).parameters
    return {product: record.product_id, **{k: d for k, d in inputs.items() if k in own}}


def _is_setting(value: Any) -> bool:
    return isinstance(value, str | int | float | bool)


def _arguments(run: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Turn Snakemake's strings into what the signature of a stage's run() asks for."""
    hints = typing.get_type_hints(getattr(run, "func", run))
    names = [name for name in inspect.signature(run).parameters if name in values]
    arguments = {}
    for name in names:
        value = values[name]
        if hints[name] is Path:
            value = Path(str(value))
        elif hints[name] == list[Path]:
            value = [Path(value)] if isinstance(value, str) else [Path(str(v)) for v in value]
        arguments[name] = value
    return arguments


def _identify(inputs: dict[str, Any]) -> dict[str, str]:
    digests = {}
    for name, value in inputs.items():
        if isinstance(value, list):
            digests[name] = provenance.digest_of([provenance.identify(path) for path in value])
        else:
            digests[name] = provenance.identify(value)
    return digests


def _name(job: Any, stage: str = "") -> str:
    """The job by its stage, or that of its stages that is given, and its wildcards."""
    return " ".join([stage or job.rule, *dict(job.wildcards.items()).values()])


def _start_logging(log: Path) -> None:
    """Log lines go to the job's log file; warnings and errors also to the terminal.

    Where a line cannot be written (disk full) the job goes on: its products decide.
    """
    logging.raiseExceptions = False
    to_terminal = logging.StreamHandler(sys.stderr)
    to_terminal.setLevel(logging.WARNING)
    to_terminal.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger.handlers[:] = [to_terminal]
    with writing(log):
        log.parent.mkdir(parents=True, exist_ok=True)
        to_file = logging.FileHandler(log, mode="w", encoding="utf-8")
    to_file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.handlers.append(to_file)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").handlers[:] = [to_file]


def _limit_threads(threads: int) -> None:
    """Numeric libraries take the job's threads, not the machine's; set before they load."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)

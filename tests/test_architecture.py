"""The house rules that a program can check: light imports, the stage contract, rules in order."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import get_args, get_type_hints

import pytest
from pydantic import BaseModel
from workfolder import REPOSITORY

from quakeline.core.installed import DAG
from quakeline.workflow.config import Run
from quakeline.workflow.stages.stage import never
from quakeline.workflow.stages.table import STAGES, TABLE

HEAVY = ("torch", "obspy", "xdas", "pandas", "zarr", "scipy", "matplotlib", "pyarrow", "numba")
DIRECTIVES = ("log", "benchmark", "conda", "threads", "resources", "params", "script")
RULE = re.compile(r"^rule (\w+):\n((?:(?:[ \t].*)?\n)*)", re.MULTILINE)

RULES = {
    name: body
    for path in sorted((DAG / "rules").glob("*.smk"))
    for name, body in RULE.findall(path.read_text(encoding="utf-8") + "\n")
}


@pytest.mark.parametrize("module", ["quakeline.workflow.config", "quakeline.cli"])
def test_loading_the_config_leaves_heavy_libraries_out(module: str) -> None:
    program = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not set(HEAVY) & set(loaded)


#: Stages that each chunk of a run has, and those of all events.
_OFTEN = (
    "fetch",
    "prepare",
    "annotate",
    "pick",
    "measure",
    "das_index",
    "das_annotate",
    "das_pick",
)
_ONCE = ("associate", "locate", "magnitude", "classify", "merge")


@pytest.mark.parametrize("stage", [*_OFTEN, *_ONCE])
def test_a_job_begins_with_the_module_of_its_own_stage_alone(stage: str) -> None:
    program = f"import sys, quakeline.workflow.runner, {STAGES[stage].module.__name__}"
    loaded = subprocess.run(
        [sys.executable, "-c", f"{program}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    whole = {"quakeline.workflow.config", "quakeline.workflow.stages.table"}
    others = {known.module.__name__ for name, known in STAGES.items() if name != stage}
    assert not (set(HEAVY) | whole | others) & set(loaded)


@pytest.mark.parametrize("words", [["config", "check", "unterhaching"], ["plan", "unterhaching"]])
def test_looking_at_a_run_loads_nothing_that_computes(words: list[str]) -> None:
    """Each of them would take a tenth of a CPU second to a whole one, and nothing is computed."""
    program = f"""
import sys
from quakeline import cli
sys.argv = {["quakeline", *words]}
try:
    cli.main()
finally:
    print(*sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=REPOSITORY
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "quakeline.workflow.config" in loaded, done.stderr
    assert not {"torch", "xdas", "openvino", "zarr", "numba", "matplotlib", "snakemake"} & loaded
    assert not {"scipy.signal", "scipy.stats", "scipy.sparse", "xarray", "dask"} & loaded


@pytest.mark.parametrize("stage", [stage.module for stage in TABLE], ids=STAGES)
def test_stage_keeps_the_contract(stage: ModuleType) -> None:
    assert isinstance(stage.VERSION, int)
    assert issubclass(stage.Config, BaseModel)
    hints = get_type_hints(stage.run)
    assert hints["return"] is type(None)
    first, *others = inspect.signature(stage.run).parameters.values()
    assert first.name == "config"
    assert hints["config"] is stage.Config
    for parameter in others:
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY, parameter.name
        assert hints[parameter.name] in (Path, list[Path], str, int, float, bool), parameter.name


def test_every_stage_has_a_rule_of_its_name() -> None:
    assert set(RULES) == set(STAGES)


def _sections(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for part in _parts(field.annotation):
            yield from _sections(part)


def _parts(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _parts(argument)


def test_every_setting_is_described() -> None:
    silent = [
        f"{section.__module__}.{section.__qualname__}.{name}"
        for section in _sections(Run)
        for name, field in section.model_fields.items()
        if not field.description and not list(_parts(field.annotation))
    ]
    assert silent == []


def test_every_section_is_strict_and_frozen() -> None:
    for section in _sections(Run):
        assert section.model_config["extra"] == "forbid", section
        assert section.model_config["frozen"], section


@pytest.mark.parametrize("name", RULES)
def test_rule_declares_everything(name: str) -> None:
    given = set(re.findall(r"^    (\w+):", RULES[name], re.MULTILINE))
    assert set(DIRECTIVES) - given == set()
    assert not given & {"run", "shell"}
    assert f'stage=RUN.params("{name}")' in RULES[name]
    for words in ("log_of", "benchmark_of", "**resources_of"):
        assert f'{words}("{name}"' in RULES[name]
    is_local = f'    localrule: is_local("{name}")\n' in RULES[name]
    assert is_local == (STAGES[name].local is not never)


#: Functions of common.smk that give plain text for the products of rules.
_PLAIN = r"(?:path_of|every|of_fibres|when_kept|waveforms_for_polarities)\("
_OUTPUT_OBJECT = re.compile(r"rules\.\w+\.output\.\w+")


def _objects_among_chunks(body: str) -> list[str]:
    """Outputs of rules, as objects, among the inputs of a rule that takes those of all chunks."""
    inputs = re.split(r"^    \w+:.*\n", body.split("    input:\n")[-1], flags=re.MULTILINE)[0]
    if not re.search(r"_CHUNKS|\bPICKS\b|of_fibres|benchmarks_before", inputs):
        return []
    return _OUTPUT_OBJECT.findall(re.sub(_PLAIN + r"rules[\w.]+", "", inputs))


def test_inputs_of_all_chunks_are_plain_text() -> None:
    """Snakemake would hash the whole list once for each chunk (see `path_of`)."""
    assert _objects_among_chunks(
        "    input:\n        picks=PICKS,\n        events=rules.merge.output.events,\n    output:\n"
    ) == ["rules.merge.output.events"]
    found = {name: _objects_among_chunks(body) for name, body in RULES.items()}
    assert {name: objects for name, objects in found.items() if objects} == {}
    shared = (DAG / "rules/common.smk").read_text(encoding="utf-8")
    assert _OUTPUT_OBJECT.findall(re.sub(_PLAIN + r"rules[\w.]+", "", shared)) == []


@pytest.mark.parametrize("name", RULES)
def test_rule_and_stage_name_the_same_files(name: str) -> None:
    wanted = set(inspect.signature(STAGES[name].module.run).parameters) - {"config"}
    body = RULES[name]
    declared = set(re.findall(r"^        (\w+)=", body, re.MULTILINE))
    for product in STAGES[name].products:
        assert f'        {product}=product("{name}", "{product}"),' in body
    wildcards = set(re.findall(r"{(\w+)}", STAGES[name].log))
    assert wanted <= (declared - {"stage", "mem_mb", "runtime"}) | wildcards | {"threads"}

"""The table of stages against the workflow and `quakeline plan`, for runs of each kind."""

from __future__ import annotations

import re
from collections import Counter
from typing import get_args

import pytest
import yaml
from event_network import blank
from workfolder import REPOSITORY, WorkFolder, demo_like

from quakeline.core.errors import ConfigError
from quakeline.core.schemas import PICKS
from quakeline.workflow.config import Run
from quakeline.workflow.stages import table as stages
from quakeline.workflow.stages.table import STAGES, TABLE

_FIBRES = """
fibres:
  - {name: F, source: {kind: files, paths: [a.nc]}}
  - {name: G, source: {kind: files, paths: [a.nc]}}
"""
_ALONE = "stations: null\nfetch: null\n"
_FDSN = "{kind: fdsn, providers: ['http://127.0.0.1:9']}"
_WAVEFORMS = {"fetch", "prepare", "weights", "annotate", "pick", "measure"}
_OF_FIBRES = {"das_index", "das_annotate", "das_pick"}
_ALWAYS = {"stations", "associate", "locate", "magnitude", "classify", "merge", "report", "crate"}
#: By version of PICKS, the least VERSION of the stages that write it.
WRITE_PICKS = {2: {"pick": 3, "das_pick": 2, "import_picks": 6, "merge": 4}}
#: Settings of a run, the stages that it has beside those of every run, and those that are local.
RUNS = {
    "seismometers": ("", _WAVEFORMS, {"weights"}),
    "fibres": (_ALONE + _FIBRES, {"weights", *_OF_FIBRES}, {"weights"}),
    "fibres with weights of their own": (
        _ALONE + _FIBRES + "das_weights: {model: phasenet}\n",
        {"das_weights", *_OF_FIBRES},
        {"das_weights"},
    ),
    "both": (_FIBRES, _WAVEFORMS | _OF_FIBRES, {"weights"}),
    "both, each with weights": (
        _FIBRES + "das_weights: {model: phasenet}\n",
        _WAVEFORMS | _OF_FIBRES | {"das_weights"},
        {"weights", "das_weights"},
    ),
    "picks": ("fetch: null\nimport_picks: {table: picks.csv}\n", {"import_picks"}, set()),
    "picks in place of those of networks": (
        "import_picks: {table: picks.csv, replaces: true}\n" + _FIBRES,
        _WAVEFORMS | _OF_FIBRES | {"import_picks"},
        {"weights"},
    ),
    "picks beside fibres": (
        "fetch: null\nimport_picks: {table: picks.csv}\n" + _FIBRES,
        {"import_picks", "weights", *_OF_FIBRES},
        {"weights"},
    ),
    "remote": (
        f"fetch: {{source: {_FDSN}}}\n" + _FIBRES,
        _WAVEFORMS | _OF_FIBRES,
        {"fetch", "weights"},
    ),
    "trained": ("train: {dataset: ds.npz}\n", _WAVEFORMS | {"train"}, {"weights"}),
    "nothing kept": ("keep: []\n", _WAVEFORMS - {"annotate"}, {"weights"}),
    "nothing kept, on a GPU": (
        "keep: []\nannotate: {device: cuda}\n",
        _WAVEFORMS,
        {"weights"},
    ),
    "mechanisms of networks": (
        "keep: [waveforms]\nmechanism: {networks: [a.nc], reversals: theirs.csv}\n",
        (_WAVEFORMS - {"annotate"}) | {"mechanism"},
        {"weights"},
    ),
    "evaluated": (
        "evaluate: {reference: theirs.csv}\n",
        _WAVEFORMS | {"evaluate"},
        {"weights"},
    ),
    "classified by a network": (
        "classify: {kind: network, weights: {path: events.safetensors}}\n",
        _WAVEFORMS | {"classify_windows"},
        {"weights"},
    ),
    "evaluated by a service": (
        "evaluate: {reference: 'fdsn:USGS'}\n",
        _WAVEFORMS | {"evaluate"},
        {"weights", "evaluate"},
    ),
}


def overlaid(text: str) -> Run:
    return demo_like(yaml.safe_load(text) or {})


@pytest.mark.parametrize(("text", "had", "local"), RUNS.values(), ids=RUNS)
def test_the_table_the_rules_and_the_plan_agree(
    workdir: WorkFolder, text: str, had: set[str], local: set[str]
) -> None:
    text += "time: {chunk_h: 0.05}\n"
    run, path = overlaid(text), workdir.demo_overlay(text)
    for name in ("a.nc", "picks.csv", "theirs.csv", "ds.npz"):
        (workdir.folder / name).write_text("")
    if "events.safetensors" in text:
        blank(workdir.folder / "events.safetensors")
    jobs = {stage.name: len(stage.jobs(run)) for stage in stages.of(run)}
    assert set(jobs) == had | _ALWAYS
    assert {stage.name for stage in stages.of(run) if stage.local(run)} == local

    assert workdir.planned("--configfile", path) == jobs

    done = workdir.quakeline("plan", path)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    table = rows[1 : len(jobs) + 1]
    assert {row[0]: int(row[1]) for row in table} == jobs
    assert rows[len(jobs) + 1][0] == "stations", "nothing else is listed"


def test_a_job_of_every_stage_is_measured_for_the_report(workdir: WorkFolder) -> None:
    """The page tells time and memory of all that came before it."""
    overlay = workdir.demo_overlay(RUNS["both"][0])
    told = workdir.snakemake("--filegraph", "--configfile", overlay)
    measured = Counter(re.findall(r"/benchmarks/(\w+)/[^/]+\.tsv<", told.stdout))
    run = overlaid(RUNS["both"][0])
    jobs = {stage.name: len(stage.jobs(run)) for stage in stages.of(run)}
    assert measured == {name: n for name, n in jobs.items() if name not in ("report", "crate")}


def test_every_stage_has_a_section_and_its_own_products() -> None:
    assert set(STAGES) - set(Run.model_fields) == {"classify_windows"}, "a part of `classify`"
    assert isinstance(Run.classify_windows, property)
    assert len(STAGES) == len(TABLE)
    patterns = [pattern for stage in TABLE for pattern in stage.products.values()]
    assert len(patterns) == len(set(patterns))
    for stage in TABLE:
        wildcards = {"chunk": {"chunk"}, "fibre": {"fibre", "chunk"}, "run": set()}[stage.scope]
        for pattern in (*stage.products.values(), stage.log, stage.benchmark):
            assert set(re.findall(r"{(\w+)}", pattern)) == wildcards, pattern


def test_what_passes_is_what_may_be_kept() -> None:
    (values,) = get_args(Run.model_fields["keep"].annotation)
    assert set(get_args(values)) == {name for stage in TABLE for name in stage.temporary}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("stations: {table: gone}", "stations.table"),
        ("velocity: {table: gone}", "velocity.table"),
        ("import_picks: {table: gone}", "import_picks.table"),
        ("associate: {known_events: gone}", "associate.known_events"),
        ("magnitude: {corrections: gone}", "magnitude.corrections"),
        ("evaluate: {reference: gone}", "evaluate.reference"),
        ("train: {dataset: gone}", "train.dataset"),
        ("dataset: {from_run: gone}\ntrain: {}", "dataset.from_run"),
        ("fibres: [{name: F, source: {kind: files, paths: [a]}, channels: {table: gone}}]",
         "fibres.F.channels.table"),
        ("weights: {path: gone}", "weights.path"),
        ("classify: {kind: network, weights: {path: gone}}", "classify.weights.path"),
        ("das_weights: {path: gone}\nfibres: [{name: F, source: {kind: files, paths: [a]}}]",
         "das_weights.path"),
    ],
)  # fmt: skip
def test_files_that_do_not_exist_are_named_by_their_setting(text: str, key: str) -> None:
    with pytest.raises(ConfigError, match=rf"(?m)^{re.escape(key)}: .*'gone"):
        overlaid(text).require_files()


def test_files_of_stages_that_a_run_does_not_have_are_not_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(REPOSITORY)
    table = "config/unterhaching/stations.csv"
    overlaid(
        f"fetch: null\nimport_picks: {{table: {table}}}\nweights: {{path: gone}}"
    ).require_files()


def test_the_crate_is_given_every_file_that_the_settings_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(REPOSITORY)
    named = overlaid("magnitude: {corrections: a}\nevaluate: {reference: b}").named_files()
    assert {"a", "b", "config/unterhaching/velocity.csv"} <= set(named)


def test_writers_of_picks_were_raised_with_their_table() -> None:
    """A table with other columns is another product: of old ones Snakemake would not know."""
    least = WRITE_PICKS[PICKS.version]
    assert {name for name in least if least[name] > STAGES[name].module.VERSION} == set()

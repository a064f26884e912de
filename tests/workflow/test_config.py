"""The configuration: all mistakes at once, with their path, what was given and what is allowed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from workfolder import demo_like, on_demo

from quakeline.core.errors import ConfigError
from quakeline.waveforms.sources import KINDS
from quakeline.workflow.config import DEFAULT, Run, load, merged, read, read_yaml
from quakeline.workflow.stages.table import STAGES


@pytest.fixture
def default(repository: Path) -> Path:
    return repository / DEFAULT


def mistakes(overlay: dict[str, Any], default: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(on_demo(overlay), default)
    return str(caught.value).splitlines()


def test_without_an_overlay_it_is_the_demo(default: Path) -> None:
    run = read(None, default)
    assert run == demo_like({})
    assert run.run == "unterhaching"
    assert run.chunk_ids == ["20100527T162400_20100527T162800"]


def test_a_complete_default_configuration_is_a_run_of_its_own(tmp_path: Path) -> None:
    """That of a repeated run."""
    path = tmp_path / "config.yaml"
    path.write_text(demo_like({"run": "again"}).as_yaml(), encoding="utf-8")
    assert read(None, path) == demo_like({"run": "again"})


#: What a run of somebody else must say, and no more.
ELSEWHERE = {
    "run": "caribbean",
    "time": {"start": "2020-01-07", "end": "2020-01-08"},
    "stations": {"fdsn": {"providers": ["EARTHSCOPE"], "networks": ["PR"]}},
    "fetch": {"source": {"kind": "fdsn", "providers": ["EARTHSCOPE"]}},
}


def test_the_default_configuration_says_what_the_sections_say(default: Path) -> None:
    """Laid under a run it changes nothing; and it names every key that has a default."""
    assert read(ELSEWHERE, default) == load(ELSEWHERE)
    assert list(read_yaml(default)) == [name for name in Run.model_fields if name != "run"]


def test_nothing_of_the_demo_comes_into_another_run(default: Path) -> None:
    text = json.dumps(read(ELSEWHERE, default).plain()).casefold()
    assert not [word for word in ("unterhaching", "obspy", "2010") if word in text]


def test_settings_follow_from_the_network_unless_given(default: Path) -> None:
    plain = read(ELSEWHERE, default).plain()
    assert {plain["pick"]["thresholds"], plain["das_annotate"]["thresholds"]} == {"auto"}
    assert {plain["annotate"][name] for name in ("hop_samples", "batch", "stacking")} == {"auto"}
    assert {plain["associate"][name] for name in ("min_picks", "node_km", "margin_km")} == {"auto"}
    margins = {
        model: read({**ELSEWHERE, "weights": {"model": model}}, default).margin_s
        for model in ("phasenet", "eqtransformer-original")
    }
    assert margins == {"phasenet": 45, "eqtransformer-original": 95}
    assert demo_like({"measure": {"after_s": 100}}).margin_s == 101
    assert demo_like({"time": {"margin_s": 77.5}}).margin_s == 77.5


def test_networks_of_polarities_need_the_rate_of_the_picker() -> None:
    """Told before the run: at another rate all polarities would be unknown in the end."""
    mechanism = {"keep": ["waveforms"], "mechanism": {"networks": ["polar.onnx"]}}
    assert demo_like(mechanism).mechanism.networks == ["polar.onnx"]
    slower = {"kind": "custom", "loader": "mine", "window_samples": 1000, "sampling_rate_hz": 50,
              "classes": ["P", "S", "N"]}  # fmt: skip
    words = "they take 100 Hz; waveforms are prepared at 50 Hz for custom-mine; allowed"
    with pytest.raises(ConfigError, match=words):
        demo_like({**mechanism, "weights": slower})


@pytest.mark.parametrize("given", ["auto", None, {}])
def test_what_is_auto_may_be_given_as_null(given: object) -> None:
    assert demo_like({"pick": {"thresholds": given}}) == demo_like({})


def test_what_belongs_to_a_data_set_is_asked_for_at_once(default: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read({"pick": {"min_distance_s": -1}}, default)
    first, second = str(caught.value).splitlines()
    assert first.startswith("not given: run, time.start, time.end, stations.table (or ")
    assert "fetch.source (or fibres, or import_picks.table)" in first
    assert second.startswith("pick.min_distance_s: -1 given")


@pytest.mark.parametrize("name", ["run", "time", "stations", "fetch"])
def test_each_of_them_is_asked_for(name: str, default: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read({key: value for key, value in ELSEWHERE.items() if key != name}, default)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"not given: {name}")


def test_a_run_of_fibres_needs_no_stations(repository: Path, default: Path) -> None:
    run = read(read_yaml(repository / "config/runs/porotomo.yaml"), default)
    assert not run.stations.given
    assert run.fetch is None


def test_all_mistakes_are_reported_together_with_their_paths(default: Path) -> None:
    lines = mistakes(
        {
            "tiem": {},
            "time": {"chunk_h": -1},
            "pick": {"treshold": 0.5, "min_distance_s": "long"},
            "prepare": {"response": {"water_level": 60}},
            "keep": ["everything"],
        },
        default,
    )
    paths = {line.split(":")[0] for line in lines}
    assert paths == {
        "tiem",
        "time.chunk_h",
        "pick.treshold",
        "pick.min_distance_s",
        "prepare.response.water_level",
        "keep.0",
    }


def test_a_mistake_says_what_was_given_and_what_is_allowed(default: Path) -> None:
    (line,) = mistakes({"keep": ["everything"]}, default)
    assert "'everything'" in line
    assert "'waveforms' or 'probabilities'" in line
    (line,) = mistakes({"time": {"chunk_h": -1}}, default)
    assert "-1" in line
    assert "allowed: above 0" in line
    (line,) = mistakes({"weights": {"model": "phasenett"}}, default)
    assert "'phasenett'" in line
    assert "phasenet" in line.replace("phasenett", "")


def test_an_unknown_kind_lists_the_known_ones(default: Path) -> None:
    (line,) = mistakes({"fetch": {"source": {"kind": "carrier_pigeon"}}}, default)
    assert line.startswith("fetch.source")
    for kind in KINDS:
        assert str(kind.model_fields["kind"].default) in line


def test_a_missing_key_is_required() -> None:
    with pytest.raises(ConfigError, match=r"(?m)^fetch\.source: is required$"):
        load({**ELSEWHERE, "fetch": {}})


@pytest.mark.parametrize(
    ("overlay", "path", "word"),
    [
        ({"time": {"end": "2010-05-27T16:24:00Z"}}, "time", "later than start"),
        ({"time": {"start": "2010-05-27T16:24:00.5Z"}}, "time.start", "whole second"),
        ({"time": {"chunk_h": 0.0001}}, "time", "whole number of seconds"),
        ({"time": {"margin_s": 1}}, "time.margin_s", "at least"),
        ({"pick": {"thresholds": {"Pg": 0.5}}}, "pick.thresholds", "P, S"),
        ({"pick": {"thresholds": {"P": 1.5}}}, "pick.thresholds.P", "allowed: 1 or less"),
        ({"run": "../escape"}, "run", "'../escape' given"),
        ({"run": ""}, "run", "'' given"),
        ({"time": {"start": "yesterday"}}, "time.start", "'yesterday' given"),
        ({"time": None}, "time", "None given"),
        ({"velocity": {"table": float("nan")}}, "velocity.table", "text"),
        ({"import_picks": {"replaces": True}}, "import_picks", "needed is table"),
        ({"annotate": {"hop_samples": 0}}, "annotate.hop_samples", "allowed: 1 or more"),
        ({"prepare": {"bridge_gap_s": float("inf")}}, "prepare.bridge_gap_s", "finite"),
    ],
)
def test_a_single_mistake_is_a_single_line(
    overlay: dict[str, Any], path: str, word: str, default: Path
) -> None:
    (line,) = mistakes(overlay, default)
    assert line.startswith(f"{path}:")
    assert word in line


def test_an_overlay_is_laid_over_key_by_key() -> None:
    run = demo_like({"pick": {"thresholds": {"P": 0.7}}, "keep": []})
    before = demo_like({})
    assert run.pick.thresholds == {"P": 0.7}
    assert run.pick.min_distance_s == before.pick.min_distance_s
    assert run.keep == []
    assert run.prepare == before.prepare


def test_another_kind_replaces_the_section_as_a_whole() -> None:
    base = {"source": {"kind": "package", "package": "obspy"}, "other": 1}
    assert merged(base, {"source": {"kind": "files", "paths": ["a"]}}) == {
        "source": {"kind": "files", "paths": ["a"]},
        "other": 1,
    }


@pytest.mark.parametrize("change", [{"package": "x"}, {"kind": "package", "package": "x"}])
def test_the_same_kind_is_laid_over(change: dict[str, str]) -> None:
    base = {"source": {"kind": "package", "package": "obspy", "files_in_package": ["*"]}}
    expected = {"source": {"kind": "package", "package": "x", "files_in_package": ["*"]}}
    assert merged(base, {"source": change}) == expected


def test_merging_leaves_its_arguments_alone() -> None:
    base, overlay = {"a": {"b": 1}}, {"a": {"c": 2}}
    assert merged(base, overlay) == {"a": {"b": 1, "c": 2}}
    assert (base, overlay) == ({"a": {"b": 1}}, {"a": {"c": 2}})


def test_a_kind_change_through_the_whole_configuration() -> None:
    run = demo_like({"fetch": {"source": {"kind": "files", "paths": ["data/*"]}}})
    assert run.fetch.source.plain() == {"kind": "files", "paths": ["data/*"], "codes": []}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("run: [unclosed\n", ["line"]),
        ("- a\n- b\n", ["expected a mapping", "list"]),
        ("just text\n", ["expected a mapping", "str"]),
        ("run: \x00\n", []),
        ("a: b: c\n", ["line 1"]),
    ],
)
def test_a_file_that_is_no_configuration_is_one_line(
    text: str, words: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert all(word in message for word in words)


def test_bytes_that_are_no_text_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(b"run: \xff\xfe\n")
    with pytest.raises(ConfigError, match=r"bad\.yaml"):
        read_yaml(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.yaml does not exist"):
        read_yaml(tmp_path / "gone.yaml")


def test_an_empty_overlay_is_no_run(tmp_path: Path, default: Path) -> None:
    path = tmp_path / "empty.yaml"
    path.write_text("# nothing\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="not given: run, time"):
        read(read_yaml(path), default)


@pytest.mark.parametrize("stage", STAGES)
def test_params_are_plain_builtins(stage: str) -> None:
    params = demo_like({}).params(stage)
    assert set(params) == {"version", "config"}
    assert json.loads(json.dumps(params)) == params


def test_the_whole_configuration_survives_a_round_trip() -> None:
    run = demo_like({})
    assert load(run.plain()) == run


def test_an_extended_run_asks_for_the_same_stations() -> None:
    fdsn = {"providers": ["SCEDC"], "networks": ["CI"]}
    spans = [
        demo_like({"stations": {"fdsn": fdsn}, "time": {"start": "2019-12-31", "end": end}})
        for end in ("2020-02-01", "2021-01-01", "2021-01-02")
    ]
    assert [run.asked_span for run in spans] == [
        "20190101T000000_20210101T000000",
        "20190101T000000_20210101T000000",
        "20190101T000000_20220101T000000",
    ]
    assert demo_like({}).asked_span == ""

"""The written reference follows from the sections; the files in config/ are up to date."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import jsonschema
import pytest
import yaml

from quakeline.core.errors import ConfigError
from quakeline.waveforms.sources import KINDS
from quakeline.workflow import default_config, reference
from quakeline.workflow.config import DEFAULT, Run


def test_the_files_in_config_are_up_to_date(repository: Path) -> None:
    reference.publish(repository / DEFAULT, default_config.text(), check=True)
    reference.publish(repository / reference.README, reference.readme(), check=True)
    reference.publish(repository / reference.SCHEMA, reference.editor_schema(), check=True)


def test_drift_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    with pytest.raises(ConfigError, match="out of date"):
        reference.publish(path, "a", check=True)
    reference.publish(path, "a", check=False)
    reference.publish(path, "a", check=True)
    with pytest.raises(ConfigError, match="out of date"):
        reference.publish(path, "b", check=True)


def _keys(value: object, path: str = "") -> list[str]:
    if not isinstance(value, dict):
        return [path]
    return [key for k, v in value.items() for key in _keys(v, f"{path}.{k}" if path else k)]


class _EditorLoader(yaml.SafeLoader):
    """Reads times as text, as editors do."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, form) for tag, form in rules if not tag.endswith(":timestamp")]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


@pytest.fixture
def configured(repository: Path) -> dict[str, Any]:
    return dict(yaml.load((repository / DEFAULT).read_text(encoding="utf-8"), _EditorLoader))


def test_every_key_of_the_default_configuration_is_listed(configured: dict[str, Any]) -> None:
    text = reference.readme()
    unlisted = [
        key
        for key in _keys(configured)
        if f"`{key}`" not in text and f"`{key.rpartition('.')[0]}`" not in text
    ]
    assert unlisted == []


def test_every_kind_has_its_own_table() -> None:
    text = reference.readme()
    for kind in KINDS:
        assert f"`fetch.source` of kind `{kind.model_fields['kind'].default}`" in text


def test_default_limits_and_units_are_shown() -> None:
    rows = [line for line in reference.readme().splitlines() if line.startswith("| `time.")]
    assert any("`time.chunk_h` | number, > 0 | `24.0` |" in row for row in rows)
    assert any("`time.start` | date and time | required |" in row for row in rows)


def test_what_auto_means_is_said_of_every_key(configured: dict[str, Any]) -> None:
    rows = {line.split("`")[1]: line for line in reference.readme().splitlines() if "`" in line}
    left_open = [key for key in _keys(configured) if _at(configured, key) == "auto"]
    assert len(left_open) > 20
    for key in left_open:
        _, _, _, default, meaning, _ = rows[key].split("|")
        assert default.strip() == '`"auto"`'
        assert "auto" in meaning


def _at(configured: dict[str, Any], key: str) -> object:
    found: Any = configured
    for part in key.split("."):
        found = found[part]
    return found


def test_tables_are_well_formed() -> None:
    rows = [line for line in reference.readme().splitlines() if line.startswith("|")]
    assert rows
    assert {row.replace(r"\|", "").count("|") for row in rows} == {5}


def test_the_editor_schema_accepts_the_default_and_overlays(configured: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(reference.editor_schema()))
    validator.check_schema(validator.schema)
    assert list(validator.iter_errors(configured)) == []
    assert list(validator.iter_errors({"pick": {"thresholds": {"P": 0.5}}})) == []
    assert list(validator.iter_errors({"pick": {"treshold": 0.5}}))
    assert list(validator.iter_errors({"fetch": {"source": {"kind": "pigeon"}}}))


def test_the_reference_is_deterministic() -> None:
    assert reference.readme() == reference.readme()
    assert reference.editor_schema() == reference.editor_schema()
    assert set(json.loads(reference.editor_schema())["properties"]) == set(Run.model_fields)

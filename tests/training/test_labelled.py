"""Data sets in the form in which weight sets are scored on them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from labelled_records import labelled as row
from labelled_records import small
from recordings import picker_weights
from typer.testing import CliRunner

from quakeline.cli import app
from quakeline.core.errors import ConfigError, DataError
from quakeline.training.datasets.labelled import labelled
from quakeline.training.datasets.opening import open_dataset

__all__ = ["picker_weights"]


def test_records_and_their_first_onsets(tmp_path: Path) -> None:
    rows = row("a", 100, 200), row("b", 150, None, "test"), {"split": "test"}
    dataset = open_dataset(small(tmp_path / "ds", *rows))
    found, more = labelled(dataset)
    assert (found.components, found.sampling_rate_hz, more) == ("ZNE", 100.0, 0)
    assert found.onsets["P"].tolist()[:2] == [100, 150]
    assert np.isnan(found.onsets["P"][2])
    assert np.isnan(found.onsets["S"][1:]).all()
    np.testing.assert_array_equal(found.samples[1], dataset.read(1, "ZNE"))
    of_test, _ = labelled(dataset, "test")
    assert of_test.onsets["P"].tolist()[:1] == [150]
    assert len(of_test.samples) == 2
    table = dataset.table.assign(P=[(100.0, 300.0), (150.0,), ()])
    found, more = labelled(replace(dataset, table=table))
    assert (found.onsets["P"][0], more) == (100, 1)


def test_other_rates_and_lengths_become_one(tmp_path: Path) -> None:
    dataset = open_dataset(small(tmp_path / "ds", row("a", 100, 200), row("b", 150, None)))
    two = dataset.table.assign(rate_hz=[100.0, 50.0])
    found, _ = labelled(replace(dataset, table=two))
    other, _ = labelled(dataset)
    assert {found.sampling_rate_hz, other.sampling_rate_hz} <= {50.0, 100.0}
    factor = found.sampling_rate_hz / np.array([100.0, 50.0])
    np.testing.assert_allclose(found.onsets["P"], np.array([100, 150]) * factor)
    assert np.isnan(found.samples).any()
    assert not np.isnan(other.samples).any()


def test_a_part_without_labels_is_said(tmp_path: Path) -> None:
    dataset = open_dataset(small(tmp_path / "ds", row("a", 100, 200)))
    with pytest.raises(DataError, match="no record of the part dev has an onset of P or S"):
        labelled(dataset, "dev")
    with pytest.raises(DataError, match="windows behind the filter of a network"):
        labelled(replace(dataset, prepared=True))


def test_evaluate_picks_takes_a_data_set(tmp_path: Path, picker_weights: Path) -> None:
    small(tmp_path / "ds", row("a", 100, 200), row("b", 150, 260, "test"), n=3100)
    words = ["evaluate", "picks", "--model", str(picker_weights)]
    done = CliRunner().invoke(app, [*words, str(tmp_path / "ds")], catch_exceptions=False)
    assert done.exit_code == 0
    assert [line.split()[3] for line in done.output.splitlines()[1:]] == ["2", "2"]
    done = CliRunner().invoke(app, [*words, str(tmp_path / "ds/metadata.csv"), "--part", "test"])
    assert [line.split()[3] for line in done.output.splitlines()[1:]] == ["1", "1"]
    np.savez(tmp_path / "a.npz", a=1)
    done = CliRunner().invoke(app, [*words, str(tmp_path / "a.npz"), "--part", "test"])
    assert isinstance(done.exception, ConfigError)

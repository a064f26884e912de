"""Scores of weight sets on labelled records."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import obspy
import pytest
from recordings import picker_weights

from quakeline.api.direct.weights import load
from quakeline.core.errors import DataError
from quakeline.picking import scoring

__all__ = ["picker_weights"]


def archive(path: Path, **changes: object) -> Path:
    """Three copies of a real event, the P of the last one labelled a second late."""
    event = np.stack([t.data for t in obspy.read()]).astype("f4")
    arrays: dict[str, object] = {
        "waveforms": np.stack([event] * 3),
        "p_index": np.array([469, 469, 569]),
        "s_index": np.array([-1, -1, 640]),
        "component_order": np.array("ZNE"),
        "sampling_rate": np.array(100.0),
    }
    arrays |= changes
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return path


def test_scores_of_known_records(tmp_path, picker_weights):
    data = scoring.read(archive(tmp_path / "a.npz"))
    p, s = scoring.score(data, load(None, picker_weights, threads=1))
    assert (p.model, p.phase, p.threshold, p.labels) == ("phasenet", "P", 0.3, 3)
    assert p.found == 2
    assert p.recall == pytest.approx(2 / 3)
    assert p.mae_ms is not None
    assert p.mae_ms < 100
    assert p.false_per_record == pytest.approx(1 / 3)
    assert p.precision == pytest.approx(2 / 3)
    assert p.f1 == pytest.approx(2 / 3)
    assert s.labels == 1


def test_a_high_threshold_finds_nothing(tmp_path, picker_weights):
    data = scoring.read(archive(tmp_path / "a.npz"))
    p, _ = scoring.score(data, load(None, picker_weights, threads=1), {"P": 1.0})
    assert (p.recall, p.precision, p.mae_ms, p.f1, p.false_per_record) == (0, None, None, 0, 0)
    assert scoring.table([p])[1][5:7] == ["-", "-"]


def test_matching_is_one_to_one_and_takes_the_nearest_first():
    match = scoring.match
    assert match(np.array([1.0]), np.array([0.6, 1.1, 1.4]), 0.5) == pytest.approx([0.1])
    pairs = match(np.array([1.0, 1.25]), np.array([1.1, 1.4]), 0.5)
    assert sorted(pairs) == pytest.approx([0.1, 0.15])
    assert match(np.array([1.0]), np.array([1.5, 2.0]), 0.5) == pytest.approx([0.5])
    assert match(np.array([]), np.array([1.0]), 0.5) == []
    assert match(np.array([1.0]), np.array([]), 0.5) == []


def test_records_do_not_begin_at_the_same_part_of_a_second(tmp_path):
    data = scoring.read(archive(tmp_path / "a.npz"))
    parts = {start % 1_000_000_000 for start in data.starts_ns}
    assert len(parts) == 3
    assert data.starts_ns == data.starts_ns


def test_other_files_are_refused(tmp_path):
    (tmp_path / "text.npz").write_text("no archive")
    training, single = tmp_path / "training.hdf5", tmp_path / "single.npy"
    with h5py.File(training, "w") as file:
        file["X"], file["Y"] = np.zeros((4, 300, 3), np.float32), np.zeros((4, 2))
    np.save(single, np.zeros((4, 3, 300)))
    pickled = tmp_path / "pickled.npz"
    np.savez(pickled, waveforms=np.array([{"a": 1}], dtype=object))
    for path, words in (
        (tmp_path / "none.npz", "cannot read"),
        (tmp_path, r"is a folder; a NumPy archive \(.npz\) of the arrays waveforms"),
        (tmp_path / "text.npz", r"is no NumPy archive \(.npz\); a NumPy archive"),
        (training, r"is an HDF5 file with X, Y; a NumPy archive \(.npz\) of the arrays waveforms"),
        (single, r"is a single NumPy array \(.npy\); a NumPy archive"),
        (pickled, "no NumPy archive of plain arrays"),
        (archive(tmp_path / "b.npz", p_index=None), "has no array p_index; it holds waveforms"),
        (archive(tmp_path / "c.npz", p_index=np.zeros(2)), "do not fit"),
    ):
        with pytest.raises(DataError, match=words) as caught:
            scoring.read(path)
        assert "\n" not in str(caught.value)


def test_the_table_of_the_docs(shared, repository, picker_weights):
    data = scoring.read(shared / "data/ncedc_mini24.npz")
    scores = scoring.score(data, load(None, picker_weights))
    page = (repository / "docs/pickers.md").read_text(encoding="utf-8")
    for row in scoring.markdown(scoring.table(scores)).splitlines():
        assert row in page


def test_a_data_set_is_told_its_own_command(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is a folder; a NumPy archive .* `quakeline tune picker`"):
        scoring.read(tmp_path)

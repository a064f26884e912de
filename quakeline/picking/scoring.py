"""Labelled records through the real engine: what a weight set finds, misses and makes up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn
from zipfile import BadZipFile, is_zipfile

import h5py
import numpy as np
import pandas as pd

from quakeline.core.errors import DataError, why_unread
from quakeline.core.timeline import SECOND, sample_time
from quakeline.inference.annotator import Annotator
from quakeline.picking.direct.picks import picks_of, settings_of
from quakeline.waveforms.preparation.recordings import Recordings, of_array

#: Records begin at different fractions of a second and of a window's step: some networks have
#: learnt that an onset lies at a whole second of its window, and records are often cut that way.
_FIRST_START_NS = 1_577_880_000 * SECOND + 370_000_000
_LATEST_SAMPLE = 4_999
#: So many arrays of a file of another kind are named.
_NAMED = 6
_PHASES = {"P": "p_index", "S": "s_index"}


@dataclass(frozen=True)
class Labelled:
    """Records with the samples of their onsets.

    `samples` has the shape (records, components, n); `onsets` maps a phase to sample indices of
    shape (records,), NaN where a record has none.
    """

    samples: np.ndarray
    components: str
    sampling_rate_hz: float
    onsets: dict[str, np.ndarray]

    @property
    def starts_ns(self) -> list[int]:
        """Times that the records are given, the same whenever they are evaluated."""
        late = np.random.default_rng(0).integers(0, _LATEST_SAMPLE, len(self.samples))
        return [_FIRST_START_NS + sample_time(int(n), self.sampling_rate_hz) for n in late]

    def recordings(self) -> Recordings:
        """Each record as a station of its own, S0001, S0002, ..."""
        rate, starts = self.sampling_rate_hz, self.starts_ns
        return of_array(self.samples, rate, starts, self.components)


@dataclass(frozen=True)
class Score:
    """What a weight set does on labelled records, for one phase.

    Residuals are pick minus label, of picks within the tolerance of a label. `false_per_record`
    counts all other picks, also those of real arrivals that nobody labelled.
    """

    model: str
    weights_id: str
    phase: str
    threshold: float
    labels: int
    found: int
    recall: float
    mean_residual_ms: float | None
    mae_ms: float | None
    false_per_record: float
    precision: float | None
    f1: float


def read(path: Path) -> Labelled:
    """Read labelled records from a NumPy archive (.npz); nothing in it is unpickled.

    It holds `waveforms` (records, components, n), or `waveforms_i2` and `scale` (records,) by
    which they are multiplied; `p_index` and `s_index` (records,), samples of the onsets, NaN or
    negative where there is none; `component_order`, e.g. ENZ, and `sampling_rate` in Hz.

    Raises
    ------
    DataError
        Another file, or arrays that are missing or do not fit each other.
    """
    if path.is_dir():
        _say_needed(
            path,
            "a folder",
            "; weights are scored on a data set of `quakeline dataset` or SeisBench by"
            " `quakeline tune picker`, on its test part",
        )
    try:
        if not is_zipfile(path):
            with path.open("rb") as file:
                _refuse(path, file.read(8))
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except OSError as error:
        raise DataError(f"cannot read {path}: {why_unread(error, path)}") from error
    except (ValueError, BadZipFile) as error:
        raise DataError(f"{path} is no NumPy archive of plain arrays: {error}") from error
    if "waveforms_i2" in arrays and "scale" in arrays:
        scale = arrays["scale"].reshape(-1, 1, 1)
        arrays["waveforms"] = (arrays["waveforms_i2"] * scale).astype(np.float32)
    needed = ("waveforms", *_PHASES.values(), "component_order", "sampling_rate")
    missing = [name for name in needed if name not in arrays]
    if missing:
        raise DataError(f"{path} has no array {', '.join(missing)}; it holds {', '.join(arrays)}")
    return _checked(arrays, path)


def _refuse(path: Path, head: bytes) -> NoReturn:
    """Raise DataError that says what a file is which is no NumPy archive."""
    what = "no NumPy archive (.npz)"
    if h5py.is_hdf5(path):
        found: list[str] = []
        with h5py.File(path, "r") as file:
            file.visit(found.append)
        what = f"an HDF5 file with {', '.join(found[:_NAMED]) or 'nothing in it'}"
    elif head.startswith(b"\x93NUMPY"):
        what = "a single NumPy array (.npy)"
    _say_needed(path, what)


def _say_needed(path: Path, what: str, instead: str = "") -> NoReturn:
    raise DataError(
        f"{path} is {what}; a NumPy archive (.npz) of the arrays waveforms, p_index, s_index,"
        f" component_order and sampling_rate is needed{instead}"
    )


def _checked(arrays: Mapping[str, np.ndarray], path: Path) -> Labelled:
    waveforms = arrays["waveforms"]
    onsets = {phase: arrays[name].astype(float) for phase, name in _PHASES.items()}
    wrong = [name for phase, name in _PHASES.items() if onsets[phase].shape != waveforms.shape[:1]]
    if waveforms.ndim != 3 or wrong:
        shapes = {name: arrays[name].shape for name in ("waveforms", *_PHASES.values())}
        raise DataError(
            f"{path}: the shapes {shapes} do not fit; see `quakeline evaluate picks --help`"
        )
    return Labelled(
        waveforms,
        str(arrays["component_order"]),
        float(arrays["sampling_rate"]),
        {phase: np.where(at >= 0, at, np.nan) for phase, at in onsets.items()},
    )


def score(
    data: Labelled,
    annotator: Annotator,
    thresholds: Mapping[str, float] | None = None,
    tolerance_s: float = 0.5,
) -> list[Score]:
    """Score a weight set on labelled records, for each phase that has labels."""
    settings = settings_of(annotator.card, thresholds)
    picks = picks_of(data.recordings(), annotator, settings).picks
    return [
        _score_phase(data, picks, annotator, phase, settings.thresholds[phase], tolerance_s)
        for phase in annotator.card.phases
        if phase in data.onsets and np.isfinite(data.onsets[phase]).any()
    ]


def _score_phase(
    data: Labelled,
    picks: pd.DataFrame,
    annotator: Annotator,
    phase: str,
    threshold: float,
    tolerance_s: float,
) -> Score:
    own = picks[picks["phase"] == phase]
    records = own["station"].str.removeprefix("S").astype(int).to_numpy() - 1
    starts = np.array(data.starts_ns, dtype=np.int64)
    at_s = (own["time"].astype("int64").to_numpy() - starts[records]) / SECOND
    residuals: list[float] = []
    for record, onset in enumerate(data.onsets[phase]):
        label_s = np.array([onset / data.sampling_rate_hz])[np.isfinite([onset])]
        residuals += match(label_s, at_s[records == record], tolerance_s)
    labels, found = int(np.isfinite(data.onsets[phase]).sum()), len(residuals)
    false = len(own) - found
    return Score(
        model=annotator.card.name,
        weights_id=annotator.weights_id,
        phase=phase,
        threshold=threshold,
        labels=labels,
        found=found,
        recall=found / labels,
        mean_residual_ms=1000 * float(np.mean(residuals)) if found else None,
        mae_ms=1000 * float(np.mean(np.abs(residuals))) if found else None,
        false_per_record=false / len(data.samples),
        precision=found / len(own) if len(own) else None,
        f1=2 * found / (labels + len(own)),
    )


def match(labels_s: np.ndarray, picks_s: np.ndarray, tolerance_s: float) -> list[float]:
    """Residuals, pick minus label in seconds, of picks and labels that belong together.

    The nearest pair is taken first; every pick and every label belongs to one pair at most.
    """
    difference = picks_s[None, :] - labels_s[:, None]
    size = np.where(np.abs(difference) <= tolerance_s + 1e-9, np.abs(difference), np.inf)
    residuals = []
    while size.size and np.isfinite(size.min()):
        label, pick = np.unravel_index(np.argmin(size), size.shape)
        residuals.append(float(difference[label, pick]))
        size[label, :], size[:, pick] = np.inf, np.inf
    return residuals


_TITLES = ("model", "phase", "threshold", "labels", "recall", "residual ms", "MAE ms",
           "false / record", "precision", "F1")  # fmt: skip


def table(scores: Iterable[Score]) -> list[list[str]]:
    """Cells of a table of scores, the first row being the titles."""
    return [list(_TITLES), *(_cells(score) for score in scores)]


def _cells(score: Score) -> list[str]:
    return [
        score.model,
        score.phase,
        f"{score.threshold:g}",
        str(score.labels),
        f"{score.recall:.3f}",
        _number(score.mean_residual_ms, "+.0f"),
        _number(score.mae_ms, ".0f"),
        f"{score.false_per_record:.2f}",
        _number(score.precision, ".3f"),
        f"{score.f1:.3f}",
    ]


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def markdown(cells: list[list[str]]) -> str:
    """A table as Markdown, numbers to the right."""
    rule = ["---", "---", *["---:"] * (len(cells[0]) - 2)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (cells[0], rule, *cells[1:]))


def as_json(scores: Iterable[Score], **facts: Any) -> dict[str, Any]:
    """Scores and what they were made from, as JSON-like builtins."""
    return {**facts, "scores": [asdict(score) for score in scores]}

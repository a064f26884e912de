"""Networks of polarities: the same answers as their original programs give."""

from pathlib import Path

import numpy as np
import pytest

from quakeline.core.errors import WeightsError
from quakeline.models import polarity

#: What Keras 3.15 gives for PolarCAP.h5 on `walks`: probabilities of down and up.
KERAS = [[0.001115, 0.998885], [0.994422, 0.005578], [0.999996, 0.000004], [0.369599, 0.630401]]


@pytest.fixture(scope="module")
def weights(shared: Path) -> Path:
    return shared / "weights/polarity"


@pytest.fixture(scope="module")
def records(shared: Path) -> tuple[np.ndarray, np.ndarray]:
    """Vertical components of 24 records, 100 Hz, and the samples of P."""
    data = np.load(shared / "data/ncedc_mini24.npz")
    component = str(data["component_order"][()]).index("Z")
    return data["waveforms_i2"][:, component].astype(np.float32), data["p_index"]


def windows(records, card, shift=0):
    begins = records[1] + shift - card.onset
    return np.stack([w[i : i + card.samples] for w, i in zip(records[0], begins, strict=True)])


def test_polarcap_as_in_keras(weights):
    walks = np.random.default_rng(0).normal(size=(4, 64)).cumsum(axis=1)
    found = polarity.opened(weights / "PolarCAP.h5").probabilities(7 * walks)
    assert found[:, [polarity.DOWN, polarity.UP]] == pytest.approx(np.array(KERAS), abs=2e-6)
    assert (found[:, polarity.UNKNOWN] == 0).all()


def test_graphs_as_in_onnxruntime(weights, records):
    runtime = pytest.importorskip("onnxruntime")
    pnsn = polarity.opened(weights / "pnsn_polar.onnx")
    session = runtime.InferenceSession(weights / "pnsn_polar.onnx")
    given = windows(records, pnsn.card)
    theirs = np.array([session.run(None, {"wave": one})[0] for one in given])
    assert np.abs(pnsn.probabilities(given)[:, :2] - theirs).max() < 1e-5

    diting = polarity.opened(weights / "DiTingMotionJul.onnx")
    session = runtime.InferenceSession(weights / "DiTingMotionJul.onnx")
    given = windows(records, diting.card)
    # As its authors prepare a window: scaled, and beside it the sign of the slope after the onset.
    prepared = np.zeros((len(given), 128, 2), dtype=np.float32)
    for number, one in enumerate(given):
        prepared[number, :, 0] = (one - one.mean()) / one.std()
        prepared[number, 65:, 1] = np.sign(np.diff(prepared[number, 64:, 0]))
    outputs = session.run(None, {"input": prepared})
    theirs = sum(outputs[:4]) / 4
    assert np.abs(diting.probabilities(given) - theirs).max() < 1e-5


def test_a_window_without_motion_is_unknown(weights):
    for name in ("PolarCAP.h5", "pnsn_polar.onnx", "DiTingMotionJul.onnx"):
        network = polarity.opened(weights / name)
        found = network.probabilities(np.full((2, network.card.samples), 3.0))
        assert found.tolist() == [[0, 0, 1], [0, 0, 1]]


def test_files_that_are_none(tmp_path, shared):
    with pytest.raises(WeightsError, match=r"none\.onnx does not exist$"):
        polarity.opened(tmp_path / "none.onnx")
    with pytest.raises(WeightsError, match="is no file of weights"):
        polarity.opened(tmp_path)
    for name in ("text.onnx", "text.h5"):
        (tmp_path / name).write_text("no weights")
        with pytest.raises(WeightsError):
            polarity.opened(tmp_path / name)
    onnx = pytest.importorskip("onnx")
    one = onnx.helper.make_tensor_value_info("x", 1, [3])
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    other = onnx.helper.make_tensor_value_info("y", 1, [3])
    model = onnx.helper.make_model(
        onnx.helper.make_graph([node], "g", [one], [other]),
        opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8,
    )  # fmt: skip
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(WeightsError, match="no network of polarities that is known"):
        polarity.opened(tmp_path / "other.onnx")

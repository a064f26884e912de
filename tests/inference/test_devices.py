"""Where networks run, as torch and the machine say."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from quakeline.core.errors import ConfigError
from quakeline.inference.devices import gpus, has_signs, on_gpu

#: Says whether "auto" is a GPU, and whether torch was loaded to say so.
_ALONE = """
import sys
from quakeline.inference.devices import on_gpu
print(on_gpu("auto"), "torch" in sys.modules)
"""


@pytest.mark.parametrize("sign", ["nvidia0", "nvhost-gpu", "dxg", "kfd"])
def test_signs_of_gpus(tmp_path: Path, sign: str) -> None:
    for other in ("null", "nvidiactl", "nvme0"):
        (tmp_path / other).touch()
    assert not has_signs(tmp_path)
    assert not has_signs(tmp_path / "none")
    (tmp_path / sign).touch()
    assert has_signs(tmp_path)


def test_what_torch_finds_counts_where_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU whose driver has other files, as that of no machine of these tests."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert gpus() == [torch.device("cuda", 0)]
    assert on_gpu("auto")
    assert on_gpu("cuda")
    assert not on_gpu("cpu")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert not on_gpu("auto")
    with pytest.raises(ConfigError, match="this machine has no usable GPU"):
        on_gpu("cuda")
    with pytest.raises(ConfigError, match="device: 'gpu' given; allowed: auto, cpu, cuda"):
        on_gpu("gpu")


@pytest.mark.skipif(has_signs(Path("/dev")), reason="there may be a GPU here")
def test_a_machine_without_signs_of_gpus_does_not_load_torch() -> None:
    done = subprocess.run([sys.executable, "-c", _ALONE], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False"]

import os
import subprocess
import sys
from pathlib import Path

#: Tests send no word either.
SILENT = "import sys; sys.modules['openvino_telemetry'] = None\n"


def run(code: str, home: Path) -> list[str]:
    environment = {**os.environ, "HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_openvino_computes_without_a_word_to_its_makers(tmp_path: Path) -> None:
    code = (
        "import sys, threading\n"
        "from quakeline.models.openvino_runtime import runtime\n"
        "core = runtime().Core()\n"
        "assert runtime() is sys.modules['openvino']\n"
        "print(core.available_devices[0], threading.active_count(),"
        " *[n for n in ('openvino_telemetry', 'openvino.tools.ovc') if n in sys.modules])"
    )
    assert run(code, tmp_path) == ["CPU", "1"]
    assert list(tmp_path.iterdir()) == []


def test_the_converter_is_there_for_others(tmp_path: Path) -> None:
    code = SILENT + (
        "from quakeline.models.openvino_runtime import runtime\n"
        "openvino = runtime()\n"
        "from openvino import convert_model\n"
        "print(callable(convert_model), convert_model is openvino.convert_model,"
        " hasattr(openvino, 'absent'))"
    )
    assert run(code, tmp_path) == ["True", "True", "False"]


def test_an_openvino_that_is_loaded_stays_as_it_is(tmp_path: Path) -> None:
    code = SILENT + (
        "import openvino\n"
        "from quakeline.models.openvino_runtime import runtime\n"
        "print(runtime() is openvino, hasattr(openvino, '__getattr__'))"
    )
    assert run(code, tmp_path) == ["True", "False"]

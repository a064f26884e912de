"""The parts of xdas that open files, loaded without the others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import fibre

IDLE = {"numba", "scipy.signal", "scipy.stats", "torch", "matplotlib"}
BEGIN = "import sys\nfrom quakeline.fibres.recordings import xdas_core\n"


def said(program: str) -> list[str]:
    """What a new Python prints."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_opening_a_file_loads_nothing_that_computes(tmp_path: Path) -> None:
    samples = fibre.wave(300, 4)
    fibre.array(samples).to_netcdf(str(tmp_path / "fibre.nc"))
    program = f"""{BEGIN}
from pathlib import Path
from quakeline.fibres.recordings import files
from quakeline.fibres.recordings.description import AutoFormat
(part,) = files.open_file(Path({str(tmp_path / "fibre.nc")!r}), AutoFormat())
print(part.n_samples, part.rate_hz, part.array.shape, float(part.array.values[7, 2]))
print(*sys.modules)
"""
    told, loaded = said(program)
    assert told == f"300 100.0 (300, 4) {float(samples[7, 2])}"
    assert "xdas.core" in loaded.split()
    assert not IDLE & set(loaded.split())


#: What may be asked of xdas; `trigger` is a function of the package, and a module of it as well.
ASKED = """
import re, sys, xdas, xdas.synthetics
found = [xdas.__version__, xdas.signal.filter, xdas.atoms.Annotate, xdas.trigger, xdas.open]
found += [xdas.synthetics.wavelet_wavefronts().mean("time").values.sum()]
found += [*sorted(dir(xdas)), *sorted(xdas.__all__), *xdas.io.Engine._registry]
found += [xdas.io.Engine is sys.modules["xdas.io.core"].Engine]
found += [hasattr(xdas, "nonsense"), hasattr(xdas, "__wrapped__")]
print(*[re.sub(" at 0x.*", "", str(one)) for one in found])
"""


def test_whoever_imports_xdas_afterwards_finds_all_of_it() -> None:
    (bare,), (after,) = said(ASKED), said(BEGIN + ASKED)
    assert len(bare.split()) > 100
    assert after == bare


def test_an_xdas_of_another_structure_is_imported_as_usual() -> None:
    """Here a part of it fails while the package has not begun."""
    program = """
import importlib.abc, sys

class Other(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "xdas.io":
            sys.meta_path.remove(self)
            raise ImportError("cannot import name 'filter' from 'xdas'")

sys.meta_path.insert(0, Other())
from quakeline.fibres.recordings import xdas_core
import xdas
print("xdas.signal" in sys.modules, xdas.DataArray is xdas_core.DataArray)
"""
    assert said(program) == ["True True"]


def test_threads_that_ask_at_once_all_find_it() -> None:
    program = f"""{BEGIN}
import threading, time, xdas
found = []
names = ["open_mfdataarray", "concatenate", "combine_by_coords", "trigger"]
threads = [threading.Thread(target=lambda n=n: found.append(getattr(xdas, n))) for n in names]
for thread in threads:
    thread.start()
    time.sleep(0.05)  # loading takes longer
for thread in threads:
    thread.join()
print(len(found), *sorted(type(one).__name__ for one in found))
"""
    assert said(program) == ["4 function function function function"]


def test_what_cannot_be_loaded_fails_each_time_it_is_asked_for() -> None:
    program = f"""{BEGIN}
import xdas
sys.modules["xdas.signal"] = None
for _ in range(2):
    try:
        xdas.open_mfdataarray
    except ImportError as error:
        print("ImportError")
"""
    assert said(program) == ["ImportError"] * 2

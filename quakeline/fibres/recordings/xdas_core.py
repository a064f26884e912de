"""What opens files of fibres, of xdas: its arrays, coordinates and engines.

`import xdas` loads all of xdas, also what filters, picks and draws, and with it numba and
`scipy.signal`: a CPU second in each job that reads a file. Unless that was done before, the
packages `xdas` and `xdas.atoms` are entered here without their `__init__`, which runs when
something is asked of them that only it brings: whoever imports xdas afterwards finds all of it. An
xdas that cannot be entered so is imported as usual.
"""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec, module_from_spec
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any

#: Packages whose `__init__` loads what reading files does not need.
_DEFERRED = ("xdas", "xdas.atoms")
_NEEDED = ("xdas.core", "xdas.coordinates", "xdas.io", "xdas.virtual")
#: Names with underscores that are asked of a package, not of any module that is looked at.
_TOLD = ("__all__", "__version__")
_LOCK = RLock()
#: A thread waits so long for another one that loads a package, which may itself wait for a module
#: that the first one is importing.
_PATIENCE_S = 30.0
#: Whether the needed parts are being imported.
_ENTERING: list[bool] = []


def _deferred(name: str) -> ModuleType:
    """A package whose `__init__` runs when an attribute is asked for that it does not have."""
    spec = find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    loader, module = spec.loader, module_from_spec(spec)
    begun: list[bool] = []

    def loaded(attribute: str) -> Any:
        if attribute.startswith("__") and attribute not in _TOLD:
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}")
        if _LOCK.acquire(timeout=_PATIENCE_S):
            try:
                if _ENTERING:  # its own parts ask for each other
                    return importlib.import_module(f"{name}.{attribute}")
                if not begun:
                    begun.append(True)
                    loader.exec_module(module)
                    del vars(module)["__getattr__"]
            except BaseException:  # the next one who asks gets the same error
                begun.clear()
                raise
            finally:
                _LOCK.release()
        if attribute in vars(module):
            return vars(module)[attribute]
        raise AttributeError(f"module {name!r} has no attribute {attribute!r}")

    vars(module)["__getattr__"] = loaded
    return module


def _enter() -> None:
    """Make the needed parts of xdas importable, alone if possible."""
    if "xdas" in sys.modules:
        return
    try:
        with _LOCK:
            _ENTERING.append(True)
            for name in _DEFERRED:
                sys.modules[name] = _deferred(name)
            for name in _NEEDED:
                importlib.import_module(name)
    except Exception:  # an xdas of another structure: any of its parts may ask for the others
        _forget()
        importlib.import_module("xdas")
    finally:
        _ENTERING.clear()


def _forget() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "xdas"]:
        del sys.modules[name]


if not TYPE_CHECKING:
    _enter()

from xdas.coordinates import Coordinate  # noqa: E402
from xdas.core import DataArray, open_dataarray, open_datacollection, split  # noqa: E402
from xdas.io import Engine  # noqa: E402
from xdas.virtual import TileArray  # noqa: E402

__all__ = [
    "Coordinate",
    "DataArray",
    "Engine",
    "TileArray",
    "open_dataarray",
    "open_datacollection",
    "split",
]

"""OpenVINO without its converter of models, which no network here needs.

`import openvino` alone also loads the converter, and that tells a server of OpenVINO's makers of
each import, through a process of its own that the program waits for when it ends, and keeps a name
for the user in `~/intel`. Here nothing is sent or kept, and a program begins earlier.
"""

from __future__ import annotations

import sys
from typing import Any

_CONVERTER = "openvino.tools.ovc"
_OFFERED = "convert_model"


def runtime() -> Any:
    """The module `openvino`; its converter is loaded when somebody asks for it.

    Raises ImportError where OpenVINO is not installed.
    """
    if "openvino" in sys.modules or _CONVERTER in sys.modules:
        import openvino

        return openvino
    absent: Any = None
    sys.modules[_CONVERTER] = absent  # openvino does without what cannot be imported
    try:
        import openvino
    finally:
        del sys.modules[_CONVERTER]
    openvino.__getattr__ = _late
    return openvino


def _late(name: str) -> Any:
    """What the module `openvino` offers besides, for a user's own code in the same process."""
    if name != _OFFERED:
        raise AttributeError(f"module 'openvino' has no attribute {name!r}")
    from openvino.tools.ovc import convert_model

    return convert_model

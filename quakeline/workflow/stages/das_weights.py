"""Weights for fibres, where these have other ones than the seismometers."""

from __future__ import annotations

from pathlib import Path

from quakeline.fibres.das.weights_section import AnyKind
from quakeline.models.sections import Kind

VERSION = 1

#: The section of any kind; see `quakeline.fibres.das.weights_section`.
Config = Kind
#: All kinds, told apart by `kind`.
AnyConfig = AnyKind


def run(config: Config, *, weights: Path) -> None:
    """Write the weights of the network for fibres to `weights`, a safetensors file.

    Raises as the stage `weights`.
    """
    from quakeline.workflow.stages import weights as stage

    stage.run(config, weights=weights)

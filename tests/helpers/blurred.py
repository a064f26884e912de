"""A network of many channels, as its owner would write one, for the workflow's `kind: das`."""

from __future__ import annotations

from typing import Any

import torch

from quakeline import DASModel, PatchingStructure


class Blurred(DASModel):
    """Loudness averaged over time and neighbouring channels, between 0 and 1; S is its half."""

    def __init__(self, window: int = 1000, width: int = 6, scale: float = 30.0) -> None:
        super().__init__(
            annotate_keys=["P", "S"],
            patching_structure=PatchingStructure(
                window, width, window, width, (0, window), (0, width)
            ),
            dt_range=(0.005, 0.02),
            citation="nobody",
        )
        self.window, self.width = window, width
        self.scale = torch.nn.Parameter(torch.tensor(scale))

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """See `DASModel.forward`."""
        power = torch.nn.functional.avg_pool2d(
            x.square()[:, None], (41, 3), 1, (20, 1), count_include_pad=False
        )[:, 0]
        loud = power / (power + self.scale.square())
        return {"P": loud, "S": loud / 2, "other": loud}

    def get_model_args(self) -> dict[str, Any]:
        """See `DASModel.get_model_args`."""
        return {"window": self.window, "width": self.width}

"""A network that needs no training: onsets in neighbouring channels, P and S by their frequency."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import avg_pool2d, pad

from quakeline import DASModel, PatchingStructure

BEFORE, AFTER, WIDTH = 100, 40, 3


class Onset(DASModel):
    """Power behind a sample against power before it, averaged over channels; for 100 Hz."""

    def __init__(self, window: int = 3000, width: int = 50) -> None:
        known = (BEFORE, window - AFTER)
        super().__init__(
            annotate_keys=["P", "S"],
            patching_structure=PatchingStructure(
                window, width, known[1] - known[0], width, known, (0, width)
            ),
            dt_range=(0.01, 0.01),
        )
        self.window, self.width = window, width
        #: Ratio of powers that counts a half; square of 2 pi f / rate between P and S.
        self.ratio = torch.nn.Parameter(torch.tensor(9.0))
        self.between = torch.nn.Parameter(torch.tensor(0.2))

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """See `DASModel.forward`."""
        power = x.square()
        after, before = _mean(power, 0, AFTER), _mean(power, BEFORE, 0)
        jump = after / (before + 1e-30)
        loud = jump.square() / (jump.square() + self.ratio.square())
        steps = x.diff(dim=1, append=x[:, -1:]).square()
        quick = _mean(steps, 0, AFTER) / (after + 1e-30)
        first = torch.sigmoid(40 * (quick - self.between))
        found = {"P": loud * first, "S": loud * (1 - first)}
        return {phase: curve[:, BEFORE : self.window - AFTER] for phase, curve in found.items()}

    def get_model_args(self) -> dict[str, Any]:
        """See `DASModel.get_model_args`."""
        return {"window": self.window, "width": self.width}


def _mean(power: torch.Tensor, behind: int, ahead: int) -> torch.Tensor:
    """Mean of (batch, samples, channels) over so many samples on either side and some channels."""
    padded = pad(power, (WIDTH // 2, WIDTH // 2, behind, ahead - 1), "constant", 0.0)
    return avg_pool2d(padded[:, None], (behind + ahead, WIDTH), 1)[:, 0]

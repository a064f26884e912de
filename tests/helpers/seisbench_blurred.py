"""A DAS model of SeisBench, as its owner would write one."""

from __future__ import annotations

from typing import Any

import torch
from seisbench.models import das_base


class Blurred(das_base.DASModel):
    """A convolution along both axes."""

    def __init__(self, sharpness: float = 1.0, **options: Any) -> None:
        options.pop("citation", None)
        super().__init__(
            citation="none",
            annotate_keys=["P"],
            patching_structure=das_base.PatchingStructure(
                in_samples=1000,
                in_channels=20,
                out_samples=1000,
                out_channels=20,
                range_samples=(0, 1000),
                range_channels=(0, 20),
            ),
            **options,
        )
        self.sharpness = sharpness
        self.layer = torch.nn.Conv2d(1, 1, 5, padding=2)

    def forward(self, x: torch.Tensor, argdict: Any = None) -> dict[str, torch.Tensor]:
        """See SeisBench."""
        return {"P": torch.sigmoid(self.sharpness * self.layer(x[:, None]))[:, 0]}

    def get_model_args(self) -> dict[str, Any]:
        """See SeisBench."""
        return {**super().get_model_args(), "sharpness": self.sharpness}

    @property
    def classify_callback(self) -> Any:
        """See SeisBench."""
        return das_base.DASPickingCallback


class Louder(Blurred):
    """A class that hands on what it does not know to its base."""

    def __init__(self, gain: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.gain = gain

    def forward(self, x: torch.Tensor, argdict: Any = None) -> dict[str, torch.Tensor]:
        """See SeisBench."""
        return super().forward(self.gain * x)

    def get_model_args(self) -> dict[str, Any]:
        """See SeisBench."""
        return {**super().get_model_args(), "gain": self.gain}

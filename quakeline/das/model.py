"""The base of networks that work on fibre data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from torch import Tensor, nn


class DASModel(nn.Module, ABC):
    """Base of networks for fibre data: an ordinary torch module with `annotate` and `classify`."""

    @abstractmethod
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Annotations of patches (batch, samples, channels), each (batch, samples, channels)."""

    def annotate(self, data: Any, callback: Any, **kwargs: Any) -> Any:
        """Apply to an `xdas.DataArray` or a `quakeline.das.arrays.Source`."""
        raise NotImplementedError

"""A torch module that tells where it is, and what it wants to be told when it is applied."""

from __future__ import annotations

import inspect
import logging
from typing import Self

import torch
from torch import nn

from quakeline.fibres.das.annotating import Annotating
from quakeline.inference.devices import on_gpu

logger = logging.getLogger("quakeline")


class Applicable(Annotating, nn.Module):
    """What models for fibres have beside `annotate`; names are those of SeisBench's models."""

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next((one.device for one in self.parameters()), torch.device("cpu"))

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights."""
        return next((one.dtype for one in self.parameters()), torch.float32)

    def to_preferred_device(self, verbose: bool = False) -> Self:
        """Move the model to a GPU where there is one; say so if `verbose`."""
        self.to("cuda" if on_gpu("auto") else "cpu")
        if verbose:
            logger.info("%s is on %s", self.name, self.device)
        return self

    @property
    def _takes_argdict(self) -> bool:
        """Whether `forward` wants to be told what the call of `annotate` says."""
        parameters = inspect.signature(self.forward).parameters.values()
        return any(p.name == "argdict" or p.kind is p.VAR_KEYWORD for p in parameters)

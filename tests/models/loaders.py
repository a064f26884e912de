"""Loaders as users write them: a torch module, a TorchScript module or file, an ONNX file."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

WINDOW = 300


class Small(nn.Module):
    """A network of three classes that one could train."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.first = nn.Conv1d(3, 8, 7, padding=3)
        self.last = nn.Conv1d(8, 3, 7, padding=3)

    def forward(self, x: Tensor) -> Tensor:
        """Probabilities of N, P, S."""
        return torch.softmax(self.last(torch.relu(self.first(x))), dim=1)


def load_model(form: str = "torch", seed: int = 1, folder: str = ".") -> object:
    """Give the network in one of the forms that quakeline takes."""
    network = Small(seed).eval()
    if form == "torch":
        return network
    if form == "script":
        return torch.jit.script(network)
    if form == "script file":
        path = Path(folder) / "small.pt"
        torch.jit.trace(network, torch.zeros(2, 3, WINDOW)).save(path)
        return str(path)
    if form == "onnx file":
        path = Path(folder) / "small.onnx"
        torch.onnx.export(
            network,
            (torch.zeros(2, 3, WINDOW),),
            path,
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=99)},),
            verbose=False,
        )
        return path
    if form == "centre":
        return nn.Sequential(network, nn.AdaptiveAvgPool1d(1), nn.Flatten())
    return form

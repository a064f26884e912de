"""Weights files of random weights: nobody's, or as after a training that began at known ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from quakeline.models import networks
from quakeline.models.ancestry import Training
from quakeline.models.cards import Card, GivenFiles
from quakeline.models.names import trained_from

TRAINING = Training(("INSTANCE", "own, 2024"), "2026-11-29", "abc1234", {"epochs": 3})


def nobodys(card: Card, **changes: Any) -> Card:
    """A card like a known one, for random weights, which may not be called as their authors'."""
    facts = {"name": f"nobodys-{card.name}", "citation": "nobody", "digest": ""}
    return replace(card, source=GivenFiles("chance"), **{**facts, **changes})


def trained(parent: Card, folder: Path, **more: Any) -> tuple[Path, nn.Module]:
    """The file "alpine.safetensors" of weights that name a parent, and their network."""
    torch.manual_seed(3)
    network = networks.build(parent)
    path = folder / "alpine.safetensors"
    card = trained_from(parent, name="alpine", training=TRAINING, **more)
    networks.save_network(path, network, card)
    return path, network.eval()

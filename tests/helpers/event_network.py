"""A small network of events with weights that mean nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from quakeline.models.event_cards import QUAKEXNET
from quakeline.models.quakexnet import QuakeXNet
from quakeline.models.weights import save


def blank(path: Path, **changes: Any) -> Path:
    """Write QuakeXNet untrained as a weights file, its card with some changes."""
    torch.manual_seed(0)
    card = replace(QUAKEXNET, **{"name": "blank", "citation": "none", **changes})
    card = replace(card, options={"classes": str(len(card.classes))})
    save(path, QuakeXNet(len(card.classes)).state_dict(), card)
    return path

"""A small network of events with weights that mean nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from quakeline.models.event_cards import QUAKEXNET
from quakeline.models.quakexnet import QuakeXNet
from quakeline.models.weights import save


def blank(path: Path) -> Path:
    """Write QuakeXNet untrained as a weights file."""
    torch.manual_seed(0)
    save(path, QuakeXNet().state_dict(), replace(QUAKEXNET, name="blank", citation="none"))
    return path

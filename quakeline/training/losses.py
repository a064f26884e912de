"""How far what a network says is from what it should say; zero where both are the same."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from quakeline.models.cards import Card
from quakeline.training.labels import DETECTION, NOISE

#: Shares of detection, P and S in the loss of Mousavi et al. (2020,
#: doi:10.1038/s41467-020-17591-w), where each class is for itself.
_SHARES = {"D": 0.05, "P": 0.40, "S": 0.55}
_LEAST = 1e-7


def loss_of(
    output: Tensor, wanted: Tensor, weight: Tensor, card: Card, total: Tensor | None = None
) -> Tensor:
    """Mean divergence of probabilities, in nats.

    Cross entropy less the entropy of the labels. With a class of noise, whose network gives
    probabilities that add up to one, that of Kullback and Leibler over all classes; else each class
    is an answer for itself, weighted as Mousavi et al. do. Samples at the ends of a window whose
    output is not used (`blind_samples`) do not count.

    Parameters
    ----------
    output, wanted
        Shape (batch, classes) or (batch, classes, samples), 0 to 1.
    weight
        Shape (batch,) or (batch, samples): how much each counts.
    total
        What is divided by: `total_of` a batch, of which this is a piece; None: of this.
    """
    output, wanted, weight = (_used(one, card) for one in (output, wanted, weight))
    p = output.clamp(_LEAST, 1 - _LEAST)
    if card.output == "event" or any(name in NOISE for name in card.classes):
        each = (torch.xlogy(wanted, wanted) - wanted * p.log()).sum(dim=1)
    else:
        own = torch.xlogy(wanted, wanted) + torch.xlogy(1 - wanted, 1 - wanted)
        own = own - wanted * p.log() - (1 - wanted) * (1 - p).log()
        share = torch.tensor(shares(card.classes), dtype=own.dtype, device=own.device)
        each = torch.tensordot(own, share, dims=([1], [0]))
    return (each * weight).sum() / (weight.sum().clamp_min(1.0) if total is None else total)


def total_of(weight: Tensor, card: Card) -> Tensor:
    """What the loss of windows of these weights is divided by."""
    return _used(weight, card).sum().clamp_min(1.0)


def _used(values: Tensor, card: Card) -> Tensor:
    """Without the ends of windows whose output is not used."""
    blind = card.blind_samples if card.output == "samples" else 0
    return values[..., blind:-blind] if blind else values


def shares(classes: Sequence[str]) -> list[float]:
    """Shares of the classes in the loss, which add up to one."""
    names = ["D" if name in DETECTION else name for name in classes]
    found = [_SHARES.get(name, 1.0 / len(names)) for name in names]
    return [share / sum(found) for share in found]

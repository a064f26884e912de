"""What is known of a picker of seismometer records before it is applied to a fibre."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from quakeline.core.errors import ConfigError
from quakeline.io.products.atomic import replacing
from quakeline.models import cache, weights
from quakeline.models.cards import Card
from quakeline.models.named import weights_file

if TYPE_CHECKING:
    from torch import nn

#: Classes that are no phases: names of their annotations, None: there is none.
_KEYS: dict[str, str | None] = {"N": None, "Noise": None, "D": "Detection"}
#: Smallest value of a detection, as SeisBench documents it for EQTransformer.
_DETECTION = 0.3
#: Arguments of SeisBench's pickers that mean something else here.
_OURS = ("batch_size", "overlap")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a picker without its network.

    Attributes
    ----------
    card
        What the network expects and gives.
    path
        Weights file of it; None: a SeisBench network of a class that only this process knows.
    rate_hz
        Sampling rate that the network needs; None: it takes any.
    blinding
        Samples at the begin and the end of a window whose output is not used.
    default_args, documented
        Arguments of `annotate` that the network brings along, and that it knows, as SeisBench
        has them.
    """

    card: Card
    path: Path | None
    rate_hz: float | None
    blinding: tuple[int, int]
    default_args: Mapping[str, Any] = field(default_factory=dict)
    documented: Mapping[str, tuple[str, Any]] = field(default_factory=dict)

    @property
    def rows(self) -> dict[str, int]:
        """Rows of the network's output by annotation key: all but noise."""
        named = {_KEYS.get(name, name): row for row, name in enumerate(self.card.classes)}
        return {key: row for key, row in named.items() if key is not None}

    @property
    def thresholds(self) -> dict[str, float]:
        """Smallest value of a pick by annotation key."""
        return {key: self.card.thresholds.get(key, _DETECTION) for key in self.rows}


@dataclass(frozen=True, kw_only=True)
class Picker(Facts):
    """A picker with its network.

    Attributes
    ----------
    network
        The network, which trains.
    known
        Digest of the tensors in the weights file.
    """

    network: nn.Module
    known: str


def facts_of(path: Path) -> Facts:
    """What is known of a weights file; PyTorch is not loaded.

    Raises ConfigError or WeightsError where it cannot be applied to fibres.
    """
    card, _ = weights.card_of(path)
    _check(card)
    blind = (card.blind_samples, card.blind_samples)
    return Facts(card=card, path=path, rate_hz=card.sampling_rate_hz, blinding=blind)


def picker_of(model: Any, run_loader: bool) -> Picker:
    """Open the name of a weight set, a .safetensors file, or a `WaveformModel` of SeisBench.

    Raises ConfigError or WeightsError where it cannot be applied to fibres.
    """
    if isinstance(model, str | os.PathLike):
        from quakeline.models.networks import read

        path = weights_file(os.fspath(model))
        facts = facts_of(path)
        _, network, known = read(path, run_loader=run_loader)
        return Picker(**vars(facts), network=network, known=known)
    if not hasattr(model, "annotate_batch_pre"):
        raise ConfigError(
            f"model: a {type(model).__name__} given; allowed: the name of a weight set, a"
            " .safetensors file of quakeline, or a WaveformModel of SeisBench"
        )
    return _of_seisbench(model)


def _of_seisbench(model: Any) -> Picker:
    from quakeline.models.sections.seisbench import described
    from quakeline.models.seisbench import found_of, is_shipped

    shipped = is_shipped(model)
    found = found_of(model)
    state, card = described(found, "scale" if shipped else "none")
    _check(card)
    first, last = found.blinding()
    least = card.blind_samples if card.blind_samples > max(first, last) else 0
    path, known = _written(state, card) if shipped else (None, "")
    return Picker(
        card=card,
        network=found.picker,
        path=path,
        known=known,
        rate_hz=None if model.sampling_rate is None else float(model.sampling_rate),
        blinding=(max(first, least), max(last, least)),
        default_args=dict(model.default_args),
        documented={
            k: v for k, v in model._annotate_args.items() if k not in ("batch_size", "overlap")
        },
    )


def _written(state: Mapping[str, Any], card: Card) -> tuple[Path, str]:
    """The weights as a file of the cache, and their digest."""
    with TemporaryDirectory(prefix="quakeline-") as folder:
        made = Path(folder) / "model.safetensors"
        weights.save(made, state, card)
        known = weights.card_of(made)[1]
        path = cache.folder() / "das" / f"{known}.safetensors"
        with replacing(path) as temporary:
            temporary.write_bytes(made.read_bytes())
    return path, known


def _check(card: Card) -> None:
    if card.members:
        raise ConfigError(f"model: {card.name} is an ensemble; wrap its members one by one")
    if card.output == "window":
        raise ConfigError(
            f"model: {card.name} gives one value per window; fibre data need a network that gives"
            " one per sample"
        )

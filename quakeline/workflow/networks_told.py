"""In words: how the picker of a run is trained, and what classifies its events."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from quakeline.core.errors import WeightsError
from quakeline.events.classification.settings import Network

if TYPE_CHECKING:
    from quakeline.workflow.config import Run

#: Weights of a trained picker in the folder of its run.
PICKER = Path("training/picker.safetensors")


def planned(run: Run) -> dict[str, str]:
    """What a run will do, by a short name: its training, and how events are classified."""
    said = {}
    if run.train is not None:
        earlier = run.dataset.from_run
        data = f"the catalog of run {earlier}" if earlier else str(run.train.dataset)
        epochs = f"{run.train.settings.epochs} epochs at most"
        said["train"] = f"{run.weights.card().name} on {data}, {epochs}"
    if run.weights_stages:  # a run that picks
        said["classify"] = _classifier(run)
    return said


def _classifier(run: Run) -> str:
    """What classifies events, as far as it can be read."""
    section = run.classify
    if not isinstance(section, Network):
        return "by rules on picks"
    try:
        card = section.weights.card
    except WeightsError:
        return f"by the network {section.weights.path}"
    return f"by the network {card.name} ({', '.join(card.classes)})"


def used(folder: Path, run: Run | None) -> dict[str, str]:
    """What a finished run used, by a short name: a picker of its own, a network that classified."""
    network = run is not None and isinstance(run.classify, Network)
    said = {"picker": _trained(folder), "classified": _classifier(run) if run and network else ""}
    return {name: text for name, text in said.items() if text}


def _trained(folder: Path) -> str:
    """The trained picker of a finished run, with its scores on the part test; "" without one."""
    from quakeline.models.weights import card_of

    if not (folder / PICKER).is_file():
        return ""
    card, _ = card_of(folder / PICKER)
    words = f"{card.name}, from {card.parent.name}" if card.parent else card.name
    if card.training is None:
        return words
    words += f", trained on {card.training.described.split(' (sha256')[0]}"
    scores = card.training.settings.get("scores_on_test", {})
    for name, own in scores.items():
        told = ", ".join(f"{phase} {one['f1']:.2f}" for phase, one in own.items())
        words += f"; F1 of {name}: {told}"
    return f"{words}; {said}" if (said := card.training.settings.get("verdict", "")) else words

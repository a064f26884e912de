"""The training itself: epochs over windows, the best one kept, gone on with where it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from quakeline.core.errors import DataError
from quakeline.inference.engine import prefetched
from quakeline.models.cards import Card
from quakeline.training import checkpoints
from quakeline.training.checkpoints import Progress
from quakeline.training.losses import loss_of
from quakeline.training.pieces import Pieces
from quakeline.training.settings import Settings
from quakeline.training.team import Team

#: Hears the row of each epoch: epoch, learning_rate, train_loss, dev_loss and, of networks that
#: give one class, dev_accuracy.
Notify = Callable[[dict[str, float]], None]
#: Hears of each step: the epoch, windows learnt from in it, and all that it has.
Steps = Callable[[int, int, int], None]
Batch = tuple[Tensor, Tensor, Tensor]


class Examples(Protocol):
    """What is learnt from, or validated with: `quakeline.training.windows.Windows`, for one."""

    def examples(self) -> Sequence[Any]:
        """All of them; of a network of one class each has its `kind`."""

    def made(self, example: Any, epoch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What the network sees, what it should say, and how much that counts."""


#: A process that trains by itself.
ALONE = Team()


@dataclass(frozen=True)
class Fit:
    """A network to be trained on windows.

    The same seed, records and threads give the same bits on a machine's CPU, also when training was
    stopped and went on. There batches are computed in pieces (`pieces`) where that is as good. Of a
    `team` of processes the first one writes and notifies.
    """

    network: nn.Module
    card: Card
    train: Examples
    dev: Examples
    settings: Settings
    device: torch.device
    recipe: str
    team: Team = ALONE
    steps: Steps | None = None

    def run(self, checkpoint: Path, notify: Notify) -> Progress:
        """Train until the last epoch, or until validation is not better any more.

        Raises
        ------
        DataError
            There is nothing to learn or to validate, or the loss is not finite.
        ConfigError, OutputError
            As `checkpoints`.
        """
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.manual_seed(self.settings.seed + self.team.rank)
        self.network.to(self.device)
        learner = self.team.together(self.network)
        optimizer = torch.optim.Adam(self.network.parameters(), self.settings.learning_rate)
        progress = Progress(self.recipe)
        if checkpoint.is_file():
            progress = checkpoints.load(checkpoint, self.recipe, self.network, optimizer)
        else:
            progress.history.append({"epoch": 0, **self._validated()})
        if self.team.rank == 0:
            for row in progress.history:
                notify(row)
        while not self._ended(progress):
            self._epoch(progress, learner, optimizer)
            if self.team.rank == 0:
                checkpoints.save(checkpoint, progress, self.network, optimizer)
                notify(progress.history[-1])
        if not progress.best:  # no epoch was asked for
            progress.best_loss = progress.history[0]["dev_loss"]
            state = self.network.state_dict()
            progress.best = {name: value.detach().cpu().clone() for name, value in state.items()}
        return progress

    def _ended(self, progress: Progress) -> bool:
        waited = progress.epochs - progress.best_epoch
        return progress.epochs >= self.settings.epochs or waited >= self.settings.patience

    def _epoch(
        self, progress: Progress, learner: nn.Module, optimizer: torch.optim.Optimizer
    ) -> None:
        epoch, settings = progress.epochs + 1, self.settings
        rate = settings.learning_rate * settings.step_factor ** (
            (epoch - 1) // settings.step_epochs
        )
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = self._learned(epoch, learner, optimizer)
        row = {"epoch": epoch, "learning_rate": rate, "train_loss": loss, **self._validated()}
        progress.history.append(row)
        if row["dev_loss"] < progress.best_loss:
            progress.best_loss, progress.best_epoch = row["dev_loss"], epoch
            state = self.network.state_dict()
            progress.best = {name: value.detach().cpu().clone() for name, value in state.items()}

    def _learned(self, epoch: int, learner: nn.Module, optimizer: torch.optim.Optimizer) -> float:
        """Mean loss of an epoch in which the network learns."""
        self._ready_to_learn()
        examples = self.train.examples()
        order = np.random.default_rng([self.settings.seed, epoch]).permutation(len(examples))
        losses, done = [], 0
        ordered = [examples[i] for i in order]
        with Pieces(self.network, self.card) as pieces:
            for batch in self._batches(self.train, ordered, epoch, self.team):
                optimizer.zero_grad(set_to_none=True)
                loss = self._gradients(pieces, learner, batch)
                if not torch.isfinite(loss):
                    raise DataError(
                        f"the loss of epoch {epoch} is not finite: a smaller learning rate, or"
                        " other records, are needed"
                    )
                nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.clip)
                optimizer.step()
                losses.append(loss.item())
                done = min(done + self.settings.batch, len(examples))
                if self.steps is not None:
                    self.steps(epoch, done, len(examples))
        return float(np.mean(losses))

    @property
    def _in_pieces(self) -> bool:
        """Whether batches may be cut: on CPUs in float32, by a process that trains by itself."""
        narrow = self.settings.precision != "float32"
        return self.device.type == "cpu" and self.team.size == 1 and not narrow

    def _gradients(self, pieces: Pieces, learner: nn.Module, batch: Batch) -> Tensor:
        """Loss of a batch, whose gradients are then in the parameters."""
        windows, wanted, weight = batch
        if self._in_pieces and pieces.can_learn(windows):
            return pieces.learn(windows, wanted, weight)
        loss = loss_of(self._answer(learner, windows), wanted, weight, self.card)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def _answer(self, learner: nn.Module, windows: Tensor) -> Tensor:
        try:
            found = self._computed(learner, windows)
        except ValueError as error:
            if len(windows) > 1:
                raise
            raise DataError(
                "one window at a time cannot train batch normalisation: a batch of 2 or more, more"
                " records, or norms: keep are needed"
            ) from error
        return found

    def _computed(self, network: nn.Module, windows: Tensor) -> Tensor:
        """Output in float32, computed in the precision of the settings."""
        narrow = self.settings.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=narrow):
            found: Tensor = network(windows)
        return found.float()

    def _ready_to_learn(self) -> None:
        """Put the network in the state in which it learns.

        Images of networks of events are far from a variance of 1, from which moving averages would
        take hundreds of steps away: means and variances are those of the windows of an epoch.
        """
        self.network.train()
        for module in self.network.modules():
            if not isinstance(module, nn.modules.batchnorm._BatchNorm):
                continue
            if self.settings.norms == "keep":
                module.eval()
            elif self.card.output == "event":
                module.reset_running_stats()
                module.momentum = None

    def _validated(self) -> dict[str, float]:
        """Loss, and share of right classes, of the validation part."""
        self.network.eval()
        total, right, n = 0.0, 0, 0
        with torch.no_grad(), Pieces(self.network, self.card) as pieces:
            for windows, wanted, weight in self._batches(self.dev, self.dev.examples(), 0):
                if self._in_pieces:
                    output = pieces.answers(windows).float()
                else:
                    output = self._computed(self.network, windows)
                total += loss_of(output, wanted, weight, self.card).item() * len(windows)
                right += int((output.argmax(dim=1) == wanted.argmax(dim=1)).sum())
                n += len(windows)
        found = {"dev_loss": self.team.agreed(total / n, self.device)}
        if not np.isfinite(total):
            raise DataError(
                "the loss of the part dev is not finite: a smaller learning rate, or other records,"
                " are needed"
            )
        return found | ({"dev_accuracy": right / n} if self.card.output != "samples" else {})

    def _batches(
        self, windows: Examples, examples: Sequence[Any], epoch: int, team: Team = ALONE
    ) -> Iterator[Batch]:
        size = self.settings.batch
        balance = self._balance(windows, examples)

        def all_made() -> Iterator[Batch]:
            for some in _cut(examples, size):
                made = [windows.made(one, epoch) for one in team.share(some)]
                data, wanted, weight = (np.stack(arrays) for arrays in zip(*made, strict=True))
                if balance is not None:
                    weight = weight * balance[wanted.argmax(axis=1)]
                yield torch.from_numpy(data), torch.from_numpy(wanted), torch.from_numpy(weight)

        for batch in prefetched(all_made()):
            yield batch[0].to(self.device), batch[1].to(self.device), batch[2].to(self.device)

    def _balance(self, windows: Examples, examples: Sequence[Any]) -> np.ndarray | None:
        """How much each class counts, so that all count the same; None for curves."""
        if self.card.output == "samples":
            return None
        counts = np.zeros(len(self.card.classes))
        for one in examples:
            names = [one.kind, *(["Noise"] if one.kind == "N" else [])]
            counts[[name in names for name in self.card.classes]] += 1
        there = counts > 0
        made = np.where(there, len(examples) / np.maximum(counts, 1) / there.sum(), 0)
        return np.asarray(made, np.float32)


def _cut(examples: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Batches in order; a single window that is left joins the batch before it.

    Batch normalisation of dense layers takes no mean of one window.
    """
    ends = [*range(size, len(examples), size), len(examples)]
    if size > 1 and len(ends) > 1 and ends[-1] - ends[-2] == 1:
        del ends[-2]
    for first, end in zip([0, *ends], ends, strict=False):
        yield examples[first:end]

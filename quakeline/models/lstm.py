"""The LSTMs of EQTransformer: several that read the same input, some of them backwards.

Both kinds take (batch, channels, steps) and give (batch, LSTMs, units, steps).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

UNITS = 16
#: Output and cell of LSTMs.
_State = tuple[Tensor, Tensor]


class SmoothLstm(nn.Module):
    """LSTMs of the original variant that read the same input, some of them backwards."""

    def __init__(self, n_in: int, backwards: Sequence[bool]) -> None:
        super().__init__()
        self.backwards = tuple(backwards)
        self.lstm = nn.ModuleList(nn.LSTM(n_in, UNITS) for _ in backwards)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs, shape (batch, LSTMs, units, steps), of (batch, channels, steps)."""
        steps = x.permute(2, 0, 1)
        outputs = [
            lstm(steps.flip(0) if back else steps)[0]
            for lstm, back in zip(self.lstm, self.backwards, strict=True)
        ]
        return _turned(torch.stack(outputs, dim=1), self.backwards).permute(2, 1, 3, 0)

    @staticmethod
    def from_keras(
        kernels: Sequence[Tensor], recurrent_kernels: Sequence[Tensor], biases: Sequence[Tensor]
    ) -> dict[str, Tensor]:
        """Turn the weights of each LSTM into a `state_dict`: Keras' gates have torch's order."""
        state = {}
        weights = zip(kernels, recurrent_kernels, biases, strict=True)
        for i, (kernel, recurrent_kernel, bias) in enumerate(weights):
            state[f"lstm.{i}.weight_ih_l0"] = kernel.T.contiguous()
            state[f"lstm.{i}.weight_hh_l0"] = recurrent_kernel.T.contiguous()
            state[f"lstm.{i}.bias_ih_l0"] = bias
            state[f"lstm.{i}.bias_hh_l0"] = torch.zeros_like(bias)
        return state


class HardLstm(nn.Module):
    """LSTMs of the conservative variant that read the same input, some of them backwards.

    They have the hard gates of Keras 2, clip(0.2 x + 0.5, 0, 1), which torch's LSTM has not; the
    0.2 and the 0.5 are part of the weights here. Units are in the order input gate, forget gate,
    output gate, candidate.
    """

    def __init__(self, n_in: int, backwards: Sequence[bool]) -> None:
        super().__init__()
        n = len(backwards)
        self.backwards = tuple(backwards)
        self.input_weight = nn.Parameter(torch.empty(n, 4 * UNITS, n_in))
        self.state_weight = nn.Parameter(torch.empty(n, UNITS, 4 * UNITS))
        self.bias = nn.Parameter(torch.zeros(n, 4 * UNITS, 1))
        nn.init.constant_(self.bias[:, : 3 * UNITS], 0.5)
        nn.init.xavier_uniform_(self.input_weight)
        nn.init.xavier_uniform_(self.state_weight)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs, shape (batch, LSTMs, units, steps), of (batch, channels, steps)."""
        projected = torch.matmul(self.input_weight, x.unsqueeze(1)) + self.bias
        inputs = _turned(projected.permute(3, 1, 0, 2), self.backwards).contiguous()
        zeros = x.new_zeros(len(self.backwards), x.shape[0], UNITS)
        return _turned(_scan(self._step, zeros, inputs), self.backwards).permute(2, 1, 3, 0)

    def _step(self, state: _State, projected: Tensor) -> tuple[_State, Tensor]:
        """One step of time: state (output, cell) and projected input, (LSTMs, batch, units)."""
        output, cell = state
        units = torch.baddbmm(projected, output, self.state_weight)
        gates, candidate = torch.split(units, [3 * UNITS, UNITS], dim=-1)
        entry, keep, exit_ = gates.clamp(0, 1).chunk(3, dim=-1)
        cell = keep * cell + entry * candidate.tanh()
        output = exit_ * cell.tanh()
        return (output, cell), output.clone()

    @staticmethod
    def from_keras(
        kernels: Sequence[Tensor], recurrent_kernels: Sequence[Tensor], biases: Sequence[Tensor]
    ) -> dict[str, Tensor]:
        """Turn the weights of each LSTM into a `state_dict`, from the order i, f, candidate, o."""

        def stacked(weights: Sequence[Tensor], offset: float = 0) -> Tensor:
            entry, keep, candidate, exit_ = torch.stack(tuple(weights)).chunk(4, dim=-1)
            gates = 0.2 * torch.cat((entry, keep, exit_), dim=-1) + offset
            return torch.cat((gates, candidate), dim=-1)

        return {
            "input_weight": stacked(kernels).transpose(1, 2).contiguous(),
            "state_weight": stacked(recurrent_kernels),
            "bias": stacked(biases, 0.5).unsqueeze(-1),
        }


def _turned(steps: Tensor, backwards: Sequence[bool]) -> Tensor:
    """Turn the time of the LSTMs that run backwards; `steps` is (steps, LSTMs, ...)."""
    if not any(backwards):
        return steps
    turned = [steps[:, i].flip(0) if back else steps[:, i] for i, back in enumerate(backwards)]
    return torch.stack(turned, dim=1)


def _scan(
    step: Callable[[_State, Tensor], tuple[_State, Tensor]], zeros: Tensor, inputs: Tensor
) -> Tensor:
    """Apply a step of recurrence to inputs along their first axis, and stack what it gives."""
    if torch.compiler.is_exporting():
        # One node of the exported graph instead of a dozen for every step.
        from torch._higher_order_ops.scan import scan

        outputs: Tensor = scan(step, (zeros, zeros.clone()), inputs, dim=0)[1]
        return outputs
    state, given = (zeros, zeros), []
    for projected in inputs.unbind(0):
        state, output = step(state, projected)
        given.append(output)
    return torch.stack(given)

"""What computes a network: OpenVINO on a CPU, PyTorch anywhere.

A backend takes batches of one fixed shape and gives their outputs in the same order. Batches are
never larger or smaller: the result of a window then does not depend on what else is computed.
Measured choice (see docs/performance.md): on CPUs OpenVINO needs between a third and four fifths of
the time of PyTorch, depending on the network, with differences of 1e-6.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

Tag = TypeVar("Tag")


class Backend(Protocol):
    """Computes a network on batches of shape (batch, components, samples), float32."""

    @property
    def batch(self) -> int:
        """Windows in a batch."""

    @property
    def in_flight(self) -> int:
        """Batches that are computed at the same time; their arrays must stay untouched."""

    def run(self, batches: Iterator[tuple[Tag, np.ndarray]]) -> Iterator[tuple[Tag, np.ndarray]]:
        """Give each batch's tag and output, in order. An output is valid until the next one."""


class OpenVino:
    """OpenVINO on `threads` cores of a CPU: each batch on one core, so that none waits."""

    def __init__(self, graph: Path, shape: tuple[int, int, int], threads: int) -> None:
        import openvino

        core = openvino.Core()
        model = core.read_model(graph)
        model.reshape(list(shape))
        settings = {
            "NUM_STREAMS": threads,
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "f32",
        }
        compiled = core.compile_model(model, "CPU", settings)
        self.batch = shape[0]
        self.in_flight = 1 if threads == 1 else threads + 1
        self._requests = [compiled.create_infer_request() for _ in range(self.in_flight)]

    def run(self, batches: Iterator[tuple[Tag, np.ndarray]]) -> Iterator[tuple[Tag, np.ndarray]]:
        """See `Backend.run`."""
        idle = deque(self._requests)
        busy: deque[tuple[Tag, Any]] = deque()
        for tag, windows in batches:
            request = idle.popleft()
            request.start_async({0: windows}, share_inputs=True)
            busy.append((tag, request))
            if not idle:
                yield self._finish(*busy[0])
                idle.append(busy.popleft()[1])
        for tag, request in busy:
            yield self._finish(tag, request)

    @staticmethod
    def _finish(tag: Tag, request: Any) -> tuple[Tag, np.ndarray]:
        request.wait()
        return tag, request.get_output_tensor(0).data


class Torch:
    """PyTorch on a CPU or on one or several GPUs.

    On a GPU the copies to and from the device run beside the computation: host memory is pinned
    and two batches per device are in flight. Several GPUs take turns.
    """

    def __init__(self, network: Any, batch: int, devices: list[Any], dtype: Any = None) -> None:
        import copy

        import torch

        self._torch = torch
        torch.backends.cudnn.allow_tf32 = False  # ten bits of a probability are too few
        self.batch = batch
        self._dtype = dtype or torch.float32
        self._networks = [
            copy.deepcopy(network).to(device=device, dtype=self._dtype).eval() for device in devices
        ]
        self._devices = devices
        self._pinned = devices[0].type == "cuda"
        self.in_flight = 2 * len(devices) if self._pinned else 1

    def run(self, batches: Iterator[tuple[Tag, np.ndarray]]) -> Iterator[tuple[Tag, np.ndarray]]:
        """See `Backend.run`."""
        busy: deque[tuple[Tag, Any, Any]] = deque()
        for number, (tag, windows) in enumerate(batches):
            busy.append((tag, *self._start(number % len(self._devices), windows)))
            if len(busy) == self.in_flight:
                yield self._finish(*busy.popleft())
        while busy:
            yield self._finish(*busy.popleft())

    def _start(self, index: int, windows: np.ndarray) -> tuple[Any, Any]:
        torch = self._torch
        host = torch.from_numpy(windows)
        with torch.inference_mode():
            if self._pinned:
                host = host.pin_memory()
            batch = host.to(self._devices[index], dtype=self._dtype, non_blocking=True)
            output = self._networks[index](batch).float().to("cpu", non_blocking=True)
            done = None
            if self._pinned:
                done = torch.cuda.Event()
                done.record(torch.cuda.current_stream(self._devices[index]))
        return output, done

    @staticmethod
    def _finish(tag: Tag, output: Any, done: Any) -> tuple[Tag, np.ndarray]:
        if done is not None:
            done.synchronize()
        return tag, output.numpy()

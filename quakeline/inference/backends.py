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

from quakeline.models.openvino_runtime import runtime

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
        core = runtime().Core()
        model = core.read_model(graph)
        model.reshape(list(shape))
        settings = {
            "NUM_STREAMS": threads,
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "f32",
            # else several processes on a machine would all compute on its first cores
            "ENABLE_CPU_PINNING": False,
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

    Several GPUs take turns. Each has two batches in flight, each in a stream of its own and from
    pinned memory: one is copied while the other is computed.
    """

    def __init__(self, network: Any, batch: int, devices: list[Any]) -> None:
        import copy

        import torch

        self._torch = torch
        torch.backends.cudnn.allow_tf32 = False  # ten bits of a probability are too few
        self.batch = batch
        networks = [copy.deepcopy(network).to(device).eval() for device in devices]
        self._streams: list[Any] = [None]
        if devices[0].type == "cuda":
            stream: Any = torch.cuda.Stream
            self._streams = [stream(device) for _ in range(2) for device in devices]
        self.in_flight = len(self._streams)
        self._networks = [networks[k % len(devices)] for k in range(self.in_flight)]

    def run(self, batches: Iterator[tuple[Tag, np.ndarray]]) -> Iterator[tuple[Tag, np.ndarray]]:
        """See `Backend.run`."""
        busy: deque[tuple[Tag, Any, Any]] = deque()
        for number, (tag, windows) in enumerate(batches):
            busy.append((tag, *self._start(number % self.in_flight, windows)))
            if len(busy) == self.in_flight:
                yield self._finish(*busy.popleft())
        while busy:
            yield self._finish(*busy.popleft())

    def _start(self, turn: int, windows: np.ndarray) -> tuple[Any, Any]:
        """Begin a batch; gives its output and, on a GPU, the event at which that is complete."""
        torch, stream = self._torch, self._streams[turn]
        host = torch.from_numpy(windows)
        with torch.inference_mode():
            if stream is None:
                return self._networks[turn](host), None
            with torch.cuda.stream(stream):
                batch = host.pin_memory().to(stream.device, non_blocking=True)
                # PyTorch pins the memory of a copy to the host that does not block
                output = self._networks[turn](batch).to("cpu", non_blocking=True)
                return output, stream.record_event()

    @staticmethod
    def _finish(tag: Tag, output: Any, done: Any) -> tuple[Tag, np.ndarray]:
        if done is not None:
            done.synchronize()
        return tag, output.numpy()

"""Digests of tensors, from memory or from a safetensors file, without loading PyTorch for a file.

A digest covers the name, type, shape and bytes of every tensor in the order of names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

_TYPES = {
    "BOOL": "torch.bool",
    "U8": "torch.uint8",
    "I8": "torch.int8",
    "I16": "torch.int16",
    "I32": "torch.int32",
    "I64": "torch.int64",
    "U16": "torch.uint16",
    "U32": "torch.uint32",
    "U64": "torch.uint64",
    "F16": "torch.float16",
    "BF16": "torch.bfloat16",
    "F32": "torch.float32",
    "F64": "torch.float64",
    "C64": "torch.complex64",
    "F8_E4M3": "torch.float8_e4m3fn",
    "F8_E5M2": "torch.float8_e5m2",
}
NO_OPTIONS: Mapping[str, str] = {}
#: Name, type, shape and bytes of a tensor.
Entry = tuple[str, str, tuple[int, ...], Any]


@dataclass(frozen=True)
class Digest:
    """`tensors` is the SHA-256 of tensors, `weights_id` 12 digits of it with the options."""

    tensors: str
    weights_id: str


def of_tensors(state: Mapping[str, Tensor], options: Mapping[str, str] = NO_OPTIONS) -> Digest:
    """Digest of tensors in memory, for a network that is built with some options."""
    import torch

    def entries() -> Iterable[Entry]:
        for name, tensor in state.items():
            held = tensor.detach().cpu().contiguous()
            content = held.reshape(-1).view(torch.uint8).numpy().tobytes()
            yield name, str(held.dtype), tuple(held.shape), content

    return _of(entries(), options)


def of_file(
    content: memoryview, options: Mapping[str, str] = NO_OPTIONS, prefix: str = ""
) -> Digest:
    """Digest of the tensors of a valid safetensors file whose names begin with a prefix."""
    begin = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(bytes(content[8:begin]))

    def entries() -> Iterable[Entry]:
        for name, facts in header.items():
            if name != "__metadata__" and name.startswith(prefix):
                first, stop = (begin + offset for offset in facts["data_offsets"])
                kind = _TYPES.get(facts["dtype"], facts["dtype"])
                yield name.removeprefix(prefix), kind, tuple(facts["shape"]), content[first:stop]

    return _of(entries(), options)


def options_text(options: Mapping[str, str]) -> str:
    """Options as they enter a digest."""
    return json.dumps(dict(options), sort_keys=True)


def _of(entries: Iterable[Entry], options: Mapping[str, str]) -> Digest:
    digest = hashlib.sha256()
    for name, kind, shape, content in sorted(entries, key=lambda entry: entry[0]):
        digest.update(f"{name}\0{kind}\0{shape}\0".encode())
        digest.update(content)
    tensors = digest.hexdigest()
    if options:
        digest.update(options_text(options).encode())
    return Digest(tensors, digest.hexdigest()[:12])

"""Damaged copies of real files, the same for the same seed."""

from __future__ import annotations

import random

_NUMBERS = (b"-1", b"0", b"nan", b"1e999", b"99999999999999999999", b"\xff", b"\x00", b"''", b"[]")


def mutated(content: bytes, seed: int) -> bytes:
    """A copy with one to four changes: bytes flipped, cut, repeated, inserted or swapped."""
    draw = random.Random(seed)
    data = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        draw.choice(_CHANGES)(data, draw)
    return bytes(data)


def _flip(data: bytearray, draw: random.Random) -> None:
    if data:
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def _early_flip(data: bytearray, draw: random.Random) -> None:
    """Headers are short and at the front."""
    if data:
        data[draw.randrange(min(len(data), 64))] = draw.randrange(256)


def _cut(data: bytearray, draw: random.Random) -> None:
    del data[draw.randint(0, len(data)) :]


def _remove(data: bytearray, draw: random.Random) -> None:
    begin = draw.randint(0, len(data))
    del data[begin : begin + draw.randint(1, 64)]


def _repeat(data: bytearray, draw: random.Random) -> None:
    begin = draw.randint(0, len(data))
    data[begin:begin] = data[begin : begin + draw.randint(1, 64)]


def _insert(data: bytearray, draw: random.Random) -> None:
    place = draw.randint(0, len(data))
    data[place:place] = draw.choice(_NUMBERS)


_CHANGES = (_flip, _early_flip, _cut, _remove, _repeat, _insert)

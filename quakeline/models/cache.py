"""Keeps the original files of weights in a folder of the user, so that each is fetched once."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from quakeline.core.errors import OutputError, WeightsError
from quakeline.io.products.caches import folder as folder
from quakeline.io.products.provenance import digest_file
from quakeline.models.cards import SourceFile

logger = logging.getLogger(__name__)


def kept(
    key: str,
    files: Sequence[SourceFile],
    fetch: Callable[[], Mapping[str, bytes]],
    kind: str = "weights",
) -> list[Path]:
    """Give files of the cache, fetched before unless they are there and intact.

    Two jobs may fetch at the same time: files appear in the cache whole or not at all. A file of
    the cache that is damaged is replaced.

    Parameters
    ----------
    key
        Name of their folder in the cache; different for different files of the same name.
    files
        The files.
    fetch
        Gives the content of all files by name, checked.
    kind
        What the files are: a folder of the cache, "weights" or "data".

    Returns
    -------
    list of Path
        The files, in their order.

    Raises
    ------
    OutputError
        The cache folder or the folder for temporary files cannot be written.
    """
    place = folder() / kind / key
    paths = [place / file.name for file in files]
    if not all(_is_intact(path, file.sha256) for path, file in zip(paths, files, strict=True)):
        with writing(place):
            store(place, fetch())
    return paths


def store(place: Path, contents: Mapping[str, bytes]) -> None:
    """Write files into a folder, each whole or not at all; the folder is made."""
    with writing(place):
        place.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=place, prefix=".part-") as temporary:
            for name, content in contents.items():
                part = Path(temporary) / name
                part.write_bytes(content)
                part.replace(place / name)


def check(content: bytes, file: SourceFile, place: str) -> None:
    """Refuse, with a WeightsError, what does not have the SHA-256 of a file; `place` names it."""
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise WeightsError(f"{place} has the SHA-256 {found}; expected {file.sha256}")


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Turn a failure to write into an OutputError that says how to name another folder."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"cannot keep downloads in {error.filename or place}: {error.strerror or error}; the"
            " environment variable QUAKELINE_CACHE names another folder"
        ) from error


def _is_intact(path: Path, sha256: str) -> bool:
    if not path.is_file():
        return False
    try:
        intact = digest_file(path) == sha256
    except OSError:
        intact = False
    if not intact:
        logger.warning("%s is damaged; fetching it again", path)
    return intact

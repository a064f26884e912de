"""What `auto` became in a run: stages note it in the provenance of their products."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from quakeline.io.products import provenance


def product_paths(run_dir: Path) -> list[Path]:
    """Products of a run that tell of its choices, each stage after those that it follows."""
    of_chunks = [sorted((run_dir / "picks").glob("*.parquet"))[:1]]
    of_chunks += [
        sorted(fibre.glob("onsets/*.parquet"))[:1] for fibre in sorted(run_dir.glob("fibres/*"))
    ]
    catalogs = [run_dir / stage / "events.parquet" for stage in ("associations", "locations")]
    return [*(path for some in of_chunks for path in some), *filter(Path.is_file, catalogs)]


def told(configured: Mapping[str, Any], products: Iterable[Path]) -> dict[str, str]:
    """Dotted keys of the configuration and in words what was chosen for them.

    `configured` are choices that follow from the configuration alone. A later product counts more.
    """
    chosen = dict(configured)
    for path in products:
        chosen |= provenance.read(path).get("chosen", {})
    return {name: _words(value) for name, value in chosen.items()}


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return " to ".join(map(_words, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)

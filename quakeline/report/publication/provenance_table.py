"""Where the results come from: products, networks, software."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from quakeline.core.schemas import PROBABILITIES
from quakeline.io.products import provenance
from quakeline.io.products.stores import open_store
from quakeline.models.cards import CARDS, Card
from quakeline.models.weights import card_of
from quakeline.report.catalog import Catalog

#: Chunk products of one kind that are listed one by one; more are summed up.
MOST_LISTED = 6
_SOFTWARE = (
    "quakeline",
    "snakemake",
    "torch",
    "obspy",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "zarr",
    "matplotlib",
)


@dataclass(frozen=True)
class Product:
    """One product, or all of one kind: `name`, and the recipe that made it."""

    name: str
    stage: str
    version: str
    quakeline: str
    product_id: str
    config_digest: str


def products(tables: dict[str, Path], chunked: dict[str, list[Path]]) -> list[Product]:
    """The recipe of every product.

    More than `MOST_LISTED` products of one kind share a line; its id is the digest of their ids.
    """
    rows: list[Product] = []
    for paths in chunked.values():
        found = [(path, provenance.read(path)) for path in paths]
        if len(found) > MOST_LISTED:
            rows.append(_sum([record for _, record in found], paths))
        else:
            rows += [_product("/".join(path.parts[-2:]), record) for path, record in found]
    rows += [_product("/".join(path.parts[-2:]), provenance.read(path)) for path in tables.values()]
    own = provenance.current()
    return [*rows, _product("this page", own)] if own else rows


def _product(name: str, record: dict[str, Any]) -> Product:
    return Product(
        name=name,
        stage=str(record.get("stage", "unknown")),
        version=str(record.get("stage_version", "")),
        quakeline=str(record.get("quakeline", "")),
        product_id=str(record.get("product_id", "")),
        config_digest=str(record.get("config_digest", "")),
    )


def _sum(records: list[dict[str, Any]], paths: list[Path]) -> Product:
    def every(key: str) -> str:
        return ", ".join(sorted({str(record.get(key, "unknown")) for record in records}))

    digests = [str(record.get("config_digest", "")) for record in records]
    return Product(
        name=f"{paths[0].parent.name}/ ({len(paths)} chunks)",
        stage=every("stage"),
        version=every("stage_version"),
        quakeline=every("quakeline"),
        product_id=provenance.digest_of([str(r.get("product_id", "")) for r in records]),
        config_digest=digests[0] if len(set(digests)) == 1 else provenance.digest_of(digests),
    )


@dataclass(frozen=True)
class UsedNetwork:
    """A network that took part: its card (None for an unknown one) and its weights."""

    name: str
    card: Card | None
    weights_id: str
    weights_sha256: str


def networks(catalog: Catalog, probabilities: list[Path], weights: list[Path]) -> list[UsedNetwork]:
    """The networks that the picks and probabilities name, else the one of the settings.

    Their cards are those of the weights files of the run, else those of quakeline's own networks.
    """
    files = [card_of(path) for path in weights]
    cards = CARDS | {card.name: card for card, _ in files}
    found = set(zip(catalog.picks["model"], catalog.picks["weights_id"], strict=True))
    digests = set()
    for path in probabilities:
        record = provenance.read(path)
        digests.add(str(record.get("inputs", {}).get("weights", "")))
        found.add(_named(path))
    found = {pair for pair in found if pair[0]}
    if not found and not catalog.given_only:
        found = {(name, "") for name in _configured(catalog)}
    digest = digests.pop() if len(digests) == 1 else ""
    return [
        UsedNetwork(str(name), cards.get(str(name)), str(weights_id), digest)
        for name, weights_id in sorted(found)
    ]


def _named(path: Path) -> tuple[str, str]:
    attributes = open_store(path, PROBABILITIES).attrs
    return str(attributes["model"]), str(attributes["weights_id"])


def _configured(catalog: Catalog) -> list[str]:
    section = catalog.settings.get("weights")
    values = section.values() if isinstance(section, dict) else []
    return sorted({value for value in values if isinstance(value, str) and value in CARDS})


def software() -> list[tuple[str, str]]:
    """Versions of Python and of the libraries that the results depend on, as installed here."""
    rows = [("python", platform.python_version())]
    for name in _SOFTWARE:
        try:
            rows.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return rows

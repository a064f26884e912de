"""Whether another version of the program may go on with a session, and what tables say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from quakeline.io.products.provenance import Record


def goes_on(before: Mapping[str, Any], recipe: Record) -> bool:
    """Whether only the program's version differs from an earlier recipe (`Record.as_json`).

    Settings that the earlier version did not have are those of the new one.
    """
    versions = before.get("quakeline"), before.get("stage_version")
    if versions == (recipe.quakeline, recipe.stage_version):
        return False
    same_inputs = dict(before.get("inputs", {})) == recipe.inputs
    return same_inputs and _agrees(before.get("config"), recipe.config)


def continued(recipe: Record, earlier: list[dict[str, Any]]) -> Record:
    """A recipe whose products name the versions of the program before it."""
    return replace(recipe, config={**recipe.config, "earlier": earlier}) if earlier else recipe


def version_of(before: Mapping[str, Any], until: str) -> dict[str, Any]:
    """How products name an earlier version, which worked until a time."""
    return {
        "quakeline": before.get("quakeline"),
        "stage_version": before.get("stage_version"),
        "until": until,
    }


def _agrees(before: Any, now: Any) -> bool:
    """Whether settings are equal as far as the earlier ones go."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        return all(key in now and _agrees(value, now[key]) for key, value in before.items())
    return bool(before == now)

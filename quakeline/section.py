"""The base of every section of the configuration."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of `config.yaml`: frozen, and unknown keys are an error.

    Every field carries a description with its unit; the config reference is generated from them.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True
    )

    def plain(self) -> dict[str, Any]:
        """Return the section as JSON-like builtins, as Snakemake can compare and store them."""
        return self.model_dump(mode="json")

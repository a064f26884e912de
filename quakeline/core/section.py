"""The base of every section of the configuration, and values that may be `auto`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

AUTO = "auto"


class Section(BaseModel):
    """A part of `config.yaml`: frozen, and unknown keys are an error.

    Every field carries a description with its unit; the config reference is generated from them.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True
    )

    #: The extra of the package whose libraries the section's work needs; empty: none.
    EXTRA: ClassVar[str] = ""

    def within(self, path: str = "") -> Iterator[tuple[str, Section]]:
        """The section and all inside it, each with its dotted path."""
        yield path, self
        for name in type(self).model_fields:
            value = getattr(self, name)
            for one in value if isinstance(value, list | tuple) else [value]:
                if isinstance(one, Section):
                    yield from one.within(f"{path}.{name}" if path else name)

    def plain(self) -> dict[str, Any]:
        """Return the section as JSON-like builtins, as Snakemake can compare and store them."""
        return self.model_dump(mode="json")


class MayBeAuto:
    """Marks a field that is written `auto` (or null) where the network or the run decides.

    In the section an undecided value is None, or the empty mapping that stands for it.
    """

    def __init__(self, undecided: Any = None) -> None:
        self._undecided = undecided

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Read `auto` and null as undecided, and write undecided as `auto`."""
        return core_schema.no_info_before_validator_function(
            lambda given: self._undecided if given is None or given == AUTO else given,
            handler(source),
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value: AUTO if value == self._undecided else value, when_used="json"
            ),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The alternatives of the value, `auto` among them."""
        inner = handler(schema)
        choices = [choice for choice in inner.get("anyOf", [inner]) if choice != {"type": "null"}]
        return {"anyOf": [*choices, {"const": AUTO, "type": "string"}]}


#: Smallest probabilities by phase; of phases that are not named those of the network's weights.
Thresholds = Annotated[dict[str, Annotated[float, Field(gt=0, le=1)]], MayBeAuto(undecided={})]

"""What a table and a store are: columns or arrays, types, units, nullability, version."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

#: Column types: the short names used below and their Arrow types.
TYPES = ("string", "time", "float", "double", "int", "bool", "floats")


@dataclass(frozen=True)
class Column:
    """One column: name, type, unit ("" where it has none), whether it may be null, meaning."""

    name: str
    type: str
    unit: str
    nullable: bool
    meaning: str


@dataclass(frozen=True)
class Table:
    """A Parquet table. `version` is raised when a column changes.

    `since` is the oldest version that can still be read: columns were only added, and are null.
    """

    name: str
    version: int
    columns: tuple[Column, ...]
    since: int | None = None

    def reads(self, version: str) -> bool:
        """Whether a table of a version can be read as this one."""
        oldest = self.version if self.since is None else self.since
        return version.isdecimal() and oldest <= int(version) <= self.version

    @property
    def names(self) -> list[str]:
        """Names of the columns in order."""
        return [column.name for column in self.columns]

    @property
    def plain_names(self) -> list[str]:
        """Names of the columns but for the codes of reasons, whose JSON suits no CSV file."""
        words = {column.name for column in self.columns}
        return [name for name in self.names if name.removesuffix("_codes") not in words - {name}]

    @cached_property
    def arrow(self) -> pa.Schema:
        """The Arrow schema, with unit and meaning in each field's metadata."""
        import pyarrow as pa

        kinds = {
            "string": pa.string(),
            "time": pa.timestamp("ns", tz="UTC"),
            "float": pa.float32(),
            "double": pa.float64(),
            "int": pa.int64(),
            "bool": pa.bool_(),
            "floats": pa.list_(pa.float32()),
        }
        fields = [
            pa.field(c.name, kinds[c.type], c.nullable, {"unit": c.unit, "meaning": c.meaning})
            for c in self.columns
        ]
        return pa.schema(
            fields, {"quakeline_table": self.name, "quakeline_table_version": str(self.version)}
        )


@dataclass(frozen=True)
class Array:
    """One array of a Zarr store: dimensions, dtype, unit, meaning.

    `together` are dimensions beside time whose entries are written and read at once: they share a
    file, while those of other dimensions have files of their own.
    """

    name: str
    dims: tuple[str, ...]
    dtype: str
    unit: str
    meaning: str
    together: tuple[str, ...] = ()


@dataclass(frozen=True)
class Store:
    """A Zarr v3 group. `attributes` are the names that its metadata must hold."""

    name: str
    version: int
    arrays: tuple[Array, ...]
    attributes: tuple[str, ...]


def column(
    name: str, type_: str, unit: str = "", meaning: str = "", *, null: bool = False
) -> Column:
    """A column of a name, a type, a unit and a meaning; `null` if it may be null."""
    return Column(name, type_, unit, null, meaning)


def reasons(name: str, meaning: str, *, null: bool = True) -> tuple[Column, Column]:
    """A column of reasons in words, and beside it the same as codes (`quakeline.core.reasons`)."""
    codes = f"the codes of `{name}` as JSON: a list of objects with code, count and details"
    return column(name, "string", meaning=meaning, null=null), column(
        f"{name}_codes", "string", meaning=f"{codes}; null: none", null=True
    )


CODES = (
    column("network", "string", meaning="FDSN network code"),
    column("station", "string", meaning="FDSN station code"),
    column("location", "string", meaning="location code, may be empty"),
)

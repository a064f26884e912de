"""Parquet tables that follow a schema of `quakeline.core.schemas`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from quakeline.core.errors import DataError, why_unread
from quakeline.core.schemas import Table
from quakeline.core.timeline import Span
from quakeline.io.products import provenance
from quakeline.io.products.atomic import replacing
from quakeline.io.products.geoparquet import with_points

#: Files whose rows are put into one frame while others are read.
_TOGETHER = 200


def empty(table: Table) -> pd.DataFrame:
    """A frame without rows that has the table's columns and types."""
    frame: pd.DataFrame = table.arrow.empty_table().to_pandas()
    return frame


def conform(frame: pd.DataFrame, table: Table) -> pa.Table:
    """Cast a frame to a table: missing nullable columns become null, the order is the schema's.

    Raises DataError for a missing or null required column, an unknown column or a wrong type.
    """
    unknown = sorted(set(frame.columns) - set(table.names))
    if unknown:
        raise DataError(f"table {table.name}: unknown columns {', '.join(unknown)}")
    arrays = []
    for column, field in zip(table.columns, table.arrow, strict=True):
        if column.name not in frame.columns and not column.nullable and len(frame):
            raise DataError(f"table {table.name}: column {column.name} is missing")
        values = frame.get(column.name, pd.Series([None] * len(frame), dtype=object))
        try:
            array = pa.Array.from_pandas(values, type=field.type)
        except (ValueError, TypeError, OverflowError) as error:  # pyarrow raises them all
            raise DataError(f"table {table.name}: column {column.name}: {error}") from error
        if array.null_count and not column.nullable:
            raise DataError(f"table {table.name}: column {column.name} has empty values")
        arrays.append(array)
    return pa.Table.from_arrays(arrays, schema=table.arrow)


def typed(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """A frame as it would be read again had it been written; errors as in `conform`."""
    found: pd.DataFrame = conform(frame, table).to_pandas()
    return found


def write(frame: pd.DataFrame, table: Table, path: Path, *, points: bool = False) -> None:
    """Write a frame as a Parquet table with the stage's provenance, whole or not at all.

    `points` adds what makes it GeoParquet (see `quakeline.io.products.geoparquet`); `read` leaves
    it out.
    """
    write_arrow(conform(frame, table), path, points=points)


def write_arrow(arrow: pa.Table, path: Path, *, points: bool = False) -> None:
    """The same of rows that `conform` made: no frame of all of them is needed."""
    if points:
        arrow = with_points(arrow)
    metadata = {
        **(arrow.schema.metadata or {}),
        provenance.KEY.encode(): json.dumps(provenance.current()).encode(),
    }
    with replacing(path) as temporary:
        pq.write_table(
            arrow.replace_schema_metadata(metadata),
            temporary,
            compression="zstd",
            write_page_checksum=True,
        )


def read(
    path: Path, table: Table, columns: Sequence[str] | None = None, of: pd.Series | None = None
) -> pd.DataFrame:
    """Read a Parquet table of quakeline; what an older version did not have is null.

    Parameters
    ----------
    path, table
        The file and its schema.
    columns
        Those to read; None: all.
    of
        The `pick_id` whose rows are read; None: all rows.

    Raises
    ------
    DataError
        It is another table, a version that cannot be read, or damaged.
    """
    names = list(columns or table.names)
    asked = names if of is None else list(dict.fromkeys([*names, "pick_id"]))
    try:
        schema = pq.read_schema(path)
        there = [name for name in asked if name in schema.names]
        arrow = pq.read_table(path, columns=there, page_checksum_verification=True)
        if of is not None and "pick_id" in there:
            arrow = arrow.filter(pc.is_in(arrow["pick_id"], pa.array(of, type=pa.string())))
        frame: pd.DataFrame = arrow.to_pandas()
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        why = why_unread(error, path, table.name)
        raise DataError(f"cannot read {path} as a table of {table.name}: {why}") from error
    _require_version(schema, table, path)
    added = [one.name for one in table.columns if one.nullable and one.name not in schema.names]
    if schema.metadata.get(b"quakeline_table_version") != str(table.version).encode():
        frame = frame.assign(**dict.fromkeys(name for name in added if name in names))
    missing = [name for name in names if name not in frame]
    if missing:
        raise DataError(f"{path} is damaged: it has no column {', '.join(missing)}")
    return frame[names]


def _require_version(schema: pa.Schema, table: Table, path: Path) -> None:
    metadata = schema.metadata or {}
    name = metadata.get(b"quakeline_table", b"another kind").decode(errors="replace")
    version = metadata.get(b"quakeline_table_version", b"?").decode(errors="replace")
    if name != table.name or not table.reads(version):
        raise DataError(
            f"{path} holds {name} version {version}, expected {table.name} version {table.version}"
        )


def read_many(
    paths: list[Path],
    table: Table,
    columns: Sequence[str] | None = None,
    of: pd.Series | None = None,
) -> pd.DataFrame:
    """Read tables of one schema into one frame, as `read`; without paths an empty one."""
    # One frame takes far less memory than many small ones.
    groups = [paths[first : first + _TOGETHER] for first in range(0, len(paths), _TOGETHER)]
    read_of = partial(read, table=table, columns=columns, of=of)
    frames = [_joined([read_of(path) for path in group]) for group in groups]
    whole = _joined([frame for frame in frames if frame is not None])
    return empty(table)[list(columns or table.names)] if whole is None else whole


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame | None:
    """Frames that have rows as one; None: there is none."""
    known = [frame for frame in frames if len(frame)]
    return pd.concat(known, ignore_index=True) if known else None


def inside(frame: pd.DataFrame, span: Span) -> pd.Series:
    """For each row whether its `time` lies in a span."""
    times = frame["time"].dt.as_unit("ns").astype("int64")
    found: pd.Series = (times >= span.start_ns) & (times < span.end_ns)
    return found

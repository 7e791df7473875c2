"""Creation of a table from its contract in one commit: comments, NOT NULL, CHECK constraints, partitioning."""

from __future__ import annotations

import re

from delta.tables import DeltaTable, DeltaTableBuilder
from pyspark.sql import SparkSession

from synpref.errors import InputError
from synpref.store.buckets import PROPERTY
from synpref.store.contract import BUCKET, Column, Table
from synpref.store.names import Location

# Features that delta-rs or DuckDB cannot read; Databricks turns the first on by itself.
PLAIN = {"delta.enableDeletionVectors": "false"}
# By their codes, whatever the exception is that carries them to Python
_NO_SCHEMA = re.compile(r"\[(SCHEMA_NOT_FOUND|CATALOG_NOT_FOUND|NO_SUCH_CATALOG_EXCEPTION)")


def constraints(table: Table, buckets: int) -> dict[str, str]:
    """Return constraint name to SQL condition: what the columns imply, then the table's own checks.

    Delta refuses a row whose condition is null, unlike SQL: conditions on nullable columns let null pass by name.
    """
    implied: dict[str, str] = {}
    for column in table.all_columns():
        name = _quoted(column.name)
        if column.allowed:
            values = ", ".join(_text(value) for value in column.allowed)
            implied[f"{column.name}_allowed"] = _or_null(column, f"{name} IN ({values})")
        bounds = _bounds(column)
        if bounds:
            implied[f"{column.name}_range"] = _or_null(column, bounds)
    if table.bucket_key is not None:
        # A row in a foreign bucket would be invisible to the MERGE that looks for its key, hence a second answer.
        implied[BUCKET] = f"{_quoted(BUCKET)} = pmod(xxhash64({_quoted(table.bucket_key)}), {buckets})"
    return {**implied, **table.checks}


def create_table(spark: SparkSession, location: Location, table: Table, buckets: int) -> None:
    """Create `table` where it does not stand yet, with `buckets` fixed for good where it is bucketed.

    Everything is one commit: constraints go in as the table properties that ALTER TABLE ADD CONSTRAINT would write
    (enforced alike, and the protocol rises with them), which saves a commit for each.
    Clustering by `cluster_by` is left to OPTIMIZE ZORDER (store/maintenance.py): liquid clustering needs writer
    protocol 7, which delta-rs and older writers do not have. Raises InputError where the schema does not stand.
    """
    builder = DeltaTable.createIfNotExists(spark).comment(table.comment)
    builder = _placed(builder, location, table.name)
    for column in table.all_columns():
        comment = column.comment or None
        builder = builder.addColumn(column.name, column.type, nullable=column.nullable, comment=comment)
    for name, condition in constraints(table, buckets).items():
        builder = builder.property(f"delta.constraints.{name}", condition)
    for name, value in PLAIN.items():
        builder = builder.property(name, value)
    if table.bucket_key is not None:
        builder = builder.property(PROPERTY, str(buckets)).partitionedBy(BUCKET)
    try:
        builder.execute()
    except Exception as error:
        if location.schema is None or not _NO_SCHEMA.search(str(error)):
            raise
        where = "store.schema" if location.catalog is None else "store.catalog and store.schema"
        raise InputError(
            f"{where}: there is no schema {location.namespace()}. Correct the setting, or create it by the SQL: "
            f"CREATE SCHEMA {location.namespace()}"
        ) from error


def _or_null(column: Column, condition: str) -> str:
    return f"{_quoted(column.name)} IS NULL OR ({condition})" if column.nullable else condition


def _placed(builder: DeltaTableBuilder, location: Location, name: str) -> DeltaTableBuilder:
    if location.path is None:
        return builder.tableName(location.identifier(name))
    return builder.location(location.folder(name))


def _bounds(column: Column) -> str:
    bounds = [
        f"{_quoted(column.name)} {sign} {bound:g}"
        for sign, bound in ((">=", column.minimum), ("<=", column.maximum))
        if bound is not None
    ]
    return " AND ".join(bounds)


def _quoted(name: str) -> str:
    return f"`{name}`"


def _text(value: str) -> str:
    # Values come from the contracts in code, never from data or settings.
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"

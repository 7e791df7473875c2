"""The two ways a row gets into a table: insert-only MERGE (first answer wins) and replacing a slice in one commit."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import MapType

from synpref.errors import InputError
from synpref.store.buckets import bucket_column
from synpref.store.contract import BUCKET, Table
from synpref.store.session_settings import session_settings

USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"
_VALUE = re.compile(r"[A-Za-z0-9_.:@+-]*")


def shaped(rows: DataFrame, table: Table, buckets: int, in_buckets: Collection[int] | None = None) -> DataFrame:
    """Return `rows` with the table's columns in order, `bucket` added.

    Raises InputError where columns are missing or unknown. A row outside `in_buckets`, where they are given, fails the
    job that writes it.
    """
    expected = [column.name for column in table.columns]
    found = [name for name in rows.columns if name != BUCKET]
    if set(expected) != set(found):
        missing, unknown = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
        raise InputError(f"rows for table {table.name}: missing columns {missing}, unknown columns {unknown}")
    columns = [F.col(f"`{name}`") for name in expected]
    if table.bucket_key is None:
        return rows.select(*columns)
    number = bucket_column(table.bucket_key, buckets)
    if in_buckets is not None:
        told = ", ".join(map(str, in_buckets))
        message = F.lit(f"table {table.name}: a row of another bucket stands in a shard of the buckets {told}")
        number = F.when(number.isin(*in_buckets), number).otherwise(F.raise_error(message).cast("int"))
    return rows.select(number.alias(BUCKET), *columns)


def first_of_key(rows: DataFrame, table: Table) -> DataFrame:
    """Return one row a key: the smallest by its other columns, so that the choice does not depend on order."""
    others = [name for name in rows.columns if name not in table.key]
    if not others:
        return rows.distinct()
    maps = {field.name for field in rows.schema.fields if isinstance(field.dataType, MapType)}
    value = F.struct(*[F.col(f"`{name}`") for name in others])
    # Maps have no order in Spark; their JSON has.
    order = F.struct(*[F.to_json(f"`{name}`").alias(name) if name in maps else F.col(f"`{name}`") for name in others])
    # Groups by the key of this batch only, never of the table.
    chosen = rows.groupBy(*[F.col(f"`{name}`") for name in table.key]).agg(F.min_by(value, order).alias("_value"))
    return chosen.select(*[F.col(f"`{n}`" if n in table.key else f"_value.`{n}`").alias(n) for n in rows.columns])


def merge_new(
    target: DeltaTable,
    rows: DataFrame,
    table: Table,
    *,
    in_buckets: Collection[int] | None,
    stamp: Mapping[str, str],
    within: Mapping[str, str | int] | None = None,
) -> int:
    """Insert the `rows` (shaped, one a key) whose key `target` does not hold; return how many those were.

    With `in_buckets` as literals only the files of these buckets are read, with `within` (column to the value that all
    rows have there) only those that may hold such rows.
    """
    conditions = [f"old.`{name}` = new.`{name}`" for name in table.key]
    if within:
        conditions.insert(0, slice_condition(table, within, "old"))
    if table.bucket_key is not None:
        conditions.insert(0, f"old.`{BUCKET}` = new.`{BUCKET}`")
    if in_buckets is not None:
        numbers = ", ".join(str(int(bucket)) for bucket in sorted(in_buckets))
        conditions.insert(0, f"old.`{BUCKET}` IN ({numbers})")
    # A shard (small) against its buckets of the table (large, only the key columns are read).
    merge = target.alias("old").merge(rows.alias("new"), " AND ".join(conditions)).whenNotMatchedInsertAll()
    with stamped(rows.sparkSession, stamp):
        outcome = merge.execute().first()
    return int(outcome["num_inserted_rows"]) if outcome else 0


def merge_gone(target: DeltaTable, rows: DataFrame, table: Table, *, stamp: Mapping[str, str]) -> None:
    """Delete the rows of `target` whose key stands in `rows`."""
    condition = " AND ".join(f"old.`{name}` = gone.`{name}`" for name in table.key)
    keys = rows.select(*[F.col(f"`{name}`") for name in table.key])
    # What goes is small beside the table.
    merge = target.alias("old").merge(keys.alias("gone"), condition).whenMatchedDelete()
    with stamped(rows.sparkSession, stamp):
        merge.execute()


def slice_condition(table: Table, where: Mapping[str, str | int], alias: str | None = None) -> str:
    """Return `where` (column to value) as SQL; raises InputError for a column or value that cannot be part of it.

    alias: what the table is called in it.
    """
    if not where:
        raise InputError(f"table {table.name}: name the slice to replace, such as its campaign")
    of = "" if alias is None else f"{alias}."
    equal = (f"{of}`{_known(table, name)}` = {_literal(table, name, value)}" for name, value in where.items())
    return " AND ".join(equal)


def user_metadata(stamp: Mapping[str, str]) -> str:
    """Return what a commit says of itself, as JSON with sorted keys."""
    return json.dumps(dict(stamp), sort_keys=True, ensure_ascii=False)


@contextmanager
def stamped(spark: SparkSession, stamp: Mapping[str, str]) -> Iterator[None]:
    """Stamp the commits made inside: MERGE and OPTIMIZE take no writer option, only the session's setting."""
    if not stamp:
        yield
        return
    with session_settings(spark, {USER_METADATA: user_metadata(stamp)}):
        yield


def _known(table: Table, name: str) -> str:
    if name not in table.column_names():
        raise InputError(f"table {table.name} has no column {name!r}")
    return name


def _literal(table: Table, name: str, value: str | int) -> str:
    if isinstance(value, int):
        return str(int(value))
    if not _VALUE.fullmatch(value):
        raise InputError(f"table {table.name}: {name} {value!r} cannot name a slice: letters, digits and _.:@+- only")
    return f"'{value}'"

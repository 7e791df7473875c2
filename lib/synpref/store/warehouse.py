"""The warehouse: every table by its contract's name, wherever it lives."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, Row, SparkSession

from synpref.errors import InputError
from synpref.store.buckets import bucket_count
from synpref.store.conflicts import is_half_created, settled
from synpref.store.contract import Table
from synpref.store.contracts import TABLES
from synpref.store.create import create_table
from synpref.store.names import Location
from synpref.store.publish import staged
from synpref.store.writes import first_of_key, merge_gone, merge_new, shaped, slice_condition, stamped, user_metadata


@dataclass(frozen=True)
class Warehouse:
    """Tables at `location`. `buckets` counts for tables made from now on; `stamp` goes into every commit as JSON.

    `memory`: rows of a small table by key, for those who read them often and know who else writes them.
    Every method raises InputError for a table that has no contract. A commit that another job's crosses goes again.
    """

    spark: SparkSession
    location: Location
    buckets: int = 1
    stamp: Mapping[str, str] = field(default_factory=dict)
    memory: dict[str, dict[str, Row]] = field(default_factory=dict, compare=False, repr=False)

    def create(self, *tables: str) -> None:
        """Make those of `tables` that do not stand yet, one commit each."""
        for name in tables:
            contract = _contract(name)
            if not self.exists(name):
                settled(partial(create_table, self.spark, self.location, contract, self.buckets), is_half_created)

    def exists(self, table: str) -> bool:
        """Tell whether `table` was made."""
        _contract(table)
        if self.location.path is None:
            return bool(self.spark.catalog.tableExists(self.location.identifier(table)))
        return bool(DeltaTable.isDeltaTable(self.spark, self.location.folder(table)))

    def read(self, table: str) -> DataFrame:
        """Return the table's rows; raises InputError where it was not made."""
        self._require(table)
        if self.location.path is None:
            return self.spark.read.table(self.location.identifier(table))
        return self.spark.read.format("delta").load(self.location.folder(table))

    def insert(
        self,
        table: str,
        rows: DataFrame,
        *,
        in_buckets: Collection[int] | None = None,
        unique: bool = False,
        within: Mapping[str, str | int] | None = None,
    ) -> int:
        """Insert the rows whose key the table does not hold, in one commit; return how many those were.

        The first answer wins. Among `rows` of one key the smallest counts; `unique` says that there are none and saves
        a shuffle. `in_buckets` says in which buckets all rows lie, so that only their files are read, and `within` that
        all have these values, so that no files are read that hold only others. Makes the table if need be. Raises
        InputError where columns are missing or unknown.
        """
        contract = _contract(table)
        self.create(table)
        target = self.delta(table)
        batch = shaped(rows, contract, self.bucket_count(table), in_buckets)
        if not unique:
            batch = first_of_key(batch, contract)
        return settled(
            lambda: merge_new(target, batch, contract, in_buckets=in_buckets, stamp=self.stamp, within=within)
        )

    def replace(self, table: str, rows: DataFrame, where: Mapping[str, str | int]) -> None:
        """Put `rows` in the place of the slice `where`, in one commit; every row must lie in that slice."""
        contract = _contract(table)
        self.create(table)
        self._swap(contract, shaped(rows, contract, self.bucket_count(table)), where)

    def discard(self, table: str, condition: Column) -> None:
        """Delete the rows of a derived table that meet the condition; no commit where none does."""
        if not self.read(table).where(condition).isEmpty():
            with stamped(self.spark, self.stamp):
                settled(lambda: self.delta(table).delete(condition))

    def withdraw(self, table: str, rows: DataFrame) -> None:
        """Delete the rows of `table` whose key stands in `rows`, in one commit: what they say no longer holds."""
        settled(lambda: merge_gone(self.delta(table), rows, _contract(table), stamp=self.stamp))

    def publish(
        self, table: str, rows: DataFrame, where: Mapping[str, str | int], check: Callable[[DataFrame], None]
    ) -> int:
        """Write `rows` aside, `check` them as written, then replace the slice `where` by them; return the version.

        Where `check` raises (GateError), the table stays as it was and the staging is removed.
        """
        with self.prepared(table, rows, where, check) as written:
            return self.swap(table, written, where)

    @contextmanager
    def prepared(
        self, table: str, rows: DataFrame, where: Mapping[str, str | int], check: Callable[[DataFrame], None]
    ) -> Iterator[DataFrame]:
        """Write `rows` aside and `check` them as written; give them to be swapped in, together with those of others.

        The table itself is not touched; the staging is gone when the block ends. Raises what `check` raises.
        """
        contract = _contract(table)
        slice_condition(contract, where)
        buckets = self.bucket_count(table) if self.exists(table) else self.buckets
        with staged(shaped(rows, contract, buckets), self.location, table) as written:
            check(written)
            yield written

    def swap(self, table: str, written: DataFrame, where: Mapping[str, str | int]) -> int:
        """Replace the slice `where` by rows that `prepared` gave, in one commit; return the version."""
        self.create(table)
        self._swap(_contract(table), written, where)
        return self.version(table)

    def version(self, table: str) -> int:
        """Return the number of the table's last commit."""
        last = self.delta(table).history(1).select("version").first()
        return int(last[0]) if last else 0

    def bucket_count(self, table: str) -> int:
        """Return how many buckets `table` was made with; 1 where it is not bucketed."""
        if _contract(table).bucket_key is None:
            return 1
        self._require(table)
        return bucket_count(self.spark, self.location.identifier(table))

    def _swap(self, contract: Table, rows: DataFrame, where: Mapping[str, str | int]) -> None:
        writer = rows.write.format("delta").mode("overwrite").option("replaceWhere", slice_condition(contract, where))
        if self.stamp:
            writer = writer.option("userMetadata", user_metadata(self.stamp))
        if self.location.path is None:
            settled(lambda: writer.saveAsTable(self.location.identifier(contract.name)))
        else:
            settled(lambda: writer.save(self.location.folder(contract.name)))

    def delta(self, table: str) -> DeltaTable:
        """Return the table for history, detail and maintenance; raises InputError where it was not made."""
        self._require(table)
        if self.location.path is None:
            return DeltaTable.forName(self.spark, self.location.identifier(table))
        return DeltaTable.forPath(self.spark, self.location.folder(table))

    def _require(self, table: str) -> None:
        if not self.exists(table):
            where = self.location.path or f"schema {self.location.schema}"
            raise InputError(f"table {table} does not stand in {where}: run the stage that fills it first")


def _contract(table: str) -> Table:
    if table not in TABLES:
        raise InputError(f"there is no table {table!r}; there are {', '.join(sorted(TABLES))}")
    return TABLES[table]

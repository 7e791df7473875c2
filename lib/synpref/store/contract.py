"""What a table promises: columns with comments, key, constraints. Creation, gates and documentation derive from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

BUCKET = "bucket"
Kind = Literal["insert_only", "derived", "published"]


@dataclass(frozen=True)
class Column:
    """One column: Spark SQL type, a comment with its unit, and the values it may hold.

    `allowed`, `minimum` and `maximum` (inclusive) speak of values that are not null.
    """

    name: str
    type: str
    comment: str
    nullable: bool = False
    allowed: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class Table:
    """One Delta table.

    kind: insert_only (first answer wins), derived (a campaign's rows are replaced as a whole) or published (staged,
    gated, swapped). bucket_key: the key column whose hash gives `bucket`; such a table is partitioned by bucket.
    checks: constraint name to SQL condition, beside those that the columns imply.
    """

    name: str
    comment: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    kind: Kind = "insert_only"
    bucket_key: str | None = None
    cluster_by: tuple[str, ...] = ()
    checks: dict[str, str] = field(default_factory=dict)

    def column_names(self) -> list[str]:
        """The columns in order, `bucket` first where the table has one."""
        return [column.name for column in self.all_columns()]

    def ddl(self) -> str:
        """The declared columns as a Spark DDL schema, all nullable, for building rows."""
        return ", ".join(f"`{column.name}` {column.type}" for column in self.columns)

    def all_columns(self) -> tuple[Column, ...]:
        """The declared columns, with `bucket` before them where the table is bucketed."""
        if self.bucket_key is None:
            return self.columns
        comment = f"pmod(xxhash64({self.bucket_key}), number of buckets of this table)"
        return (Column(BUCKET, "int", comment, minimum=0), *self.columns)

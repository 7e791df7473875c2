"""Expectations that follow from a table's contract: columns, nulls, values, ranges, conditions, one row a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.store.contract import Column, Table

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation


def contract_suite(table: Table) -> list[Expectation]:
    """Return what `table` promises as expectations over `with_checks(rows, table)`.

    Nearly all are counts over one row at a time, which Great Expectations computes in one Spark job; the key takes a
    second. Delta enforces the same, but only when rows are in the table: the gate looks before.
    """
    from synpref.quality import expectations as gxe

    names = [column.name for column in table.columns]
    suite: list[Expectation] = [gxe.ExpectTableColumnsToMatchSet(column_set=names, exact_match=False)]
    for column in table.columns:
        suite += _of_column(column)
    suite += [gxe.ExpectColumnValuesToBeInSet(column=check_column(name), value_set=[True]) for name in table.checks]
    if len(table.key) == 1:
        suite.append(gxe.ExpectColumnValuesToBeUnique(column=table.key[0]))
    else:
        suite.append(gxe.ExpectCompoundColumnsToBeUnique(column_list=list(table.key)))
    return suite


def with_checks(rows: DataFrame, table: Table) -> DataFrame:
    """Return `rows` with one boolean column for each of the table's own checks; a null condition passes, as in SQL."""
    # The conditions are the contract's, not the data's.
    checks = {check_column(name): F.coalesce(F.expr(sql), F.lit(True)) for name, sql in table.checks.items()}
    return rows.withColumns(checks) if checks else rows


def check_column(name: str) -> str:
    """Return the name of the boolean column that stands for check `name`."""
    return f"check_{name}"


def _of_column(column: Column) -> list[Expectation]:
    from synpref.quality import expectations as gxe

    found: list[Expectation] = []
    if not column.nullable:
        found.append(gxe.ExpectColumnValuesToNotBeNull(column=column.name))
    if column.allowed:
        found.append(gxe.ExpectColumnValuesToBeInSet(column=column.name, value_set=list(column.allowed)))
    if column.minimum is not None or column.maximum is not None:
        found.append(
            gxe.ExpectColumnValuesToBeBetween(column=column.name, min_value=column.minimum, max_value=column.maximum)
        )
    return found

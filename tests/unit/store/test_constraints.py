from __future__ import annotations

import pytest

from synpref.store.contract import Column, Table
from synpref.store.contracts import TABLES
from synpref.store.create import constraints

EXAMPLE = Table(
    name="example",
    comment="",
    key=("id",),
    bucket_key="id",
    columns=(
        Column("id", "string", ""),
        Column("verdict", "string", "", allowed=("a", "it's", "back\\slash")),
        Column("p", "double", "", nullable=True, minimum=0, maximum=1),
        Column("order", "int", "", minimum=1),
        Column("margin", "double", "", maximum=0.5),
    ),
    checks={"own": "p IS NULL OR verdict = 'a'"},
)


def test_allowed_values_are_quoted() -> None:
    assert constraints(EXAMPLE, 1)["verdict_allowed"] == r"`verdict` IN ('a', 'it\'s', 'back\\slash')"


def test_bounds_are_inclusive_and_either_may_be_missing() -> None:
    found = constraints(EXAMPLE, 1)
    assert found["p_range"] == "`p` IS NULL OR (`p` >= 0 AND `p` <= 1)"
    assert found["order_range"] == "`order` >= 1"
    assert found["margin_range"] == "`margin` <= 0.5"


def test_own_checks_are_kept() -> None:
    assert constraints(EXAMPLE, 1)["own"] == "p IS NULL OR verdict = 'a'"


def test_a_bucketed_table_ties_the_bucket_to_its_key() -> None:
    assert constraints(EXAMPLE, 8)["bucket"] == "`bucket` = pmod(xxhash64(`id`), 8)"


def test_a_table_without_rules_has_no_constraints() -> None:
    assert constraints(Table("t", "", (Column("id", "string", ""),), ("id",)), 4) == {}


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_own_checks_hide_no_implied_one(table: Table) -> None:
    implied = constraints(Table(table.name, "", table.columns, table.key, bucket_key=table.bucket_key), 1)
    assert not set(implied) & set(table.checks)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_contracts_are_whole(table: Table) -> None:
    columns = {column.name: column for column in table.columns}
    assert len(columns) == len(table.columns)
    assert all(not columns[name].nullable for name in table.key), "a null key matches nothing in a MERGE"
    assert set(table.cluster_by) <= set(columns)
    assert table.bucket_key is None or table.bucket_key in table.key
    assert table.comment

from __future__ import annotations

import json

import pytest

from synpref.quality.result import describe
from synpref.quality.suites import contract_suite
from synpref.store.contract import Table
from synpref.store.contracts import TABLES


def described(table: Table) -> list[str]:
    return [describe(one.expectation_type, one.configuration.kwargs) for one in contract_suite(table)]


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_every_promise_of_a_contract_is_one_expectation(table: Table) -> None:
    told = described(table)
    assert len(set(told)) == len(told), "the key of quality_results is run, suite and expectation"
    bounded = [one for one in table.columns if one.minimum is not None or one.maximum is not None]
    required = [one for one in table.columns if not one.nullable]
    listed = [one for one in table.columns if one.allowed]
    assert sum("not_be_null" in one for one in told) == len(required)
    assert sum("to_be_in_set" in one for one in told) == len(listed) + len(table.checks)
    assert sum("to_be_between" in one for one in told) == len(bounded)
    assert sum("unique" in one for one in told) == 1


def test_the_key_of_one_column_needs_no_compound() -> None:
    assert 'expect_column_values_to_be_unique(column="comparison_id")' in described(TABLES["comparisons"])


def test_bounds_and_values_stand_in_the_description() -> None:
    told = described(TABLES["decisions"])
    assert 'expect_column_values_to_be_between(column="p_gold", max_value=1.0, min_value=0.0)' in told
    assert 'expect_column_values_to_be_in_set(column="decision", value_set=["keep", "flip", "drop"])' in told


def test_a_description_does_not_depend_on_the_order_of_arguments_or_on_the_batch() -> None:
    one = describe("expect", {"b": 1, "a": [1, 2], "batch_id": "x", "mostly": None})
    assert one == describe("expect", {"a": [1, 2], "b": 1})
    assert one == f"expect(a={json.dumps([1, 2])}, b=1)"

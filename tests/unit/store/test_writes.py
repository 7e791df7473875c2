from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.errors import InputError
from synpref.store.contracts import TABLES
from synpref.store.writes import slice_condition, user_metadata

ROLES = TABLES["roles"]


def test_a_slice_is_an_and_of_equalities() -> None:
    assert slice_condition(ROLES, {"campaign": "ab12", "iteration": 0}) == "`campaign` = 'ab12' AND `iteration` = 0"


def test_a_slice_of_a_table_under_another_name() -> None:
    assert (
        slice_condition(ROLES, {"campaign": "-", "iteration": 1}, "old")
        == "old.`campaign` = '-' AND old.`iteration` = 1"
    )


def test_an_empty_slice_is_refused_because_it_would_replace_everything() -> None:
    with pytest.raises(InputError, match="roles"):
        slice_condition(ROLES, {})


def test_a_foreign_column_is_refused() -> None:
    with pytest.raises(InputError, match="no column 'policy'"):
        slice_condition(ROLES, {"policy": "x"})


@given(st.text())
def test_a_value_never_leaves_its_quotes(value: str) -> None:
    try:
        condition = slice_condition(ROLES, {"campaign": value})
    except InputError:
        return
    assert condition == f"`campaign` = '{value}'"
    assert not set(value) & set("'\\\"`; \n")


@given(st.dictionaries(st.text(), st.text()))
def test_a_stamp_is_json_whatever_it_holds(stamp: dict[str, str]) -> None:
    assert json.loads(user_metadata(stamp)) == stamp

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.errors import SettingsError
from synpref.store.names import Location, checked_name, local_folder


def test_a_path_gives_a_delta_identifier() -> None:
    assert Location(path="/data/ware house/").identifier("rewards") == "delta.`/data/ware house/rewards`"


def test_an_object_store_path_stays_as_it_is() -> None:
    assert Location(path="s3://bucket/wh").identifier("rewards") == "delta.`s3://bucket/wh/rewards`"
    assert Location(path="dbfs:/wh").folder("rewards") == "dbfs:/wh/rewards"


def test_a_relative_path_becomes_absolute_because_delta_takes_it_for_a_name() -> None:
    assert Location(path="runs/demo/warehouse").folder("rewards") == str(Path.cwd() / "runs/demo/warehouse/rewards")


def test_catalog_and_schema_are_quoted() -> None:
    assert Location(catalog="main-dev", schema="prefs").identifier("rewards") == "`main-dev`.`prefs`.`rewards`"
    assert Location(schema="prefs").identifier("rewards") == "`prefs`.`rewards`"
    assert Location(schema="prefs").namespace() == "`prefs`"


@pytest.mark.parametrize("name", ["a`b", "a.b", "", "a b", "a;b", "ä", "-a", "a\n", "x" * 256])
def test_a_name_that_is_no_identifier_is_refused_with_what_it_is_for(name: str) -> None:
    with pytest.raises(SettingsError, match=r"warehouse\.schema"):
        Location(schema=name)
    with pytest.raises(SettingsError, match=r"warehouse\.catalog"):
        Location(catalog=name, schema="s")
    with pytest.raises(SettingsError, match="table"):
        Location(path="/w").identifier(name)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"catalog": "c"},
        {"path": "/w", "schema": "s"},
        {"path": "/w", "catalog": "c"},
        {"path": "/w`x"},
        {"path": " "},
    ],
)
def test_neither_both_or_hostile_locations_are_refused(fields: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="warehouse"):
        Location(**fields)


def test_a_catalog_table_has_no_folder_and_a_folder_no_schema() -> None:
    with pytest.raises(SettingsError, match="no folder"):
        Location(schema="s").folder("rewards")
    with pytest.raises(SettingsError, match="no schema"):
        Location(path="/w").namespace()


@pytest.mark.parametrize("path", ["/data/x y", "file:/data/x y", "file:///data/x y"])
def test_a_local_folder_is_told_from_an_object_store(path: str) -> None:
    assert local_folder(path) == Path("/data/x y")


@pytest.mark.parametrize("path", ["s3://bucket/x", "dbfs:/x", "abfss://c@a/x"])
def test_an_object_store_has_no_local_folder(path: str) -> None:
    assert local_folder(path) is None


@given(st.text())
def test_what_passes_can_never_leave_its_quotes(name: str) -> None:
    try:
        accepted = checked_name(name, "x")
    except SettingsError:
        return
    assert not set(accepted) & set("`.'\"; \n/\\")

"""Tables that a person names: found by folder or name, read at their version, exported once."""

from __future__ import annotations

from pathlib import Path

import pytest

from synpref.errors import InputError, SettingsError
from synpref.store.named_table import export_table, find_table
from synpref.store.warehouse import Warehouse

NEEDED = ["prompt", "chosen", "rejected"]
SETTING = "evaluate.where"


def save(warehouse: Warehouse, place: Path, rows: list[tuple[str, ...]], columns: str) -> str:
    frame = warehouse.spark.createDataFrame(rows, columns).coalesce(1)
    frame.write.format("delta").mode("append").save(str(place))
    return str(place)


def test_a_folder_is_exported_once_a_version(warehouse: Warehouse, tmp_path: Path) -> None:
    spark, columns = warehouse.spark, "prompt string, chosen string, rejected string, source string, other string"
    place = save(warehouse, tmp_path / "t", [("p", "c", "r", "s", "o")], columns)
    table = find_table(spark, warehouse.location, place)
    first = export_table(
        spark, table, tmp_path / "out", needed=NEEDED, wanted=["source", "none"], where=None, setting=SETTING
    )
    save(warehouse, tmp_path / "t", [("q", "c", "r", "s", "o")], columns)
    # as it was found, whatever was written since
    again = export_table(spark, table, tmp_path / "out2", needed=NEEDED, wanted=["source"], where=None, setting=SETTING)
    assert spark.read.parquet(str(again)).count() == 1
    assert spark.read.parquet(str(first)).columns == [*NEEDED, "source"]
    newer = find_table(spark, warehouse.location, place)
    assert (table.version, newer.version) == (0, 1)
    stands = export_table(
        spark, table, tmp_path / "out", needed=NEEDED, wanted=["source", "none"], where=None, setting=SETTING
    )
    assert stands == first
    other = export_table(spark, table, tmp_path / "out", needed=NEEDED, wanted=["other"], where=None, setting=SETTING)
    assert spark.read.parquet(str(other)).columns == [*NEEDED, "other"]
    chosen = export_table(
        spark, newer, tmp_path / "out", needed=NEEDED, wanted=[], where="prompt = 'q'", setting=SETTING
    )
    assert [row["prompt"] for row in spark.read.parquet(str(chosen)).collect()] == ["q"]


def test_what_cannot_be_trained_on_is_named(warehouse: Warehouse, tmp_path: Path) -> None:
    spark, columns = warehouse.spark, "prompt string, chosen string, campaign string, policy string"
    place = save(warehouse, tmp_path / "t", [("p", "c", "1", "x"), ("p", "c", "2", "x")], columns)
    table = find_table(spark, warehouse.location, place)

    def told(needed: list[str], where: str | None) -> str:
        with pytest.raises(InputError) as error:
            export_table(spark, table, tmp_path / "out", needed=needed, wanted=[], where=where, setting=SETTING)
        return str(error.value)

    assert "no column rejected; found prompt, chosen" in told(NEEDED, None)
    assert "choose one with evaluate.where: campaign = '1' AND policy = 'x'" in told(["prompt"], None)
    assert "no row meets" in told(["prompt"], "campaign = '3'")
    assert "the condition 'nonsense(' cannot be used" in told(["prompt"], "nonsense(")


def test_an_absent_table_and_a_bad_name_are_told(warehouse: Warehouse, tmp_path: Path) -> None:
    for name in ("curated", str(tmp_path / "none")):
        with pytest.raises(InputError, match="no Delta table at"):
            find_table(warehouse.spark, warehouse.location, name)
    with pytest.raises(SettingsError, match="cannot be an identifier"):
        find_table(warehouse.spark, warehouse.location, "x`; drop")

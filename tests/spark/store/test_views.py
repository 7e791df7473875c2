from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from synpref.errors import InputError
from synpref.pairs.identity import comparison_id, pair_id, prompt_id, response_id
from synpref.store.names import Location
from synpref.store.views import create_views, register, view
from synpref.store.warehouse import Warehouse

MESSAGES = [{"role": "user", "content": "2 + 2?"}]
PROMPT = prompt_id(MESSAGES)
GOOD, BAD = response_id(PROMPT, "4"), response_id(PROMPT, "5, ünlikely")
A, B = sorted((GOOD, BAD))


@pytest.fixture(scope="module")
def filled(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """One comparison: campaign `ordered` prefers the good answer, `tied` neither. Only read by the tests."""
    warehouse = Warehouse(spark, Location(path=str(tmp_path_factory.mktemp("views"))))
    warehouse.insert(
        "prompts",
        spark.createDataFrame(
            [(PROMPT, "n", [("user", "2 + 2?")], "g", 1, 6, None)],
            "prompt_id string, normalised_prompt_id string, messages array<struct<role: string, content: string>>, "
            "`group` string, turns int, characters int, language string",
        ),
    )
    warehouse.insert(
        "responses",
        spark.createDataFrame(
            [(GOOD, "n1", PROMPT, "4", 1), (BAD, "n2", PROMPT, "5, ünlikely", 12)],
            "response_id string, normalised_response_id string, prompt_id string, text string, characters int",
        ),
    )
    warehouse.insert(
        "comparisons",
        spark.createDataFrame(
            [(comparison_id(A, B), "n", PROMPT, A, B)],
            "comparison_id string, normalised_comparison_id string, prompt_id string, response_a string, "
            "response_b string",
        ),
    )
    labels = spark.createDataFrame(
        [
            (campaign, comparison_id(A, B), "g", "pool", label, 1.0, "clean", "src", ["src"], "human", 1)
            for campaign, label in (("ordered", "a" if A == GOOD else "b"), ("tied", "tie"))
        ],
        "campaign string, comparison_id string, `group` string, `use` string, label string, margin double, "
        "status string, source string, sources array<string>, label_origin string, occurrences int",
    )
    warehouse.insert("source_labels", labels)
    return warehouse


def test_pairs_show_the_text_in_the_orientation_of_the_source(filled: Warehouse) -> None:
    rows = view("pairs", filled).where("campaign = 'ordered'").collect()
    assert [(row["chosen"], row["rejected"]) for row in rows] == [("4", "5, ünlikely")]
    assert rows[0]["pair_id"] == pair_id(GOOD, BAD)
    assert rows[0]["prompt"][0]["content"] == "2 + 2?"


def test_a_tie_is_no_pair(filled: Warehouse) -> None:
    assert view("pairs", filled).where("campaign = 'tied'").count() == 0


def test_registered_tables_and_views_are_there_for_sql(filled: Warehouse, spark: SparkSession) -> None:
    assert set(register(filled)) == {"prompts", "responses", "comparisons", "source_labels", "pairs"}
    found = spark.sql("SELECT count(*) AS n FROM pairs JOIN source_labels USING (campaign, comparison_id)").first()
    assert found is not None
    assert found["n"] == 1


def test_the_current_role_is_that_of_the_latest_iteration(warehouse: Warehouse, spark: SparkSession) -> None:
    rows = [
        ("c", 0, "x", "stage1_pool", None, None),
        ("c", 2, "x", "silver", None, None),
        ("c", 1, "x", "wild", None, None),
        ("c", 0, "y", "held_out", "test", None),
        ("d", 5, "x", "wild", None, 1),
    ]
    columns = "campaign string, iteration int, comparison_id string, role string, side string, fold int"
    warehouse.insert("roles", spark.createDataFrame(rows, columns))
    rows_now = view("current_roles", warehouse).collect()
    current = {(row["campaign"], row["comparison_id"]): row["role"] for row in rows_now}
    assert current == {("c", "x"): "silver", ("c", "y"): "held_out", ("d", "x"): "wild"}


def test_a_view_over_missing_tables_names_the_table(warehouse: Warehouse) -> None:
    with pytest.raises(InputError, match="source_labels does not stand"):
        view("pairs", warehouse)
    with pytest.raises(InputError, match="no view 'pears'"):
        view("pears", warehouse)


def test_a_schema_has_its_views_for_all_who_read_it(spark: SparkSession) -> None:
    spark.sql("CREATE SCHEMA `synpref_views`")
    warehouse = Warehouse(spark, Location(schema="synpref_views"))
    columns = "campaign string, iteration int, comparison_id string, role string, side string, fold int"
    try:
        warehouse.insert("roles", spark.createDataFrame([("c", 0, "x", "stage1_pool", None, None)], columns))
        assert create_views(warehouse) == ["current_roles"]
        warehouse.insert("roles", spark.createDataFrame([("c", 1, "x", "silver", None, None)], columns))
        assert create_views(warehouse) == ["current_roles"]
        found = spark.sql("SELECT role FROM spark_catalog.synpref_views.current_roles").collect()
        assert [row["role"] for row in found] == ["silver"]
        spark.sql("DROP VIEW `synpref_views`.`current_roles`")
        assert register(warehouse) == ["roles", "current_roles"]
        assert not spark.catalog.tableExists("`synpref_views`.`current_roles`")  # who only reads makes nothing
        assert spark.sql("SELECT * FROM current_roles").count() == 1
    finally:
        spark.sql("USE `default`")
        spark.catalog.dropTempView("current_roles")
        spark.sql("DROP SCHEMA `synpref_views` CASCADE")


def test_a_folder_gets_no_views(filled: Warehouse) -> None:
    assert create_views(filled) == []

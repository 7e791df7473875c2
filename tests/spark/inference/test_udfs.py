"""The pandas UDFs: the same answers as the engines, asked once however the column is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from synpref.errors import InputError
from synpref.inference import udfs
from tests.spark.inference.counting_engine import number

if TYPE_CHECKING:
    from tests.spark.inference.conftest import Asked

TURN = "array(named_struct('role', 'user', 'content', 'hello'))"


def test_a_filter_and_a_second_use_of_a_reward_ask_the_engine_once_a_row(spark: SparkSession, asked: Asked) -> None:
    score = udfs.reward(asked.spec("reward"))
    rows = spark.range(12).select(F.format_string("text %d", "id").alias("text"), F.expr(TURN).alias("messages"))
    scored = rows.withColumn("reward", score("messages", "text"))
    kept = scored.where(F.col("reward") > 0.5).select("text", "reward", (F.col("reward") * 2).alias("twice")).collect()
    wanted = {f"text {index}": number(f"text {index}") for index in range(12)}
    above = {text: value for text, value in wanted.items() if value > 0.5}
    assert {row["text"]: row["reward"] for row in kept} == above
    assert all(row["twice"] == 2 * row["reward"] for row in kept)
    assert sorted(asked.texts()) == sorted(wanted)


def test_registered_engines_answer_sql_and_failed_rows_are_null(spark: SparkSession, asked: Asked) -> None:
    kinds = {"my_embed": "embedder", "my_reward": "reward", "my_judge": "chat-judge"}
    specs = {name: asked.spec(kind) for name, kind in kinds.items()}
    udfs.register(spark, specs)
    found = spark.sql(
        f"SELECT text, my_embed(text) AS vector, my_reward({TURN}, text) AS reward, "
        "my_judge(array(named_struct('role', 'user', 'content', text)), 'ba') AS verdict "
        "FROM VALUES ('FIRST'), ('BAD'), (NULL) AS t (text)"
    )
    first, bad, null = (row.asDict(recursive=True) for row in found.collect())
    assert first["vector"] == pytest.approx([number("FIRST"), 1.0, 0.0])
    assert first["reward"] == number("FIRST")
    assert first["verdict"] == {
        "p_a": pytest.approx(0.1), "verdict": "b", "raw": "1", "tokens_in": 5, "tokens_out": 1, "error": None,
        "detail": None,
    }  # fmt: skip
    assert [row["verdict"]["error"] for row in (bad, null)] == ["engine_error", "missing_input"]
    for row in (bad, null):
        assert (row["vector"], row["reward"], row["verdict"]["p_a"], row["verdict"]["verdict"]) == (None,) * 4


def test_why_a_row_is_null_can_be_asked_for_and_costs_no_second_call(spark: SparkSession, asked: Asked) -> None:
    texts = ["one", "BAD", "LONG", None]
    rows = spark.createDataFrame([(text,) for text in texts], "text string").withColumn("messages", F.expr(TURN))
    score, vector = (
        make(asked.spec(kind), errors=True) for make, kind in ((udfs.reward, "reward"), (udfs.embed, "embedder"))
    )
    scored = rows.withColumn("found", score("messages", "text")).select("text", "found.reward", "found.error")
    assert {row["text"]: (row["reward"], row["error"]) for row in scored.collect()} == {
        "one": (number("one"), None), "BAD": (None, "engine_error"), "LONG": (None, "overlong"),
        None: (None, "missing_input"),
    }  # fmt: skip
    assert asked.texts().count("LONG") == 1  # beside BAD a row is asked once more, to find the one to blame
    embedded = rows.select("text", vector("text").alias("found")).where("found.error IS NOT NULL")
    found = {row["text"]: (row["found"]["vector"], row["found"]["detail"]) for row in embedded.collect()}
    assert found == {"BAD": (None, "ValueError: cannot read BAD"), None: (None, "text is null")}


def test_a_name_that_is_no_identifier_and_a_kind_without_udf_are_refused(spark: SparkSession, asked: Asked) -> None:
    with pytest.raises(InputError, match="cannot name an SQL function"):
        udfs.register(spark, {"a; drop": asked.spec("embedder")})
    with pytest.raises(InputError, match="no UDF for kind"):
        udfs.register(spark, {"a": asked.spec("chat-attributes")})
    with pytest.raises(InputError, match="is of kind reward, not embedder"):
        udfs.embed(asked.spec("reward"))

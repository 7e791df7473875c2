from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from synpref.pairs import columns, identity, labels, normalise, roles
from synpref.pairs.normalised_columns import with_normalised_ids

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
MESSAGE = st.fixed_dictionaries({"role": st.sampled_from(roles.ROLES), "content": TEXT})
CONVERSATION = st.lists(MESSAGE, min_size=1, max_size=3)
SCHEMA = "messages array<struct<role: string, content: string>>, one string, other string"
# Each example is one Spark job over many rows
FEW = settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
EXOTIC = ["", "\u0000", "\ufb01", "e\u0301", "\U0001f600\u200d", "\u0130", "\u0391\u03a3", "\u01c5", "\ufeff"]
EXOTIC += ["\uff11\uff12", "\u1e9b\u0323", "\u1112\u1161\u11ab", "\u2028", "\u0663"]


@FEW
@given(rows=st.lists(st.tuples(CONVERSATION, TEXT, TEXT), min_size=50, max_size=60))
def test_ids_in_spark_equal_ids_in_python(
    spark: SparkSession, rows: list[tuple[list[dict[str, str]], str, str]]
) -> None:
    exotic = [([{"role": "user", "content": text}], text, text + "x") for text in EXOTIC]
    given_rows = [*rows, *exotic]
    frame = spark.createDataFrame(given_rows, SCHEMA).select(
        "*",
        columns.hash128_column(F.col("one"), F.col("other")).alias("hash"),
        columns.prompt_id_column(F.col("messages")).alias("prompt_id"),
        columns.pair_id_column(F.col("one"), F.col("other")).alias("pair"),
        F.lit(None).cast("string").alias("reason"),
        F.col("one").alias("first_text"),
        F.col("other").alias("second_text"),
    )
    first, second = (columns.response_id_column(F.col("prompt_id"), F.col(name)) for name in ("one", "other"))
    frame = frame.withColumns({"first": first, "second": second})
    frame = frame.withColumn("comparison", columns.comparison_id_column(F.col("first"), F.col("second")))
    for (messages, one, other), row in zip(given_rows, with_normalised_ids(frame).collect(), strict=True):
        prompt = identity.prompt_id(messages)
        responses = [identity.response_id(prompt, text) for text in (one, other)]
        assert row["hash"] == identity.hash128(one, other)
        assert row["prompt_id"] == prompt
        assert [row["first"], row["second"]] == responses
        assert row["pair"] == identity.pair_id(one, other)
        assert row["comparison"] == identity.comparison_id(*responses)
        folded = normalise.normalised_prompt_id(messages)
        assert row["normalised_prompt_id"] == folded
        assert row["prompt_group"] == normalise.prompt_group(messages)
        assert row["normalised_first_id"] == normalise.normalised_response_id(folded, one)
        assert row["normalised_second_id"] == normalise.normalised_response_id(folded, other)


def test_an_id_over_a_null_is_null(spark: SparkSession) -> None:
    rows = [([("user", "x")], None, "y"), ([("user", "x"), ("user", None)], "x", "y"), (None, "x", None)]
    frame = spark.createDataFrame(rows, SCHEMA).select(
        columns.prompt_id_column(F.col("messages")),
        columns.hash128_column(F.col("one"), F.col("other")),
        columns.comparison_id_column(F.col("one"), F.col("other")),
    )
    known = [[value is not None for value in row] for row in frame.collect()]
    assert known == [[True, False, False], [False, True, True], [False, False, False]]


def test_roles_and_labels_in_spark_equal_those_in_python(spark: SparkSession) -> None:
    names = [*roles.ALIASES, "Human ", "GPT", "narrator", "", "\tuser"]
    spellings = [*labels.SPELLINGS, "a>b", " tie", "2", "both", None]
    ids = ["1", "2"]
    rows = [(name, label) for name in names for label in spellings]
    frame = spark.createDataFrame(rows, "name string, label string").select(
        "name",
        "label",
        columns.standard_role_column(F.col("name")).alias("role"),
        columns.preference_column(F.col("label")).alias("preferred"),
    )
    preferred = F.col("preferred")
    both = [columns.canonical_label_column(preferred, F.lit(one), F.lit(other)) for one, other in (ids, ids[::-1])]
    for row in frame.select("*", *(column.alias(name) for column, name in zip(both, "xy", strict=True))).collect():
        assert row["role"] == roles.standard_role(row["name"])
        meant = labels.preference(row["label"])
        assert row["preferred"] == meant
        expected = [labels.canonical_label(meant or "none", *pair) for pair in (ids, ids[::-1])]
        assert [row["x"], row["y"]] == expected

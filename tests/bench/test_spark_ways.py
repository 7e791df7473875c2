"""The bridge against what Spark's users would write, and how its memory grows with the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.ml.functions import predict_batch_udf
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.functions import pandas_udf
from pyspark.sql.types import ArrayType, FloatType

from synpref.inference.answering import answering
from synpref.inference.spec import EngineSpec
from synpref.inference.udfs import embed
from synpref.memory import peak_memory
from synpref.spark import open_session
from tests.bench.texts import MINILM, distinct_texts, needs_model, needs_pairs
from tests.bench.turns import least_seconds, tell

TEXTS, ROUNDS, MAX_TOKENS, NAIVE_ROWS, PREDICT_ROWS = 1_200, 2, 128, 10, 64
BATCH_ROWS, SPARKS_ROWS = "spark.sql.execution.arrow.maxRecordsPerBatch", 10_000  # its default
MEMORY_ROWS, TIMES, SHORT = 1_200, 10, 32
ANSWER = "text_id string, vector array<float>, error string, detail string, original string"

pytestmark = [needs_model, needs_pairs, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    """One core, and Arrow batches of ten rows, which only the naive job keeps to; our UDF is run with Spark's own."""
    rows = {BATCH_ROWS: str(NAIVE_ROWS)}
    session = open_session(app_name="bench", master="local[1]", driver_memory="2g", extra=rows)
    yield session
    session.stop()


def _read(spark: SparkSession, texts: list[str]) -> DataFrame:
    rows = spark.createDataFrame([(str(n), text) for n, text in enumerate(texts)], "text_id string, text string")
    rows = rows.coalesce(1).cache()
    rows.count()
    return rows


def _spec(max_tokens: int) -> EngineSpec:
    return EngineSpec.of("embedder", "bench", str(MINILM), dtype="float32", max_tokens=max_tokens, token_budget=4096)


def _run(frame: DataFrame) -> Callable[[], None]:
    return lambda: frame.write.format("noop").mode("overwrite").save()


def _run_in_large_batches(spark: SparkSession, frame: DataFrame) -> Callable[[], None]:
    def run() -> None:
        spark.conf.set(BATCH_ROWS, str(SPARKS_ROWS))
        try:
            _run(frame)()
        finally:
            spark.conf.set(BATCH_ROWS, str(NAIVE_ROWS))

    return run


def test_the_bridge_against_what_users_write(spark: SparkSession) -> None:
    rows = _read(spark, distinct_texts("ultrafeedback_clean_1200", TEXTS))
    ways = {
        "ours": _run(rows.mapInArrow(answering(_spec(MAX_TOKENS)), ANSWER)),
        "our udf": _run_in_large_batches(spark, rows.select(embed(_spec(MAX_TOKENS))("text"))),
        "naive": _run(rows.select(_scalar(str(MINILM))("text"))),
        "predict_batch_udf": _run(rows.select(_predicted(str(MINILM))("text"))),
    }
    for name in ("ours", "our udf", "predict_batch_udf"):
        ways[name]()  # they keep the model in the worker; a scalar UDF loads it with every task
    seconds = least_seconds(ways, ROUNDS)
    tell(
        "ours / what users write", our_udf=seconds["our udf"] / seconds["ours"],
        scalar_udf=seconds["naive"] / seconds["ours"],
        predict_batch_udf=seconds["predict_batch_udf"] / seconds["ours"], texts=str(TEXTS), dtype="float32",
        texts_per_second=TEXTS / seconds["ours"],
    )  # fmt: skip
    assert seconds["ours"] < seconds["naive"]


def test_a_worker_takes_no_more_memory_for_ten_times_the_rows(spark: SparkSession) -> None:
    texts = distinct_texts("ultrafeedback_clean_1200", MEMORY_ROWS)
    peaks = []
    for times in (1, TIMES):
        rows = _read(spark, [f"{turn} {text}" for turn in range(times) for text in texts])
        _run(rows.mapInArrow(answering(_spec(SHORT)), ANSWER))()
        rows.unpersist()
        peaks.append(peak_memory().worker or 0.0)
    ratio = peaks[1] / peaks[0]
    tell("peak memory of a worker at 10 x the rows / at 1 x", ratio=ratio, rows=str(MEMORY_ROWS), gb=peaks[1])
    assert ratio <= 1.1


def _scalar(model: str) -> Callable[..., Any]:
    """A scalar pandas UDF: Spark hands it ten rows at a time, and the model is loaded once a task."""
    loaded: list[Any] = []

    def vectors(texts: pd.Series) -> pd.Series:
        if not loaded:
            loaded.append(_sentence_transformer(model))
        return pd.Series(list(loaded[0].encode(list(texts), normalize_embeddings=True)))

    made: Any = pandas_udf  # its stubs know no array of floats
    found: Callable[..., Any] = made(vectors, "array<float>")
    return found


def _predicted(model: str) -> Callable[..., Any]:
    def make() -> Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]:
        loaded = _sentence_transformer(model)

        def predict(texts: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
            vectors: np.ndarray[Any, Any] = loaded.encode([str(text) for text in texts], normalize_embeddings=True)
            return vectors

        return predict

    found: Callable[..., Any] = predict_batch_udf(make, return_type=ArrayType(FloatType()), batch_size=PREDICT_ROWS)
    return found


def _sentence_transformer(model: str) -> Any:
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)  # as the task has one core
    loaded = SentenceTransformer(model, device="cpu", local_files_only=True)
    loaded.max_seq_length = MAX_TOKENS
    return loaded

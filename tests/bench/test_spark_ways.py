"""The bridge against what Spark's users would write, each in its best format, and its memory by the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from pyspark.ml.functions import predict_batch_udf
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.functions import pandas_udf
from pyspark.sql.types import ArrayType, FloatType

from synpref.engines.device import choose_dtype
from synpref.inference.answering import answering
from synpref.inference.spec import EngineSpec
from synpref.inference.udfs import embed
from synpref.inference.windows import WINDOW_ROWS
from synpref.memory import peak_memory
from synpref.spark import open_session
from tests.bench.texts import MINILM, distinct_texts, needs_model, needs_pairs
from tests.bench.turns import FORMATS, least_seconds, quickest, tell_model

TEXTS, ROUNDS, MAX_TOKENS, NAIVE_ROWS, PREDICT_ROWS = 1_200, 2, 128, 10, 64
BATCH_ROWS, SPARKS_ROWS = "spark.sql.execution.arrow.maxRecordsPerBatch", 10_000  # its default
MEMORY_ROWS, TIMES, SHORT = 1_200, (1, 3, 6, 10), 32
SAMPLE = 32  # texts by which the best format of what users write is found
ANSWER = "text_id string, vector array<float>, error string, detail string, original string"

pytestmark = [needs_model, needs_pairs, pytest.mark.timeout(3600)]


@pytest.fixture
def spark() -> Iterator[SparkSession]:
    """One task, and Arrow batches of ten rows, which the naive job and the bridge are given; all else has Spark's own.

    Each test has a session of its own, and with it workers of its own: a worker's peak memory never falls again.
    """
    rows = {BATCH_ROWS: str(NAIVE_ROWS)}
    session = open_session(app_name="bench", master="local[1]", driver_memory="2g", extra=rows)
    yield session
    session.stop()


def _read(spark: SparkSession, texts: list[str]) -> DataFrame:
    rows = spark.createDataFrame([(str(n), text) for n, text in enumerate(texts)], "text_id string, text string")
    rows = rows.coalesce(1).cache()
    rows.count()
    return rows


@pytest.fixture(scope="module")
def dtype() -> str:
    """What our engine computes in on one thread, as the task has one core."""
    torch.set_num_threads(1)
    return choose_dtype("cpu").dtype


def _spec(max_tokens: int, dtype: str) -> EngineSpec:
    return EngineSpec.of("embedder", "bench", str(MINILM), dtype=dtype, max_tokens=max_tokens, token_budget=4096)


def _run(frame: DataFrame) -> Callable[[], None]:
    return lambda: frame.write.format("noop").mode("overwrite").save()


def _run_in_large_batches(spark: SparkSession, frame: DataFrame, rows: int = SPARKS_ROWS) -> Callable[[], None]:
    def run() -> None:
        spark.conf.set(BATCH_ROWS, str(rows))
        try:
            _run(frame)()
        finally:
            spark.conf.set(BATCH_ROWS, str(NAIVE_ROWS))

    return run


def test_the_bridge_against_what_users_write(spark: SparkSession, dtype: str) -> None:
    texts = distinct_texts("ultrafeedback_clean_1200", TEXTS)
    rows = _read(spark, texts)
    loaded = {tried: _sentence_transformer(str(MINILM), tried) for tried in FORMATS}
    theirs = quickest({tried: partial(model.encode, texts[:SAMPLE]) for tried, model in loaded.items()})
    library = loaded["float32"]
    ways = {
        "ours": _run(rows.mapInArrow(answering(_spec(MAX_TOKENS, dtype)), ANSWER)),
        "our udf": _run_in_large_batches(spark, rows.select(embed(_spec(MAX_TOKENS, dtype))("text"))),
        "naive": _run(rows.select(_scalar(str(MINILM), theirs)("text"))),
        "predict_batch_udf": _run_in_large_batches(spark, rows.select(_predicted(str(MINILM), theirs)("text"))),
    }
    for name in ("ours", "our udf", "predict_batch_udf"):
        ways[name]()  # they keep the model in the worker; a scalar UDF loads it with every task
    seconds = least_seconds(ways, ROUNDS)
    tell_model(
        "ours / what users write", library[0].auto_model, dtype=dtype, seconds=seconds["ours"],
        tokens=_tokens(library, texts, MAX_TOKENS), our_udf=seconds["our udf"] / seconds["ours"],
        scalar_udf=seconds["naive"] / seconds["ours"],
        predict_batch_udf=seconds["predict_batch_udf"] / seconds["ours"], texts=str(TEXTS),
        texts_per_second=TEXTS / seconds["ours"], users_dtype=theirs,
    )  # fmt: skip
    assert seconds["ours"] < seconds["naive"]


def test_a_worker_takes_no_more_memory_for_ten_times_the_rows(spark: SparkSession, dtype: str) -> None:
    texts = distinct_texts("ultrafeedback_clean_1200", MEMORY_ROWS)
    library = _sentence_transformer(str(MINILM), "float32")
    peaks, seconds, tokens = [], 0.0, 0
    for times in TIMES:
        more = [f"{turn} {text}" for turn in range(times) for text in texts]
        rows = _read(spark, more)
        answered = rows.mapInArrow(answering(_spec(SHORT, dtype)), ANSWER)
        ours = _run_in_large_batches(spark, answered, WINDOW_ROWS)  # as a fill has them
        seconds = least_seconds({"ours": ours}, 1)["ours"]
        tokens = _tokens(library, more, SHORT)
        rows.unpersist()
        peaks.append(peak_memory().worker or 0.0)
    ratio = peaks[-1] / peaks[0]
    tell_model(
        "peak memory of a worker at 10 x the rows / at 1 x", library[0].auto_model, dtype=dtype, seconds=seconds,
        tokens=tokens, ratio=ratio, rows=str(MEMORY_ROWS), gb=" ".join(f"{peak:.2f}" for peak in peaks),
    )  # fmt: skip
    assert ratio <= 1.1


def _tokens(library: Any, texts: list[str], most: int) -> int:
    """Tokens of the texts, cut to `most` each."""
    return sum(min(len(ids), most) for ids in library.tokenizer(texts, truncation=False, verbose=False)["input_ids"])


def _scalar(model: str, dtype: str) -> Callable[..., Any]:
    """A scalar pandas UDF: Spark hands it ten rows at a time, and the model is loaded once a task."""
    loaded: list[Any] = []

    def vectors(texts: pd.Series) -> pd.Series:
        if not loaded:
            loaded.append(_sentence_transformer(model, dtype))
        return pd.Series(list(loaded[0].encode(list(texts), normalize_embeddings=True)))

    made: Any = pandas_udf  # its stubs know no array of floats
    found: Callable[..., Any] = made(vectors, "array<float>")
    return found


def _predicted(model: str, dtype: str) -> Callable[..., Any]:
    def make() -> Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]:
        loaded = _sentence_transformer(model, dtype)

        def predict(texts: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
            vectors: np.ndarray[Any, Any] = loaded.encode([str(text) for text in texts], normalize_embeddings=True)
            return vectors

        return predict

    found: Callable[..., Any] = predict_batch_udf(make, return_type=ArrayType(FloatType()), batch_size=PREDICT_ROWS)
    return found


def _sentence_transformer(model: str, dtype: str) -> Any:
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)  # as the task has one core
    kwargs = {"dtype": getattr(torch, dtype)}
    loaded = SentenceTransformer(model, device="cpu", local_files_only=True, model_kwargs=kwargs)
    loaded.max_seq_length = MAX_TOKENS
    return loaded

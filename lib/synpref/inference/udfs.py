"""The engines as iterator pandas UDFs for notebooks and SQL, on the same loading and batching as `fill`.

They answer each time the query runs and keep nothing: for tables that are to stay, use `fill`. Marked nondeterministic,
so that Spark neither copies the call into a filter nor runs it once per use of its column.

A row that fails or is refused gives null, and each task that had any writes one warning into its executor's log: how
many by reason, and the first one's detail. To see it in the query, `embed` and `reward` take `errors=True` and then
return a struct of the value, `error` (a reason code, null where answered) and `detail` (for people); a judge's struct
always has both.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, SparkSession
from pyspark.sql.pandas.functions import pandas_udf

from synpref.errors import InputError
from synpref.inference import loaded
from synpref.inference.dtype import measured_dtype
from synpref.inference.placing import placed
from synpref.inference.positions import fitted
from synpref.inference.spec import EngineSpec
from synpref.inference.speculation import check_speculation
from synpref.inference.windows import WINDOW_ROWS, windows

_LOG = logging.getLogger(__name__)

Udf = Callable[..., Column]

MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
JUDGES = ("chat-judge", "http-judge", "vllm-judge")  # a replayed one answers ids, not prompts
ERRORS = ("error", "detail")
ERROR = "error string, detail string"
VERDICT = f"p_a double, verdict string, raw string, tokens_in int, tokens_out int, {ERROR}"


def embed(spec: EngineSpec, *, errors: bool = False) -> Udf:
    """A function of a text column: its unit vector, array<float>; with `errors` a struct of vector, error, detail.

    InputError where the model cannot be read.
    """
    ready = _ready(spec, "embedder")

    def answers(batches: Iterator[pd.Series]) -> Iterator[pa.Table]:
        with placed(ready, alone=False) as own, _warned(own.name) as counted:
            for texts in batches:
                columns = {"text_id": _nulls(len(texts)), "text": pa.array(texts, pa.string())}
                yield counted(_answers(own, columns))

    def value(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
        for found in answers(batches):
            yield found.column("vector").to_pandas()

    def whole(batches: Iterator[pd.Series]) -> Iterator[pd.DataFrame]:
        for found in answers(batches):
            yield found.select(["vector", *ERRORS]).to_pandas()

    return _udf(whole, f"vector array<float>, {ERROR}") if errors else _udf(value, "array<float>")


def reward(spec: EngineSpec, *, errors: bool = False) -> Udf:
    """A function of (messages, response text): the reward, double; with `errors` a struct of reward, error, detail.

    InputError where the model cannot be read.
    """
    ready = _ready(spec, "reward")

    def answers(batches: Iterator[tuple[pd.Series, pd.Series]]) -> Iterator[pa.Table]:
        with placed(ready, alone=False) as own, _warned(own.name) as counted:
            for messages, texts in batches:
                columns = {"response_id": _nulls(len(texts)), "messages": _messages(messages)}
                yield counted(_answers(own, {**columns, "text": pa.array(texts, pa.string())}))

    def value(batches: Iterator[tuple[pd.Series, pd.Series]]) -> Iterator[pd.Series]:
        for found in answers(batches):
            yield found.column("reward").to_pandas()

    def whole(batches: Iterator[tuple[pd.Series, pd.Series]]) -> Iterator[pd.DataFrame]:
        for found in answers(batches):
            yield found.select(["reward", *ERRORS]).to_pandas()

    return _udf(whole, f"reward double, {ERROR}") if errors else _udf(value, "double")


def judge(spec: EngineSpec) -> Udf:
    """A function of (rendered prompt messages, order ab or ba): p_a, verdict, raw, tokens_in, tokens_out, error, detail
    as a struct.

    p_a and verdict are by canonical order (response_a); all fields but error and detail are null where the row failed.
    """
    ready = _ready(spec, *JUDGES)

    def run(batches: Iterator[tuple[pd.Series, pd.Series]]) -> Iterator[pd.DataFrame]:
        with placed(ready, alone=False) as own, _warned(own.name) as counted:
            for messages, orders in batches:
                nothing = _nulls(len(orders))
                ids = {"comparison_id": nothing, "prompt_hash": nothing, "sample": nothing, "few_shots": nothing}
                answers = _answers(
                    own, {**ids, "order": pa.array(orders, pa.string()), "messages": _messages(messages)}
                )
                columns = ["p_a", "verdict", "raw", "tokens_in", "tokens_out", *ERRORS]
                yield counted(answers).select(columns).to_pandas()

    return _udf(run, VERDICT)


MAKERS: dict[str, Callable[[EngineSpec], Udf]] = {"embedder": embed, "reward": reward, **dict.fromkeys(JUDGES, judge)}


def register(spark: SparkSession, specs: Mapping[str, EngineSpec]) -> None:
    """Register each engine for SQL under its name in `specs`. InputError for a name that is no SQL identifier or a
    kind that has no UDF.
    """
    for name, spec in specs.items():
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise InputError(f"{name!r} cannot name an SQL function: use letters, digits and _")
        if spec.kind not in MAKERS:
            raise InputError(f"engine {spec.name}: no UDF for kind {spec.kind!r}; there are {', '.join(MAKERS)}")
        made: Any = MAKERS[spec.kind](spec)
        spark.udf.register(name, made)


def _ready(spec: EngineSpec, *kinds: str) -> EngineSpec:
    """The spec with all that a worker needs; reads the model's folder, so that a wrong path shows here.

    Raises SettingsError where the session that is active now, if any, has spark.speculation on.
    """
    if spec.kind not in kinds:
        raise InputError(f"engine {spec.name} is of kind {spec.kind}, not {' or '.join(kinds)}")
    _ = spec.card
    spark = SparkSession.getActiveSession()
    if spark is not None:
        check_speculation(spark)
    if spec.text("gpus") is not None:
        # two UDFs of a query run at once and wait for each other: each would hold, or lack, the one GPU
        raise InputError(f"engine {spec.name}: a UDF takes the GPU that Spark gives its task, not one of `gpus`")
    if not spec.open_dtype:
        return fitted(spec)
    if spark is None:
        raise InputError(f"engine {spec.name}: give the option dtype, or start a Spark session that can measure it")
    return fitted(spec).having(dtype=measured_dtype(spark, spec))


def _answers(spec: EngineSpec, columns: Mapping[str, pa.Array[Any]]) -> pa.Table:
    batch = pa.RecordBatch.from_pydict(dict(columns))
    rows = spec.integer("window", WINDOW_ROWS)
    found = [loaded.answer(spec, window) for window in windows([batch], rows)]
    return pa.Table.from_batches(found or [loaded.answer(spec, batch)])


@contextmanager
def _warned(engine: str) -> Iterator[Callable[[pa.Table], pa.Table]]:
    """A function that passes the answers of a task on; at the end, however it comes, one warning where rows failed."""
    rows, reasons, first = 0, Counter[str](), ""

    def counted(answers: pa.Table) -> pa.Table:
        nonlocal rows, first
        rows += answers.num_rows
        failed = answers.filter(pc.is_valid(answers.column("error"))).select(list(ERRORS)).to_pylist()
        if failed and not reasons:
            first = f"{failed[0]['error']}: {failed[0]['detail']}"
        reasons.update(row["error"] for row in failed)
        return answers

    try:
        yield counted
    finally:
        if reasons:
            why = ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items()))
            message = "engine %s: %d of %d rows have no answer and are null (%s); the first is %s"
            _LOG.warning(message, engine, reasons.total(), rows, why, first)


def _udf(run: Callable[..., Any], returned: str) -> Udf:
    # PySpark's overloads ask for the old function types; the function's own hints say that it is an iterator UDF.
    typed: Any = pandas_udf
    udf: Udf = typed(run, returned).asNondeterministic()
    return udf


def _nulls(rows: int) -> pa.Array[Any]:
    return pa.nulls(rows, pa.string())


def _messages(column: Iterable[Any]) -> pa.Array[Any]:
    # Spark gives each message as a Row or a dict, by version; both know their fields by name.
    rows = [
        None if messages is None else [{"role": one["role"], "content": one["content"]} for one in messages]
        for messages in column
    ]
    return pa.array(rows, MESSAGES)

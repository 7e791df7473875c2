"""How much of a task's input Spark hands to its Python worker at once: no more than a window of the engine."""

from __future__ import annotations

from contextlib import AbstractContextManager

from pyspark.sql import SparkSession

from synpref.inference.windows import WINDOW_BYTES
from synpref.store.session_settings import session_settings

RECORDS = "spark.sql.execution.arrow.maxRecordsPerBatch"
BYTES = "spark.sql.execution.arrow.maxBytesPerBatch"


def batches_of_windows(spark: SparkSession, rows: int) -> AbstractContextManager[None]:
    """Let Arrow batches hold at most `rows` rows inside, and where Spark knows a cap by bytes (4.1) WINDOW_BYTES.

    A batch is held as a whole by the JVM and by the worker: by default it has 10,000 rows, however long their texts
    are. What the session sets smaller stays, and so does a number of bytes in words (64m).
    """
    values = {}
    records = int(spark.conf.get(RECORDS) or 0)
    if not 0 < records <= rows:  # 0 and less: no cap
        values[RECORDS] = str(rows)
    if spark.conf.isModifiable(BYTES) and not _is_smaller(spark.conf.get(BYTES, None)):
        values[BYTES] = str(WINDOW_BYTES)
    return session_settings(spark, values)


def _is_smaller(given: str | None) -> bool:
    return given is not None and (not given.strip().lstrip("-").isdigit() or 0 < int(given) <= WINDOW_BYTES)

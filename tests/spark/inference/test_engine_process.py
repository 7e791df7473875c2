"""An engine in a process of its own belongs to Spark's virtual machine, not to a Python worker."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import SparkSession

from synpref.engines.processes import Process, facts_of
from synpref.inference.fill import fill
from synpref.store.warehouse import Warehouse
from tests.spark.inference.test_fill import responses

if TYPE_CHECKING:
    from tests.spark.inference.conftest import Asked


def test_an_engine_outlives_the_workers_of_spark_and_is_loaded_once(
    spark: SparkSession, warehouse: Warehouse, asked: Asked
) -> None:
    score = partial(
        fill, warehouse, table="rewards", stage="score", shard_rows=2, slots=1, spec=asked.spec("reward", process=True)
    )
    texts: dict[str, str | None] = {f"r{number}": f"text {number}" for number in range(4)}
    score(inputs=responses(spark, texts))
    (load,) = asked.loads()
    engine = int(load.split()[0])
    assert facts_of(_owner(engine)).name == "java"
    for worker in _workers(_owner(engine)):
        os.kill(worker.pid, signal.SIGKILL)
        assert worker.wait(30)
    done = score(inputs=responses(spark, {**texts, "r4": "text 4"}))
    assert (done.computed, done.answered, done.missing) == (1, 5, 0)
    assert asked.loads() == [load]
    assert sorted(asked.texts()) == [f"text {number}" for number in range(5)]


def _owner(engine: int) -> int:
    """The process that an engine ends with, by its command."""
    return int(Path(f"/proc/{engine}/cmdline").read_text().split("\0")[-3])


def _workers(machine: int) -> list[Process]:
    """Python workers, below their daemon."""
    found = [int(folder.name) for folder in Path("/proc").glob("[0-9]*")]
    daemons = {pid for pid in found if _parent(pid) == machine}
    return [Process.of(pid) for pid in found if _parent(pid) in daemons]


def _parent(pid: int) -> int:
    try:
        return facts_of(pid).parent
    except OSError:  # it ended while we looked
        return 0

"""A job that fills rewards as often as it is told, on executors of its own; tests kill what they like of it.

Reads lines of JSON, each an Order, and answers each with a line of JSON, a Told.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synpref.inference.fill import Filled, fill
from synpref.inference.spec import EngineSpec
from synpref.spark import open_session
from synpref.store.names import Location
from synpref.store.warehouse import Warehouse
from tests.faults.plan import ROWS, SHARD_ROWS
from tests.faults.waiting import wait_for

WINDOW = 4
EXECUTORS = 2
MASTER = f"local-cluster[{EXECUTORS},1,600]"  # of one core, each a virtual machine of its own
EXECUTOR = {
    "spark.executor.memory": "600m",
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    # A dead executor's shuffle files are asked for three times more, five seconds apart, before its tasks run again.
    "spark.shuffle.io.retryWait": "1s",
}


@dataclass(frozen=True)
class Order:
    """What to fill. folder: of the warehouse; log: of the engine; meet: a folder in which two jobs wait for each other
    before they begin and before each insert, so that their commits cross; empty where there is one job.
    """

    folder: str
    log: str
    meet: str = ""


@dataclass(frozen=True)
class Insert:
    """One insert into a table: when it began and ended, in seconds since 1970, and how many rows it put there."""

    table: str
    began: float
    ended: float
    rows: int


@dataclass(frozen=True)
class Told:
    """How a fill ended. failed: why, empty where it did not; computed: rows that the engine was asked for."""

    job: str
    failed: str = ""
    computed: int = 0
    inserts: list[Insert] = field(default_factory=list)


@dataclass(frozen=True)
class Watched(Warehouse):
    """A warehouse that notes its inserts, and before each waits for the other job where there is a place to meet."""

    meet: str = ""
    inserts: list[Insert] = field(default_factory=list, compare=False)

    def insert(
        self,
        table: str,
        rows: DataFrame,
        *,
        in_buckets: Collection[int] | None = None,
        unique: bool = False,
        within: Mapping[str, str | int] | None = None,
    ) -> int:
        """As the warehouse does."""
        meet(self.meet, f"insert {len(self.inserts)}")
        began = time.time()
        inserted = super().insert(table, rows, in_buckets=in_buckets, unique=unique, within=within)
        self.inserts.append(Insert(table, began, time.time(), inserted))
        return inserted


def meet(place: str, what: str) -> None:
    """Return once two jobs stand before the same; at once where there is no place. Raises TimeoutError."""
    if place:
        Path(place, f"{what} {os.getpid()}").touch()
        wait_for(lambda: len(list(Path(place).glob(f"{what} *"))) == 2, f"another job before {what}")


def opened() -> SparkSession:
    """The session, with the slow engine on every worker."""
    extra = {**EXECUTOR, "spark.executorEnv.PYTHONPATH": str(Path(__file__).resolve().parents[2] / "lib")}
    spark = open_session(app_name="faults", master=MASTER, driver_memory="700m", extra=extra)
    spark.sparkContext.addPyFile(str(Path(__file__).parent / "slow_engine.py"))
    return spark


def filled(warehouse: Warehouse, log: str) -> Filled:
    """Fill the rewards of sixty texts in three shards, by engines in processes of their own."""
    ids = warehouse.spark.range(ROWS).select(
        F.format_string("r%03d", "id").alias("response_id"), F.format_string("text %d", "id").alias("text")
    )
    # rows of one prompt go to one task
    asked = F.format_string("question %d", F.col("response_id").substr(2, 9).cast("int") % 10)
    user = F.struct(F.lit("user").alias("role"), asked.alias("content"))
    spec = EngineSpec.of("reward", "slow", None, factory="slow_engine:make", log=log, window=WINDOW, process=True)
    inputs = ids.withColumn("messages", F.array(user))
    return fill(warehouse, table="rewards", inputs=inputs, spec=spec, stage="score", shard_rows=SHARD_ROWS)


def done(spark: SparkSession, order: Order) -> Told:
    """Carry out an order, and tell what stopped it, whatever that was."""
    job = str(os.getpid())
    warehouse = Watched(spark, Location(path=order.folder), stamp={"job": job}, meet=order.meet)
    try:
        meet(order.meet, "begin")
        return Told(job, computed=filled(warehouse, order.log).computed, inserts=warehouse.inserts)
    except Exception as error:
        return Told(job, failed=f"{type(error).__name__}: {error}", inserts=warehouse.inserts)


def main() -> None:
    """Serve until standard input ends."""
    spark = opened()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(asdict(done(spark, Order(**json.loads(line))))) + "\n")
        sys.stdout.flush()
    spark.stop()


if __name__ == "__main__":
    main()

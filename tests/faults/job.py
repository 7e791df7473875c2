"""A job that fills rewards as often as it is told, on executors of its own; tests kill what they like of it.

Reads lines "<folder of the warehouse> TAB <log of the engine>" and answers each with a line "done" or "failed: why".
"""

from __future__ import annotations

import sys
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from synpref.errors import SynprefError
from synpref.inference.fill import Filled, fill
from synpref.inference.spec import EngineSpec
from synpref.spark import open_session
from synpref.store.names import Location
from synpref.store.warehouse import Warehouse

ROWS, SHARD_ROWS, WINDOW = 60, 20, 4
MASTER = "local-cluster[2,1,600]"  # two executors of one core, each a virtual machine of its own


def opened(master: str = MASTER) -> SparkSession:
    """The session, with the slow engine on every worker."""
    extra = {"spark.executor.memory": "600m", "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1"}
    extra["spark.executorEnv.PYTHONPATH"] = str(Path(__file__).resolve().parents[2] / "lib")
    spark = open_session(app_name="faults", master=master, driver_memory="700m", extra=extra)
    spark.sparkContext.addPyFile(str(Path(__file__).parent / "slow_engine.py"))
    return spark


def filled(spark: SparkSession, folder: str, log: str) -> Filled:
    """Fill the rewards of sixty texts in three shards, by engines in processes of their own."""
    ids = spark.range(ROWS).select(
        F.format_string("r%03d", "id").alias("response_id"), F.format_string("text %d", "id").alias("text")
    )
    # rows of one prompt go to one task
    asked = F.format_string("question %d", F.col("response_id").substr(2, 9).cast("int") % 10)
    user = F.struct(F.lit("user").alias("role"), asked.alias("content"))
    spec = EngineSpec.of("reward", "slow", None, factory="slow_engine:make", log=log, window=WINDOW, process=True)
    return fill(
        Warehouse(spark, Location(path=folder)), table="rewards", inputs=ids.withColumn("messages", F.array(user)),
        spec=spec, stage="score", shard_rows=SHARD_ROWS,
    )  # fmt: skip


def main() -> None:
    """Serve until standard input ends."""
    spark = opened()
    for line in sys.stdin:
        folder, log = line.rstrip("\n").split("\t")
        try:
            filled(spark, folder, log)
            said = "done"
        except SynprefError as error:
            said = f"failed: {error}"
        sys.stdout.write(said.replace("\n", " ") + "\n")
        sys.stdout.flush()
    spark.stop()


if __name__ == "__main__":
    main()

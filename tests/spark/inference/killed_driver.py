"""A job that fills rewards in shards of 20 rows; a test kills it, all processes at once, and starts it again.

Arguments: warehouse folder, log of the engine, kill at this line of the log (0: never), kill after this many commits.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from pyspark.sql import functions as F

from synpref.inference.fill import fill
from synpref.inference.progress import Progress
from synpref.inference.spec import EngineSpec
from synpref.spark import open_session
from synpref.store.names import Location
from synpref.store.warehouse import Warehouse

ROWS, SHARD_ROWS = 50, 20


def main(folder: str, log: str, kill_at: int, kill_after: int) -> None:
    spark = open_session(app_name="killed", master="local[2]", driver_memory="700m")
    spark.sparkContext.addPyFile(str(Path(__file__).parent / "counting_engine.py"))
    ids = spark.range(ROWS).select(
        F.format_string("r%03d", "id").alias("response_id"), F.format_string("text %d", "id").alias("text")
    )
    user = F.struct(F.lit("user").alias("role"), F.lit("hello").alias("content"))
    # The kill is no part of the engine's identity: both runs fill for one engine.
    spec = EngineSpec.of("reward", "counting", factory="counting_engine:make", log=log)
    Path(f"{log}.kill").write_text(f"{kill_at} {os.getpgid(0)}")

    def stop(progress: Progress) -> None:
        # shards are told with round numbers; counts of the shard in flight come between them
        if kill_after and progress.rows >= kill_after * SHARD_ROWS:
            os.killpg(os.getpgid(0), signal.SIGKILL)

    warehouse = Warehouse(spark, Location(path=folder))
    fill(
        warehouse, table="rewards", inputs=ids.withColumn("messages", F.array(user)), spec=spec, stage="score",
        shard_rows=SHARD_ROWS, progress=stop,
    )  # fmt: skip
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))

"""GPUs of a cluster: a task that runs an engine gets one of its own, other tasks none."""

from __future__ import annotations

from typing import Any

from pyspark.resource import ResourceProfile, ResourceProfileBuilder, TaskResourceRequests
from pyspark.sql import SparkSession

_OF_EXECUTOR, _OF_TASK = "spark.executor.resource.gpu.amount", "spark.task.resource.gpu.amount"


def task_profile(spark: SparkSession) -> ResourceProfile | None:
    """A resource profile by which each task of a stage takes one GPU of its executor.

    None where executors have no GPU, where the session's own configuration gives every task one (or a share), and in
    local mode, which knows no profiles: then plain configuration holds. The executors stay as they are, so no dynamic
    allocation is needed (Spark 3.5 and later; standalone, YARN and Kubernetes).
    """
    conf = spark.sparkContext.getConf()
    if not _gpus_of_executor(spark) or conf.get(_OF_TASK):
        return None
    one = TaskResourceRequests().cpus(int(conf.get("spark.task.cpus", "1"))).resource("gpu", 1)
    return ResourceProfileBuilder().require(one).build


def tasks_at_once(spark: SparkSession, *, takes_gpu: bool) -> int:
    """How many tasks of an engine the executors that are there now run at once; at least 1.

    Where Spark gives such a task a GPU (see task_profile; takes_gpu: the engine wants one) or a share of one, as many
    as their GPUs serve; else the session's default parallelism, which counts cores.
    """
    context = spark.sparkContext
    of_task = float(context.getConf().get(_OF_TASK) or takes_gpu)
    gpus = _gpus_of_executor(spark)
    if not gpus or not of_task:
        return context.defaultParallelism
    # PySpark has no call of its own for it. The driver is one of those that hold blocks.
    scala: Any = context._jsc
    executors = int(scala.sc().getExecutorMemoryStatus().size()) - 1
    return max(1, executors * int(gpus / of_task))


def _gpus_of_executor(spark: SparkSession) -> int:
    """As many as Spark deals out; 0 in local mode."""
    context = spark.sparkContext
    return 0 if str(context.master).startswith("local") else int(float(context.getConf().get(_OF_EXECUTOR, "0")))

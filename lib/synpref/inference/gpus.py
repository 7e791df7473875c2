"""GPUs of a cluster: a task that runs an engine gets one of its own, other tasks none."""

from __future__ import annotations

from pyspark.resource import ResourceProfile, ResourceProfileBuilder, TaskResourceRequests
from pyspark.sql import SparkSession

_OF_EXECUTOR, _OF_TASK = "spark.executor.resource.gpu.amount", "spark.task.resource.gpu.amount"


def task_profile(spark: SparkSession) -> ResourceProfile | None:
    """A resource profile by which each task of a stage takes one GPU of its executor.

    None where executors have no GPU, where the session's own configuration gives every task one (or a share), and in
    local mode, which knows no profiles: then plain configuration holds. The executors stay as they are, so no dynamic
    allocation is needed (Spark 3.5 and later; standalone, YARN and Kubernetes).
    """
    context = spark.sparkContext
    conf = context.getConf()
    if str(context.master).startswith("local") or conf.get(_OF_TASK) or float(conf.get(_OF_EXECUTOR, "0")) < 1:
        return None
    one = TaskResourceRequests().cpus(int(conf.get("spark.task.cpus", "1"))).resource("gpu", 1)
    return ResourceProfileBuilder().require(one).build

"""Several processes train one model, through pyspark's TorchDistributor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from synpref.errors import EngineError
from synpref.reward.plan import Layout

_NO_SESSION = "training with several processes needs a Spark session (TorchDistributor): start one, or set processes=1"


def run_on_processes(work: Callable[..., Any], *args: object, layout: Layout) -> None:
    """Call `work(*args)` in each of layout.processes processes that torchrun has told of each other.

    Beside this process they see all its GPUs; on the cluster each is a barrier task of its own, with the GPU that
    Spark gives it (spark.task.resource.gpu.amount), and sys.path of the workers must hold synpref. Raises EngineError
    where a process fails; what it said stands above.
    """
    from pyspark.ml.torch.distributor import TorchDistributor
    from pyspark.sql import SparkSession

    spark = SparkSession.getActiveSession()
    if spark is None:
        raise EngineError(_NO_SESSION)
    gpus = layout.on_cluster and float(spark.conf.get("spark.task.resource.gpu.amount", "0") or 0) > 0
    distributor = TorchDistributor(num_processes=layout.processes, local_mode=not layout.on_cluster, use_gpu=gpus)
    try:
        distributor.run(work, *args)
    except RuntimeError as error:
        last = " ".join(str(error).split())[-800:]
        raise EngineError(f"training on {layout.processes} processes broke off: {last}") from error

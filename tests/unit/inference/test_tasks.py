"""Into how many tasks a shard is cut."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from synpref.inference.gpus import tasks_at_once
from synpref.inference.shards import Shard
from synpref.inference.spec import EngineSpec
from synpref.inference.work import tasks_of

GPUS, SHARE = "spark.executor.resource.gpu.amount", "spark.task.resource.gpu.amount"


def session(cores: int = 2, executors: int = 1, master: str = "yarn", **conf: str) -> Any:
    """A session of so many executors with so many cores in all."""
    holders = SimpleNamespace(size=lambda: executors + 1)  # of blocks: the driver is one
    java = SimpleNamespace(sc=lambda: SimpleNamespace(getExecutorMemoryStatus=lambda: holders))
    context = SimpleNamespace(defaultParallelism=cores, master=master, getConf=lambda: conf, _jsc=java)
    return SimpleNamespace(sparkContext=context)


def test_executors_that_come_during_a_fill_get_tasks_of_its_next_shard() -> None:
    spark = session()
    spec = EngineSpec.of("embedder", "mine", "folder")
    work: Any = SimpleNamespace(slots=None, spec=spec, warehouse=SimpleNamespace(spark=spark))
    shard = Shard((0,), 100, ())
    assert tasks_of(work, shard) == 2
    spark.sparkContext.defaultParallelism = 48
    assert tasks_of(work, shard) == 48
    work.slots = 4
    assert tasks_of(work, shard) == 4
    assert tasks_of(work, Shard((0,), 3, ())) == 3


@pytest.mark.parametrize(
    ("conf", "takes_gpu", "tasks"),
    [
        ({}, True, 96),  # Spark deals out none
        ({GPUS: "4"}, True, 8),
        ({GPUS: "4"}, False, 96),
        ({GPUS: "4", SHARE: "1"}, False, 8),  # every task takes one
        ({GPUS: "4", SHARE: "0.5"}, True, 16),
        ({GPUS: "4", SHARE: "2"}, True, 4),
        ({GPUS: "4", SHARE: "0"}, True, 96),
    ],
)
def test_engines_on_gpus_get_a_task_a_gpu_and_not_one_a_core(
    conf: dict[str, str], tasks: int, *, takes_gpu: bool
) -> None:
    assert tasks_at_once(session(96, 2, **conf), takes_gpu=takes_gpu) == tasks


def test_before_any_executor_is_there_one_task_calls_for_it_and_local_mode_counts_cores() -> None:
    assert tasks_at_once(session(2, 0, **{GPUS: "1"}), takes_gpu=True) == 1
    assert tasks_at_once(session(2, 0, "local[2]", **{GPUS: "1"}), takes_gpu=True) == 2

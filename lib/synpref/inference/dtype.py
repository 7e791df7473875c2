"""The number format of an engine: chosen once, when it first commits, by a short measurement, and kept."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from synpref.engines import device as engine_device
from synpref.engines.identity import EngineCard, hashed_part
from synpref.engines.tenancy import end_idle_engines
from synpref.errors import EngineError, InputError
from synpref.inference.engine_process import child_environment
from synpref.inference.gpus import task_profile
from synpref.inference.placing import task_gpu
from synpref.inference.positions import fitted
from synpref.inference.record import known_engines
from synpref.inference.spec import EngineSpec
from synpref.store.warehouse import Warehouse

_MEASURED: dict[tuple[str, str | None, str | None], str] = {}


def settled(warehouse: Warehouse, spec: EngineSpec) -> EngineSpec:
    """The spec with its dtype fixed (and its length, see positions); its card is the engine's identity from then on.

    A dtype that the spec names stays. Else that of an engine in `engines` which equals this one in all but dtype; else
    what a measurement on a worker chooses. An engine without a model here has none. Writes nothing.
    InputError for a scorer of the backend `http` without a dtype: the server chose it.
    """
    spec = fitted(spec)
    if spec.text("backend") == "http" and spec.text("dtype") is None:
        raise InputError(f"engine {spec.name}: name the dtype that the server computes in; it cannot be measured here")
    if not spec.open_dtype:
        return spec
    known = recorded_dtype(warehouse, spec.card)
    return spec.having(dtype=known or _measured_once(warehouse.spark, spec))


def recorded_dtype(warehouse: Warehouse, card: EngineCard) -> str | None:
    """The dtype under which this engine has answered before; None where it never did."""
    ours = _without_dtype(card.canonical_json)
    alike = [row for row in known_engines(warehouse).values() if row["kind"] == card.kind and row["dtype"]]
    return min((row["dtype"] for row in alike if _without_dtype(row["details"]) == ours), default=None)


def measured_dtype(spark: SparkSession, spec: EngineSpec) -> str:
    """The faster dtype on the device of a worker that the engine computes on, from one Spark task of some seconds.

    Raises EngineError where the measurement fails.
    """
    device, gpus = _place(spec)
    profile = task_profile(spark) if spec.takes_gpu else None

    def measure(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for _ in batches:
            with task_gpu(gpus) as gpu:
                yield pa.RecordBatch.from_pydict({"dtype": [dtype_of_child(device, gpu)]})

    # The workers measure: the driver may be a machine of another kind.
    first = spark.range(0, 1, 1, 1).mapInArrow(measure, "dtype string", profile=profile).first()
    if first is None:
        raise EngineError("no worker answered the measurement of number formats; give the engine's option dtype")
    return str(first["dtype"])


def dtype_of_child(device: str | None = None, gpu: str | None = None) -> str:
    """What device.choose_dtype chooses, measured in a process of its own: the worker lives on, and a context that it
    opened on the GPU would keep memory from the engine. gpu: as of engine_process.child_environment.

    Raises EngineError, with the last words of the process, where it fails.
    """
    if gpu is not None:
        end_idle_engines(gpu)  # one of the stage before may have left it no memory
    device = device or (None if gpu is None else "cuda")  # a GPU that is not there is an error, no processor instead
    asked = [sys.executable, "-m", engine_device.__name__, *([device] if device else [])]
    told = subprocess.run(asked, env=child_environment(gpu), capture_output=True, text=True, check=False)
    said = told.stdout.split()
    if told.returncode or not said:
        words = " ".join(told.stderr.split("\n")[-3:]).strip() or f"exit code {told.returncode}"
        raise EngineError(f"number formats could not be measured: {words[:500]}. Give the engine's option dtype.")
    return said[-1]  # libraries may print before


def _measured_once(spark: SparkSession, spec: EngineSpec) -> str:
    """The measurement of this application: its workers do not change between two engines."""
    key = (str(spark.sparkContext.applicationId), *_place(spec))
    if key not in _MEASURED:
        _MEASURED[key] = measured_dtype(spark, spec)
    return _MEASURED[key]


def _place(spec: EngineSpec) -> tuple[str | None, str | None]:
    """Its device, None for the best that is there, and the GPUs as of placing.task_gpu."""
    return (spec.text("device"), spec.text("gpus")) if spec.takes_gpu else ("cpu", None)


def _without_dtype(record: str) -> dict[str, Any]:
    facts = hashed_part(record)
    facts.pop("dtype", None)
    return facts

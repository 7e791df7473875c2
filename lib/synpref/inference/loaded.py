"""The one place with module state: engines loaded in this process. A worker loads a model once, not once a task."""

from __future__ import annotations

import importlib
import os
import threading
from collections import OrderedDict

import pyarrow as pa

from synpref.errors import InputError
from synpref.inference.adapters.outcomes import Ready
from synpref.inference.answered import answered, prepared
from synpref.inference.cards import ELSEWHERE
from synpref.inference.engine_process import EngineProcess
from synpref.inference.kinds import kind_of
from synpref.inference.spec import EngineSpec

# A notebook may use an embedder, a reward model and a judge in one query; more would only hold memory.
KEPT = 3

_loaded: OrderedDict[EngineSpec, object] = OrderedDict()
_lock = threading.Lock()


def engine(spec: EngineSpec) -> object:
    """The engine of the spec, loaded at its first use in this process; the three used last are kept.

    An EngineProcess where the option `process` asks for one: the engine is loaded in a process of its own, or stands
    there since another task.

    Torch's threads are set from the option `threads` (default 1) before loading a model here. InputError where a
    `factory` cannot be imported; what the engine's own loading raises (InputError, EngineError) passes through.
    """
    with _lock:
        if spec in _loaded:
            _loaded.move_to_end(spec)
            return _loaded[spec]
        _make_room(on_gpu=spec.text("gpu") is not None)
        _loaded[spec] = _load(spec)
        return _loaded[spec]


def _make_room(*, on_gpu: bool) -> None:
    """On a GPU, whose memory holds one engine, all others that this process still uses there end; else the oldest."""
    for spec, held in [*_loaded.items()]:
        of_gpu = on_gpu and spec.text("gpu") is not None
        if of_gpu or len(_loaded) >= KEPT:
            del _loaded[spec]
            if isinstance(held, EngineProcess):
                held.close()


def forget(spec: EngineSpec) -> None:
    """End the engine of the spec, where this process has one: it could not go on."""
    with _lock:
        held = _loaded.pop(spec, None)
    if isinstance(held, EngineProcess):
        held.close()


def leave(spec: EngineSpec) -> None:
    """Let the engine's own process, where it has one, wait for the next task, of this worker or of another."""
    with _lock:
        held = _loaded.get(spec)
    if isinstance(held, EngineProcess):
        held.leave()


def prepare(spec: EngineSpec, window: pa.RecordBatch) -> Ready | None:
    """What of a window's answer can be made before its turn, for `answer`; None where that is nothing."""
    found = engine(spec)
    if isinstance(found, EngineProcess):
        found.prepare(window)
        return None
    return prepared(spec, found, window)


def answer(spec: EngineSpec, window: pa.RecordBatch, ready: Ready | None = None) -> pa.RecordBatch:
    """The answers to a window of input rows (see answered), from this process or from the engine's own."""
    found = engine(spec)
    return found.answer(window) if isinstance(found, EngineProcess) else answered(spec, found, window, ready)


def _load(spec: EngineSpec) -> object:
    if spec.flag("process", default=False):
        return EngineProcess(spec.having(process=False))
    factory = spec.text("factory")
    if factory is not None:
        return _made(spec, factory)
    if spec.kind not in ELSEWHERE:
        _bind_threads(spec.integer("threads", 1))
        _check_gpu(spec)
    return kind_of(spec).load(spec)


def _check_gpu(spec: EngineSpec) -> None:
    """Raise InputError where the engine was given a GPU that this process does not see: it would compute without."""
    from synpref.engines.device import default_device

    gpu = spec.text("gpu")
    if gpu is not None and spec.takes_gpu and default_device() != "cuda":
        raise InputError(
            f"engine {spec.name}: torch sees no GPU {gpu} on this machine; see spark.gpus and the driver's CUDA"
        )


def _bind_threads(threads: int) -> None:
    # Every slot runs its own process: tokenizers that take all cores would fight with the other slots' matmuls.
    os.environ["TOKENIZERS_PARALLELISM"] = "true" if threads > 1 else "false"
    os.environ["RAYON_NUM_THREADS"] = str(threads)
    import torch

    torch.set_num_threads(threads)


def _made(spec: EngineSpec, factory: str) -> object:
    module, _, function = factory.partition(":")
    try:
        make = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        message = f"engine {spec.name}: factory {factory!r} cannot be imported ({error}); give module:function"
        raise InputError(message) from error
    made: object = make(spec)
    return made

"""Texts to rows of `embeddings`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synpref.engines.failure import Failure
from synpref.inference.adapters.outcomes import FAILURE_COLUMNS, outcomes, output
from synpref.inference.spec import EngineSpec

Vector = NDArray[np.float32]

INPUTS = ("text_id", "text")
SCHEMA = f"text_id string, vector array<float>, {FAILURE_COLUMNS}"


class Embeds(Protocol):
    """What an embedding engine offers."""

    def embed(self, texts: Sequence[str]) -> Vector:
        """Unit vectors as float32 (n, d)."""
        ...


def answer(engine: Embeds, window: pa.RecordBatch, spec: EngineSpec) -> pa.RecordBatch:  # noqa: ARG001 - one signature
    """(text_id, text) to (text_id, vector) and the failure columns; vector is null where the row failed."""
    results = outcomes(lambda texts: list(engine.embed(texts)), window.column("text").to_pylist(), "text is null")
    return output(window, ("text_id",), results, {"vector": vectors(results)})


def vectors(results: Sequence[Vector | Failure]) -> pa.Array[Any]:
    """The vectors as one Arrow list column without a Python object per number; null for failed rows."""
    rows = [None if isinstance(result, Failure) else result for result in results]
    lengths = [0 if row is None else len(row) for row in rows]
    offsets = pa.array([0, *np.cumsum(lengths, dtype=np.int32).tolist()], pa.int32())
    present = [row for row in rows if row is not None]
    flat = np.concatenate(present).astype(np.float32, copy=False) if present else np.empty(0, np.float32)
    absent = pa.array([row is None for row in rows], pa.bool_())
    return pa.ListArray.from_arrays(offsets, pa.array(flat, pa.float32()), mask=absent)

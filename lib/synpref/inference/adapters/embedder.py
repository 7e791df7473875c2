"""Texts to rows of `embeddings`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synpref.engines.failure import ENGINE_ERROR, OVERLONG, Failure
from synpref.inference.adapters.outcomes import FAILURE_COLUMNS, Ready, outcomes, output
from synpref.inference.spec import EngineSpec

Vector = NDArray[np.float32]
Rows = TypeVar("Rows")

INPUTS = ("text_id", "text")
SCHEMA = f"text_id string, vector array<float>, {FAILURE_COLUMNS}"


class Embeds(Protocol):
    """What an embedding engine offers."""

    def embed(self, texts: Sequence[str]) -> Vector:
        """Unit vectors as float32 (n, d); NaN where a text was refused as too long."""
        ...


class EmbedsAhead(Protocol[Rows]):
    """An embedding engine whose tokens can be made before their turn."""

    def prepare(self, texts: Sequence[str]) -> Rows:
        """Tokenise."""
        ...

    def embed_rows(self, rows: Rows) -> Vector:
        """As Embeds.embed, of what `prepare` gave."""
        ...


def prepare(engine: EmbedsAhead[Rows], window: pa.RecordBatch, _spec: EngineSpec) -> Ready:
    """What `answer` needs of a window beside the model. Raises what the tokenizer raises, whichever row it is."""
    items: list[str | None] = window.column("text").to_pylist()
    rows = engine.prepare([text for text in items if text is not None])
    return Ready(items, lambda: list(engine.embed_rows(rows)))


def answer(engine: Embeds, window: pa.RecordBatch, spec: EngineSpec, ready: Ready | None = None) -> pa.RecordBatch:
    """(text_id, text) to (text_id, vector) and the failure columns; vector is null where the row failed.

    A text that the engine refuses as over-long fails with reason `overlong` (a policy, not an engine's error).
    """
    items = window.column("text").to_pylist() if ready is None else ready.items
    found = outcomes(lambda texts: list(engine.embed(texts)), items, "text is null", ready and ready.at_once)
    results = [checked(vector, spec.integer("max_tokens", 0)) for vector in found]
    return output(window, ("text_id",), results, {"vector": vectors(results)})


def checked(result: Vector | Failure, max_tokens: int) -> Vector | Failure:
    """The result, or a Failure where it is no vector: all NaN is the engine's sign for refused as too long."""
    if isinstance(result, Failure) or np.isfinite(result).all():
        return result
    if np.isnan(result).all():
        return Failure(OVERLONG, f"more than the {max_tokens} tokens that are embedded")
    return Failure(ENGINE_ERROR, "the vector holds numbers that are not finite")


def vectors(results: Sequence[Vector | Failure]) -> pa.Array[Any]:
    """The vectors as one Arrow list column without a Python object per number; null for failed rows."""
    rows = [None if isinstance(result, Failure) else result for result in results]
    lengths = [0 if row is None else len(row) for row in rows]
    offsets = pa.array([0, *np.cumsum(lengths, dtype=np.int32).tolist()], pa.int32())
    present = [row for row in rows if row is not None]
    flat = np.concatenate(present).astype(np.float32, copy=False) if present else np.empty(0, np.float32)
    absent = pa.array([row is None for row in rows], pa.bool_())
    return pa.ListArray.from_arrays(offsets, pa.array(flat, pa.float32()), mask=absent)

"""Where an engine cannot go on its task ends with a row that says so: Spark would try a task that raises again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from synpref.engines.failure import STOPPED, Failure
from synpref.errors import EngineError, InputError
from synpref.inference import answering, loaded
from synpref.inference.answered import failed, stopped
from synpref.inference.kinds import KINDS
from synpref.inference.spec import EngineSpec
from synpref.inference.udfs import MESSAGES
from tests.unit.inference.test_answered import SPEC, window


class Ending:
    """Answers texts until it meets `end`."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        if "end" in texts:
            raise self.error
        return np.ones((len(texts), 2), np.float32)


@pytest.mark.parametrize("error", [EngineError("the engine\nis gone"), InputError("no such key")])
def test_the_answers_before_stand_and_the_last_row_says_what_stopped_the_engine(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten: list[EngineSpec] = []
    monkeypatch.setattr(loaded, "engine", lambda _: Ending(error))
    monkeypatch.setattr(loaded, "forget", forgotten.append)
    *answers, last = answering.answering(SPEC)(iter([window("a", "b", "end", "c", "d", "e")]))
    assert [one.column("error").to_pylist() for one in answers] == [[None, None]]
    assert last.schema == answers[0].schema
    assert last.column("error").to_pylist() == [STOPPED]
    assert last.column("detail").to_pylist() == [f"synpref.errors.{type(error).__name__}: {error}"]
    assert last.column("engine_tokens").to_pylist() == [0]
    assert forgotten == [SPEC]


def test_an_engine_that_cannot_be_loaded_ends_its_task_so_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    spec = EngineSpec.of("embedder", "e", factory="nowhere:make")
    (row,) = answering.answering(spec)(iter([window(None, "b")]))
    assert row.column("error").to_pylist() == [STOPPED]
    assert "synpref.errors.InputError: engine e: factory 'nowhere:make'" in row.column("detail")[0].as_py()


def test_any_other_error_is_raised_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaded, "engine", lambda _: Ending(OSError("disk")))
    with pytest.raises(OSError, match="disk"):
        list(answering.answering(SPEC)(iter([window("end")])))


ROW: dict[str, Any] = {
    "text_id": "t", "response_id": "r", "text": "x", "comparison_id": "c", "prompt_hash": "h", "order": "ab",
    "sample": 0, "messages": [{"role": "user", "content": "x"}], "few_shots": ["s"], "prompt_id": "p",
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("missing", [False, True])
def test_the_row_has_the_columns_of_every_kind(kind: str, missing: bool) -> None:
    spec = EngineSpec.of(kind, "e")
    row = ROW | ({"text": None, "messages": None} if missing else {})
    schema = pa.schema({name: pa.string() for name in ROW}).set(6, pa.field("sample", pa.int32()))
    schema = schema.set(7, pa.field("messages", MESSAGES)).set(8, pa.field("few_shots", pa.list_(pa.string())))
    rows = pa.RecordBatch.from_pylist([row, row], schema=schema)
    found = stopped(spec, rows, EngineError("gone"))
    assert found.schema == failed(spec, rows, Failure("other", "")).schema
    assert found.column("error").to_pylist() == [STOPPED]
    assert found.column("detail").to_pylist() == ["synpref.errors.EngineError: gone"]


def test_an_engine_that_is_forgotten_is_loaded_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[EngineSpec] = []
    monkeypatch.setattr(loaded, "_load", made.append)
    spec = EngineSpec.of("embedder", "forgotten")
    loaded.engine(spec)
    loaded.forget(spec)
    loaded.forget(spec)
    loaded.engine(spec)
    assert made == [spec, spec]
    loaded.forget(spec)

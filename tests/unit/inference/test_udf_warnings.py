"""What a task of a UDF says of the rows that it has no answer for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synpref.inference import loaded, udfs
from synpref.inference.spec import EngineSpec

SPEC = EngineSpec.of("embedder", "e", factory="m:f", max_tokens=9)


class Embeds:
    """Refuses `long`, breaks on `bad`."""

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        if "bad" in texts:
            raise ValueError("no bad words")
        return np.array([[np.nan if text == "long" else 1.0] for text in texts], np.float32)


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Iterator[Any]]:
    """The UDF's own function, as a task of Spark calls it."""
    monkeypatch.setattr(loaded, "engine", lambda _: Embeds())
    monkeypatch.setattr(udfs, "_udf", lambda function, _: function)  # Spark parses its type with a session only

    def run(batches: list[list[str | None]], **settings: bool) -> Iterator[Any]:
        made: Any = udfs.embed(SPEC, **settings)
        found: Iterator[Any] = made(pd.Series(texts, dtype=object) for texts in batches)
        return found

    return run


def test_a_task_tells_once_how_many_rows_are_null_why_and_the_first_one_s_detail(
    task: Callable[..., Iterator[Any]], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        values = [list(batch) for batch in task([["a", "bad"], ["long", "b", None, "bad"]])]
    assert [[one is None for one in batch] for batch in values] == [[False, True], [True, False, True, True]]
    (told,) = caplog.messages
    assert told == (
        "engine e: 4 of 6 rows have no answer and are null (engine_error 2, missing_input 1, overlong 1); the first is "
        "engine_error: ValueError: no bad words"
    )


def test_a_task_that_is_left_early_tells_it_too_and_one_without_failures_is_silent(
    task: Callable[..., Iterator[Any]], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert len(list(task([["a"], ["b"]]))) == 2
        assert not caplog.messages
        left = task([["bad"], ["a"]])
        next(left)
        del left
    assert len(caplog.messages) == 1


def test_with_errors_each_row_says_why(task: Callable[..., Iterator[Any]]) -> None:
    (found,) = task([["a", "bad", "long"]], errors=True)
    assert found.columns.tolist() == ["vector", "error", "detail"]
    assert found["error"].tolist() == [None, "engine_error", "overlong"]
    assert found["detail"].tolist()[1] == "ValueError: no bad words"

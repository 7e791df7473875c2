from __future__ import annotations

import math
from typing import Any

import pyarrow as pa
import pytest

from synpref.engines.failure import ENGINE_DIED
from synpref.errors import EngineError
from synpref.inference.answered import answered
from synpref.inference.deadly_rows import EngineDiedError, without_deadly_rows
from synpref.inference.spec import EngineSpec
from tests.unit.inference.test_answered import SPEC, Counting, window


class Process:
    """Dies over the rows whose text is `dies`, or over every row, and counts how often it was asked."""

    def __init__(self, *, over_everything: bool = False) -> None:
        self.over_everything = over_everything
        self.asked = 0

    def ask(self, part: pa.RecordBatch) -> pa.RecordBatch:
        self.asked += 1
        if part.num_rows and (self.over_everything or "dies" in part.column("text").to_pylist()):
            raise EngineDiedError("exit code -11")
        return answered(SPEC, Counting(), part)


def _texts(*places: int, of: int = 1024) -> list[str]:
    return ["dies" if place in places else "a" for place in range(of)]


@pytest.mark.parametrize("places", [(0, 1), (511, 512), (1023,), (7, 300, 301, 900)])
def test_rows_that_kill_the_engine_fail_alone_and_cost_few_starts(places: tuple[int, ...]) -> None:
    process = Process()
    answers = without_deadly_rows(SPEC, window(*_texts(*places)), process.ask)
    errors = answers.column("error").to_pylist()
    assert [place for place, error in enumerate(errors) if error] == list(places)
    assert set(errors) == {None, ENGINE_DIED}
    assert answers.column("detail")[places[0]].as_py() == "the engine died over this row: exit code -11"
    assert answers.column("text_id").to_pylist() == [f"t{number}" for number in range(1024)]
    assert process.asked <= 1 + 20 * len(places)


@pytest.mark.parametrize(
    ("process", "texts", "told"),
    [
        (Process(over_everything=True), _texts(), r"e died 14 times over parts of the same 1024 rows \(exit code -11"),
        (Process(over_everything=True), ["a"] * 5, r"died 7 times over parts of the same 5 rows"),
        (Process(), _texts(*range(0, 1024, 2)), r"died 65 times over parts of the same 1024 rows"),
    ],
    ids=["over everything", "over a few rows", "over half of the rows"],
)
def test_an_engine_that_dies_over_and_over_stops(process: Process, texts: list[str], told: str) -> None:
    with pytest.raises(EngineError, match=told):
        without_deadly_rows(SPEC, window(*texts), process.ask)


@pytest.mark.parametrize("rows", [4, 33, 34, 1024])
def test_rows_that_were_lost_before_and_come_back_together_stop_no_engine_that_lives(rows: int) -> None:
    """As the next run asks for them: without the rows that were answered."""
    process = Process()
    answers = without_deadly_rows(SPEC, window(*["dies"] * rows), process.ask)
    assert set(answers.column("error").to_pylist()) == {ENGINE_DIED}
    assert answers.column("text_id").to_pylist() == [f"t{number}" for number in range(rows)]
    unasked = [told for told in answers.column("detail").to_pylist() if "not asked: the engine died 65" in str(told)]
    assert bool(unasked) == (rows > 33)
    assert process.asked <= 1 + 65 + math.ceil(65 / 4)


def test_a_second_window_that_is_lost_whole_stops_the_engine() -> None:
    with pytest.raises(EngineError, match="died 65 times over parts of the same 1024 rows"):
        without_deadly_rows(SPEC, window(*["dies"] * 1024), Process().ask, patient=False)


def test_a_row_among_them_that_fares_better_now_is_answered() -> None:
    texts = ["dies"] * 20
    texts[13] = "a"
    errors = without_deadly_rows(SPEC, window(*texts), Process().ask).column("error").to_pylist()
    assert [place for place, error in enumerate(errors) if error is None] == [13]


MESSAGES = [{"role": "user", "content": "x"}]


@pytest.mark.parametrize(
    ("spec", "row"),
    [
        (EngineSpec.of("reward", "e"), {"response_id": "r", "messages": MESSAGES, "text": "x"}),
        *(
            (EngineSpec.of(kind, "e"), {"comparison_id": "c", "prompt_hash": "h", "order": "ab", "sample": 0,
                                        "messages": MESSAGES, "few_shots": ["s"], "prompt_id": "p"})
            for kind in ("chat-judge", "vllm-judge")
        ),
        (EngineSpec.of("chat-attributes", "e"), {"comparison_id": "c", "sample": 0, "messages": MESSAGES}),
    ],
    ids=["reward", "chat-judge", "vllm-judge", "chat-attributes"],
)  # fmt: skip
def test_a_row_of_every_kind_can_be_found_deadly(spec: EngineSpec, row: dict[str, Any]) -> None:
    def ask(part: pa.RecordBatch) -> pa.RecordBatch:
        if row in part.to_pylist():
            raise EngineDiedError("exit code -9")
        return part

    answers = without_deadly_rows(spec, pa.RecordBatch.from_pylist([row] * 5), ask)
    assert answers.column("error").to_pylist() == [ENGINE_DIED] * 5

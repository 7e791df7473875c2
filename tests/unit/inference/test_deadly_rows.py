from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from synpref.errors import EngineError
from synpref.inference.answered import answered
from synpref.inference.deadly_rows import EngineDiedError, without_deadly_rows
from synpref.inference.spec import EngineSpec
from tests.unit.inference.test_answered import SPEC, Counting, window


class Process:
    """Dies over the rows whose text is `dies`, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def ask(self, part: pa.RecordBatch) -> pa.RecordBatch:
        self.asked += 1
        if "dies" in part.column("text").to_pylist():
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
    assert set(errors) == {None, "engine_error"}
    assert answers.column("detail")[places[0]].as_py() == "the engine died over this row: exit code -11"
    assert answers.column("text_id").to_pylist() == [f"t{number}" for number in range(1024)]
    assert process.asked <= 1 + 20 * len(places)


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (_texts(*range(1024)), r"e died 14 times over parts of the same 1024 rows \(exit code -11"),
        (_texts(*range(0, 1024, 2)), r"died 65 times over parts of the same 1024 rows"),
    ],
    ids=["over everything", "over half of the rows"],
)
def test_an_engine_that_dies_over_and_over_stops(texts: list[str], told: str) -> None:
    with pytest.raises(EngineError, match=told):
        without_deadly_rows(SPEC, window(*texts), Process().ask)


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
        if part.num_rows:
            raise EngineDiedError("exit code -9")
        return part

    answers = without_deadly_rows(spec, pa.RecordBatch.from_pylist([row, row]), ask)
    assert answers.column("error").to_pylist() == ["engine_error"] * 2

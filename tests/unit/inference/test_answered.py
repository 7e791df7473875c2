"""What is done of a window before its turn, and what a window cost."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pytest

from synpref.engines.choice import Choice
from synpref.engines.known_order import KnownOrder
from synpref.engines.passed import Passed, Repairs
from synpref.engines.transcript import Messages
from synpref.inference import answering, loaded
from synpref.inference.answered import COST, answered, prepared
from synpref.inference.spec import EngineSpec
from synpref.inference.udfs import MESSAGES

SPEC = EngineSpec.of("embedder", "e", max_tokens=9, window=2)


class Counting:
    """Makes a vector out of a text's length, counts a token a letter, and refuses to tokenise `bad`."""

    def __init__(self) -> None:
        self.passed = Passed()
        self.order: KnownOrder | None = None
        self.threads: list[str] = []
        self.made = threading.Event()

    def prepare(self, texts: Sequence[str]) -> list[str]:
        self.threads.append(threading.current_thread().name)
        if len(self.threads) == 2:
            self.made.set()
        if "bad" in texts:
            raise ValueError("no tokens")
        return list(texts)

    def embed_rows(self, rows: Sequence[str]) -> np.ndarray:
        self.passed.add(sum(map(len, rows)), cut=sum(len(row) > 3 for row in rows))
        return np.array([[len(row), 0] for row in rows], np.float32).reshape(len(rows), 2)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        return self.embed_rows(self.prepare(texts))


def window(*texts: str | None) -> pa.RecordBatch:
    ids = [f"t{number}" for number in range(len(texts))]
    return pa.RecordBatch.from_pydict({"text_id": ids, "text": pa.array(texts, pa.string())})


def test_what_was_made_ready_is_used_and_gives_the_same_answers() -> None:
    engine, rows = Counting(), window("a", None, "cccc")
    ready = prepared(SPEC, engine, rows)
    assert ready is not None
    assert answered(SPEC, engine, rows, ready).equals(answered(SPEC, Counting(), rows))
    assert len(engine.threads) == 1


def test_a_row_that_cannot_be_tokenised_fails_alone() -> None:
    engine, rows = Counting(), window("a", "bad", "cccc")
    ready = prepared(SPEC, engine, rows)
    assert ready is None
    answers = answered(SPEC, engine, rows, ready)
    assert answers.column("error").to_pylist() == [None, "engine_error", None]
    assert answers.column("vector").to_pylist() == [[1, 0], None, [4, 0]]


def test_an_engine_that_prepares_nothing_is_asked_as_ever() -> None:
    class Plain:
        def embed(self, texts: Sequence[str]) -> np.ndarray:
            return np.ones((len(texts), 2), np.float32)

    assert prepared(SPEC, Plain(), window("a")) is None
    answers = answered(SPEC, Plain(), window("a"))
    assert answers.column("vector").to_pylist() == [[1, 1]]
    assert answers.column("engine_tokens").to_pylist() == [0]


def test_the_cost_of_a_window_stands_on_its_first_row() -> None:
    engine = Counting()
    answered(SPEC, engine, window("before"))
    answers = answered(SPEC, engine, window("a", None, "cccc"))
    assert answers.column("engine_tokens").to_pylist() == [5, None, None]
    assert answers.column("engine_cut").to_pylist() == [1, None, None]


def test_what_became_of_answers_without_a_verdict_is_part_of_the_cost() -> None:
    class Repairing(Counting):
        def embed_rows(self, rows: Sequence[str]) -> np.ndarray:
            self.passed.add_repairs(Repairs(asked=3, repaired=1, unparsed=2))
            return super().embed_rows(rows)

    engine = Repairing()
    answered(SPEC, engine, window("before"))
    answers = answered(SPEC, engine, window("a", "b"))
    told = {name: answers.column(name).to_pylist() for name in COST}
    assert told == {
        "engine_tokens": [2, None], "engine_cut": [0, None], "engine_asked": [3, None], "engine_repaired": [1, None],
        "engine_unparsed": [2, None],
    }  # fmt: skip


def test_how_a_reward_model_ordered_easy_comparisons_stands_on_the_first_row_of_each_window() -> None:
    engine = Counting()
    assert answered(SPEC, engine, window("a", "b")).column("engine_order").to_pylist() == [None, None]
    engine.order = KnownOrder(6, 8, 0.25)
    for _ in range(2):
        answers = answered(SPEC, engine, window("a", "b"))
        assert answers.column("engine_order").to_pylist() == [{"right": 6, "pairs": 8, "margin": 0.25}, None]
    assert answered(SPEC, engine, window()).column("engine_order").to_pylist() == []


def test_refusals_and_vectors_that_are_no_numbers_are_told_apart() -> None:
    class Refusing:
        def embed(self, texts: Sequence[str]) -> np.ndarray:
            return np.array([[np.nan, np.nan], [np.inf, np.inf], [1, 0]], np.float32)

    answers = answered(SPEC, Refusing(), window("long", "broken", "good"))
    assert answers.column("error").to_pylist() == ["overlong", "engine_error", None]
    assert answers.column("detail")[0].as_py() == "more than the 9 tokens that are embedded"


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Counting:
    made = Counting()
    monkeypatch.setattr(loaded, "engine", lambda _: made)
    return made


def test_the_next_window_is_tokenised_in_another_thread_while_one_is_answered(engine: Counting) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield window("a", "bb", "c", "dd", "e")

    answers = answering.answering(SPEC)(batches())
    first = next(answers)
    assert engine.made.wait(10)  # the second window, though nobody asked for it
    rest = list(answers)
    assert [one.num_rows for one in (first, *rest)] == [2, 2, 1]
    assert set(engine.threads) == {"synpref prefetch"}
    assert [one.column("engine_tokens")[0].as_py() for one in (first, *rest)] == [3, 3, 1]


class Judging:
    """Says `1` of every prompt, keeps the seeds, and refuses to tokenise `bad`."""

    def __init__(self, sampled: bool) -> None:
        self.sampled = sampled
        self.threads: list[str] = []
        self.seeds: list[int] = []
        self.made = threading.Event()

    def prepare(self, prompts: Sequence[Messages]) -> list[str]:
        self.threads.append(threading.current_thread().name)
        if len(self.threads) == 2:
            self.made.set()
        if any(prompt[0]["content"] == "bad" for prompt in prompts):
            raise ValueError("no tokens")
        return [prompt[0]["content"] for prompt in prompts]

    def choose_rows(self, rows: Sequence[str], choices: tuple[str, str], seeds: Sequence[int] = ()) -> list[Choice]:
        assert bool(seeds) == self.sampled
        self.seeds += seeds
        return [Choice(0.75, choices[0], len(row), 1, "first") for row in rows]

    def choose(self, prompts: Sequence[Messages], choices: tuple[str, str], seeds: Sequence[int] = ()) -> list[Choice]:
        return self.choose_rows(self.prepare(prompts), choices, seeds)


def requests(*texts: str | None) -> pa.RecordBatch:
    rows = len(texts)
    messages = [text and [{"role": "user", "content": text}] for text in texts]
    return pa.RecordBatch.from_pydict(
        {
            "comparison_id": ["c"] * rows, "prompt_hash": ["h"] * rows, "order": ["ab"] * rows,
            "sample": pa.array(range(rows), pa.int32()), "messages": pa.array(messages, MESSAGES),
            "few_shots": pa.array([[]] * rows, pa.list_(pa.string())),
        }
    )  # fmt: skip


JUDGES = [EngineSpec.of(kind, "j", seed=40, window=2) for kind in ("chat-judge", "vllm-judge")]


@pytest.mark.parametrize("spec", JUDGES, ids=lambda spec: spec.kind)
def test_a_judge_answers_from_what_was_made_ready_as_it_would_without(spec: EngineSpec) -> None:
    engine, rows = Judging(spec.kind == "vllm-judge"), requests("a", None, "cccc")
    ready = prepared(spec, engine, rows)
    assert ready is not None
    plain = Judging(engine.sampled)
    assert answered(spec, engine, rows, ready).equals(answered(spec, plain, rows))
    assert len(engine.threads) == 1
    assert engine.seeds == plain.seeds == ([40, 42] if engine.sampled else [])
    bad = requests("a", "bad")
    assert prepared(spec, engine, bad) is None
    assert answered(spec, engine, bad).column("error").to_pylist() == [None, "engine_error"]


@pytest.mark.parametrize("spec", JUDGES, ids=lambda spec: spec.kind)
def test_the_next_window_of_a_judge_is_tokenised_while_one_is_answered(
    spec: EngineSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Judging(spec.kind == "vllm-judge")
    monkeypatch.setattr(loaded, "engine", lambda _: engine)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    answers = answering.answering(spec)(iter([requests("a", "b", "c", "d", "e")]))
    next(answers)
    assert engine.made.wait(10)  # the second window, though nobody asked for it
    assert sum(one.num_rows for one in answers) == 3
    assert set(engine.threads) == {"synpref prefetch"}


def test_an_empty_task_loads_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaded, "engine", lambda spec: pytest.fail(f"{spec.name} was loaded"))
    assert list(answering.answering(SPEC)(iter([window()]))) == []


def test_a_judge_behind_a_server_is_asked_in_longer_windows_since_each_waits_for_its_slowest_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    class Judge:
        def choose(self, prompts: Sequence[Messages], choices: object, seeds: Sequence[int]) -> list[Choice]:
            asked.append(len(prompts))
            return [Choice(1.0, "1", None, None, "first")] * len(prompts)

    monkeypatch.setattr(loaded, "engine", lambda _: Judge())
    row = {
        "comparison_id": "c", "prompt_hash": "h", "order": "ab", "sample": 0,
        "messages": [{"role": "user", "content": "x"}], "few_shots": ["s"], "prompt_id": "p",
    }  # fmt: skip
    spec = EngineSpec.of("http-judge", "served", model="big", url="http://localhost/v1")
    list(answering.answering(spec)([pa.RecordBatch.from_pylist([row] * 5000)]))
    assert asked == [4096, 904]

"""Arrow in, Arrow out: answers and failures of each kind of engine, without Spark."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pytest

from synpref.engines.chat import Generation
from synpref.engines.choice import Choice, Said
from synpref.engines.failure import Failure
from synpref.engines.replay import Key, Recorded
from synpref.engines.reward_rows import Reward
from synpref.engines.tokenise import Conversation
from synpref.inference.adapters import attributes, embedder, judge, reward
from synpref.inference.spec import EngineSpec
from synpref.inference.udfs import MESSAGES

FIVE = {
    "task_category": "Math",
    "preference_objectivity": "Objective",
    "controversiality": "Low",
    "desired_attributes": "correct",
    "annotation_guideline": "Prefer the right number.",
}


def messages(*texts: str | None) -> pa.Array[pa.Scalar[pa.ListType[pa.StructType]]]:
    return pa.array([text and [{"role": "user", "content": text}] for text in texts], MESSAGES)


class Embeds:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        if "bad" in texts:
            raise ValueError("cannot")
        self.seen += texts
        return np.array([[len(text), 1.5] for text in texts], np.float32).reshape(len(texts), 2)


def embedded(*texts: str | None) -> tuple[Embeds, pa.RecordBatch]:
    engine = Embeds()
    ids = [f"t{number}" for number in range(len(texts))]
    window = pa.RecordBatch.from_pydict({"text_id": ids, "text": pa.array(texts, pa.string())})
    return engine, embedder.answer(engine, window, EngineSpec.of("embedder", "e"))


def test_vectors_stay_beside_their_ids_and_failed_rows_are_null_with_a_reason() -> None:
    engine, answers = embedded("a", None, "bad", "ccc")
    assert answers.column("text_id").to_pylist() == ["t0", "t1", "t2", "t3"]
    assert answers.column("vector").to_pylist() == [[1.0, 1.5], None, None, [3.0, 1.5]]
    assert answers.column("vector").type == pa.list_(pa.float32())
    assert answers.column("error").to_pylist() == [None, "missing_input", "engine_error", None]
    assert answers.column("detail").to_pylist() == [None, "text is null", "ValueError: cannot", None]
    assert engine.seen == ["a", "ccc"]


def test_the_original_of_a_failed_row_is_kept_as_json_and_of_no_other() -> None:
    _, answers = embedded("a", "bad")
    first, second = answers.column("original").to_pylist()
    assert first is None
    assert isinstance(second, str)
    assert json.loads(second) == {"text_id": "t1", "text": "bad"}


def test_a_window_in_which_every_row_fails_still_has_all_columns() -> None:
    _, answers = embedded(None, "bad")
    assert answers.column("vector").to_pylist() == [None, None]
    assert answers.schema.names == ["text_id", "vector", "error", "detail", "original"]


class Scores:
    def __init__(self, rewards: Mapping[str, Reward | Failure]) -> None:
        self.rewards = rewards

    def score(self, conversations: Sequence[Conversation]) -> list[Reward | Failure]:
        return [self.rewards[text] for _, text in conversations]


def test_a_refused_conversation_is_overlong_and_a_reward_that_is_no_number_an_error() -> None:
    nan = float("nan")
    engine = Scores({"ok": Reward(-1.5, 7, True), "long": Reward(nan, 99, False), "nan": Reward(nan, 7, False)})
    window = pa.RecordBatch.from_pydict(
        {
            "response_id": ["1", "2", "3", "4"],
            "messages": messages("q", "q", "q", None),
            "text": ["ok", "long", "nan", "ok"],
        }
    )
    answers = reward.answer(engine, window, EngineSpec.of("reward", "rm", max_tokens=50))
    assert answers.column("error").to_pylist() == [None, "overlong", "engine_error", "missing_input"]
    assert answers.column("reward").to_pylist() == [-1.5, None, None, None]
    assert answers.column("tokens").to_pylist() == [7, None, None, None]
    assert answers.column("truncated").to_pylist() == [True, None, None, None]
    assert answers.column("detail")[1].as_py() == "99 tokens, at most 50 are scored"


def test_what_a_server_refused_fails_with_its_words() -> None:
    engine = Scores({"ok": Reward(2.0, 3, False), "bad": Failure("server_refused", "status 400")})
    window = pa.RecordBatch.from_pydict(
        {"response_id": ["1", "2"], "messages": messages("q", "q"), "text": ["bad", "ok"]}
    )
    answers = reward.answer(engine, window, EngineSpec.of("reward", "rm", max_tokens=50))
    assert answers.column("reward").to_pylist() == [None, 2.0]
    assert answers.column("error").to_pylist() == ["server_refused", None]
    assert answers.column("detail").to_pylist() == ["status 400", None]


@pytest.mark.parametrize(
    ("p_first", "order", "verdict", "p_a"),
    [
        (0.75, "ab", "a", 0.75),
        (0.75, "ba", "b", 0.25),
        (0.25, "ab", "b", 0.25),
        (0.25, "ba", "a", 0.75),
        (0.5, "ab", "no_preference", 0.5),
        (0.5, "ba", "no_preference", 0.5),
        (math.nan, "ab", "unparsed", None),
    ],
)
def test_a_choice_is_turned_to_canonical_order(p_first: float, order: str, verdict: str, p_a: float | None) -> None:
    found = judge.judged(Choice(p_first, "1", 5, 1), order)
    assert isinstance(found, judge.Judged)
    assert (found.verdict, found.p_a) == (verdict, p_a)


@pytest.mark.parametrize(
    ("said", "p_first", "order", "verdict", "p_a"),
    [
        ("first", math.nan, "ab", "a", None),
        ("first", math.nan, "ba", "b", None),
        ("second", math.nan, "ba", "a", None),
        ("first", 0.25, "ab", "a", 0.25),  # drawn at a temperature, against the odds
        ("second", 0.5, "ab", "no_preference", 0.5),
        ("neither", math.nan, "ab", "no_preference", None),
        ("nothing", math.nan, "ab", "unparsed", None),
    ],
)
def test_what_was_said_is_the_verdict_with_or_without_a_probability(
    said: Said, p_first: float, order: str, verdict: str, p_a: float | None
) -> None:
    found = judge.judged(Choice(p_first, "", None, 0, said), order)
    assert isinstance(found, judge.Judged)
    assert (found.verdict, found.p_a, found.tokens_in) == (verdict, p_a, None)


class Chooses:
    def choose(self, prompts: Sequence[object], choices: tuple[str, str]) -> list[Choice]:
        assert choices == ("1", "2")
        return [Choice(0.9, "1", 5, 1), Choice(math.nan, "", 5000, 0)]


def test_a_prompt_that_the_judge_did_not_run_is_overlong_and_no_verdict() -> None:
    window = pa.RecordBatch.from_pydict(
        {
            "comparison_id": ["c", "c"],
            "prompt_hash": ["h", "g"],
            "order": ["ba", "ab"],
            "sample": pa.array([0, 0], pa.int32()),
            "messages": messages("q", "q"),
            "few_shots": [["x"], []],
        }
    )
    answers = judge.answer(Chooses(), window, EngineSpec.of("chat-judge", "j"))
    assert answers.column("verdict").to_pylist() == ["b", None]
    assert answers.column("error").to_pylist() == [None, "overlong"]
    assert answers.column("few_shots").to_pylist() == [["x"], []]
    assert answers.column("sample").type == pa.int32()


class Draws:
    def __init__(self) -> None:
        self.calls: list[list[tuple[str, int]]] = []

    def choose(
        self, prompts: Sequence[Sequence[Mapping[str, str]]], choices: tuple[str, str], seeds: Sequence[int]
    ) -> list[Choice | Failure]:
        texts = [prompt[0]["content"] for prompt in prompts]
        self.calls.append(list(zip(texts, seeds, strict=True)))
        return [
            Failure("engine_error", "lost") if text == "bad" else Choice(math.nan, text, None, None, "first")
            for text in texts
        ]


def requests(samples: list[int | None], *texts: str | None) -> pa.RecordBatch:
    columns = {name: [name] * len(texts) for name in ("comparison_id", "prompt_hash")}
    return pa.RecordBatch.from_pydict(
        {
            **columns,
            "order": ["ab"] * len(texts),
            "sample": pa.array(samples, pa.int32()),
            "messages": messages(*texts),
            "few_shots": [[]] * len(texts),
        }
    )


def test_each_sample_has_its_own_seed_and_all_are_asked_together() -> None:
    engine = Draws()
    window = requests([0, 1, None, 2, 0], "x", "x", "y", "bad", None)
    answers = judge.answer_sampled(engine, window, EngineSpec.of("http-judge", "j", seed=7))
    assert engine.calls == [[("x", 7), ("x", 8), ("y", 7), ("bad", 9)]]
    assert answers.column("verdict").to_pylist() == ["a", "a", "a", None, None]
    assert answers.column("error").to_pylist() == [None, None, None, "engine_error", "missing_input"]
    assert answers.column("tokens_in").to_pylist() == [None] * 5


class Records:
    def recorded(self, keys: Sequence[Key]) -> list[Recorded | None]:
        return [Recorded("b", 0.25, "B") if key == ("comparison_id", "ab", 1) else None for key in keys]


def test_a_record_answers_as_it_is_and_what_is_not_recorded_fails_with_that_reason() -> None:
    answers = judge.answer_recorded(Records(), requests([0, 1], "x", None), EngineSpec.of("replay-judge", "old"))
    assert answers.column("verdict").to_pylist() == [None, "b"]
    assert answers.column("p_a").to_pylist() == [None, 0.25]
    assert answers.column("raw").to_pylist() == [None, "B"]
    assert answers.column("error").to_pylist() == ["not_recorded", None]
    assert answers.column("original").to_pylist() == ["{}", None]  # its text is not kept a second time
    assert "old has no record" in answers.column("detail")[0].as_py()


class Generates:
    def __init__(self) -> None:
        self.calls: list[tuple[int, list[str]]] = []

    def generate(
        self,
        prompts: Sequence[Sequence[Mapping[str, str]]],
        *,
        max_new_tokens: int,
        temperature: float,
        top_p: float,
        seed: int,
    ) -> list[Generation]:
        texts = [prompt[0]["content"] for prompt in prompts]
        self.calls.append((seed, texts))
        return [Generation(text, 3, 0 if text == "long" else 4) for text in texts]


def test_attributes_are_parsed_and_text_that_is_none_is_an_invalid_answer_not_a_failure() -> None:
    engine, good = Generates(), json.dumps(FIVE)
    window = pa.RecordBatch.from_pydict(
        {
            "comparison_id": ["c1", "c1", "c2", "c3"],
            "sample": pa.array([1, 0, 0, 0], pa.int32()),
            "messages": messages(good, "no idea", "long", good),
        }
    )
    answers = attributes.answer(engine, window, EngineSpec.of("chat-attributes", "smol", seed=7))
    assert answers.column("status").to_pylist() == ["parsed", "invalid", None, "parsed"]
    assert answers.column("error").to_pylist() == [None, None, "overlong", None]
    assert answers.column("raw").to_pylist() == [good, "no idea", None, good]
    for name, value in FIVE.items():
        assert answers.column(name).to_pylist() == [value, None, None, value]
    assert engine.calls == [(7, ["no idea", "long", good]), (8, [good])]

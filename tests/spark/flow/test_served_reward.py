"""`synpref evaluate` of a reward model and of a judge that a server holds: loopback, asked from Spark's tasks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from synpref.errors import InputError
from synpref.jobs import evaluate
from synpref.session import run_job
from tests.faulty_server import Answer, serving
from tests.spark.flow.conftest import Measuring

PAIRS = [
    {"id": word, "prompt": f"what is {word}", "chosen": "good", "rejected": "the bad answer"} for word in ("a", "b")
]


def shorter_is_better(body: dict[str, Any], before: int) -> Answer:
    """Logits below zero, in the words of vLLM or of SGLang."""
    if "input_ids" in body:
        return Answer.of({"embedding": [-float(len(body["input_ids"]))]})
    return Answer.of({"data": [{"probs": [-float(len(body["input"]))]}]})


@pytest.fixture(scope="module")
def words(reward_models: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A model's folder without weights, whose tokenizer has a template, and two pairs."""
    folder = tmp_path_factory.mktemp("served")
    tokenizer = AutoTokenizer.from_pretrained(reward_models[0])
    tokenizer.chat_template = "{% for m in messages %}{{ m['role'] + ' ' + m['content'] + ' ' }}{% endfor %}"
    tokenizer.save_pretrained(folder / "model")
    shutil.copy(reward_models[0] / "config.json", folder / "model")
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in PAIRS), encoding="utf-8")
    return [
        f"evaluate.models=[{{name: served, model: '{folder}/model'}}]",
        f"evaluate.benchmarks={{user_pairs: ['{folder}/pairs.jsonl']}}",
        "scorer.backend=http",
        "scorer.max_tokens=32",
    ]


@pytest.mark.parametrize(("server", "column"), [("vllm", "input"), ("sglang", "input_ids")])
def test_a_served_model_is_measured_by_what_its_server_says(
    measuring: Measuring, words: list[str], server: str, column: str
) -> None:
    with serving(shorter_is_better) as asked:
        url = asked.url.removesuffix("/v1")
        outcome = run_job(measuring(*words, f"scorer.http.server={server}", f"scorer.http.url={url}"), evaluate.run)
    row = outcome.detail["benchmarks"]["figures"][0]
    assert (row["name"], row["kind"], row["value"], row["unscored"]) == ("served", "model", 1.0, 0)
    assert outcome.engine_calls == 4
    (canaries,) = outcome.detail["canaries"].values()  # the better answer is the shorter one in half of them
    assert (canaries["name"], canaries["right"], canaries["pairs"]) == ("served", 4, 8)
    assert set(asked.paths) == {"/classify"}
    assert all(len(body[column]) <= 32 for body in asked.bodies)


def test_one_server_of_sglang_is_not_asked_for_two_models(measuring: Measuring, words: list[str]) -> None:
    two = words[0].removesuffix("]") + ", {name: other, model: elsewhere}]"
    with pytest.raises(InputError, match="sglang holds one model, and 2 are to be measured"):
        evaluate.run(measuring(two, *words[1:], "scorer.http.server=sglang", "scorer.http.url=http://127.0.0.1:9"))


def names_the_good_one(body: dict[str, Any], before: int) -> Answer:
    first = body["messages"][-1]["content"].rpartition("<candidate_1>")[2].partition("</candidate_1>")[0]
    return Answer.of({"choices": [{"message": {"content": "1" if first.strip() == "good" else "2"}}]})


def test_a_judge_behind_a_server_is_asked_in_both_orders(measuring: Measuring, words: list[str]) -> None:
    with serving(names_the_good_one) as asked:
        judge = f"judges=[{{name: asked, kind: http, model: big, url: '{asked.url}'}}]"
        outcome = run_job(measuring(words[1], judge, "evaluate.judges=[asked]"), evaluate.run)
    row = outcome.detail["benchmarks"]["figures"][0]
    assert (row["name"], row["kind"], row["value"], row["unscored"]) == ("asked", "judge", 1.0, 0)
    assert (outcome.engine_calls, set(asked.paths)) == (4, {"/v1/chat/completions"})

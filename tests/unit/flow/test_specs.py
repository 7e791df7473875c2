"""From settings to engines: what the settings say reaches the engine and, where it changes answers, its identity."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from synpref.config import load_settings
from synpref.errors import InputError
from synpref.flow import specs
from synpref.inference.cards import RUNTIME_OPTIONS
from synpref.inference.spec import EngineSpec
from synpref.reward.plan import Layout
from synpref.settings import AttributeEngine, Judge


def test_a_number_format_is_measured_unless_the_settings_name_one() -> None:
    assert specs.embedder(load_settings(["demo"], [])).text("dtype") is None
    named = load_settings(["demo"], ["embedder.dtype=float32", "scorer.dtype=bfloat16"])
    assert specs.embedder(named).text("dtype") == "float32"
    assert specs.scorer(named, "rm", "model").text("dtype") == "bfloat16"


def test_a_judge_of_each_kind_becomes_an_engine_of_its_kind() -> None:
    http = specs.judge(Judge(name="h", kind="http", model="big", url="http://host/v1", temperature=0.5), 9)
    assert (http.kind, http.model_path, http.text("model"), http.text("url")) == (
        "http-judge", None, "big", "http://host/v1",
    )  # fmt: skip
    assert (http.number("temperature", 0), http.integer("seed", 0), http.flag("logprobs", False)) == (0.5, 9, True)
    vllm = specs.judge(Judge(name="v", kind="vllm", model="m", dtype="float16", logprobs=False), 9)
    assert (vllm.kind, vllm.model_path, vllm.text("dtype"), vllm.integer("seed", 0)) == (
        "vllm-judge",
        "m",
        "float16",
        9,
    )
    assert vllm.flag("logprobs", True) is False
    for kind, where in (("transformers", {}), ("vllm", {}), ("http", {"url": "http://host/v1", "structured": "none"})):
        given: Any = {"name": "j", "kind": kind, "model": "m", "rationale": True, "rationale_tokens": 40, **where}
        reasons = specs.judge(Judge(**given), 9)
        assert (reasons.flag("rationale", False), reasons.integer("rationale_tokens", 0)) == (True, 40)
    replay = specs.judge(Judge(name="r", kind="replay", path="file.jsonl"), 9)
    assert replay == EngineSpec.of("replay-judge", "r", "file.jsonl")


def test_a_scorer_is_told_of_a_server_only_where_one_is_asked() -> None:
    server = ["scorer.http.url=http://host:8000", "scorer.http.timeout=9.5"]
    here = specs.scorer(load_settings(["demo"], ["scorer.shared_prompt=off", *server]), "rm", "model")
    assert (here.text("backend"), here.text("shared_prompt"), here.text("url")) == ("transformers", "off", None)
    there = specs.scorer(
        load_settings(["demo"], ["scorer.backend=http", "scorer.dtype=bfloat16", *server]), "rm", "model"
    )
    assert (there.text("url"), there.text("server"), there.number("timeout", 0)) == ("http://host:8000", "vllm", 9.5)
    sglang = ["scorer.backend=http", "scorer.dtype=bfloat16", "scorer.http.server=sglang", *server]
    assert specs.scorer(load_settings(["demo"], sglang), "rm", "model").text("server") == "sglang"


def test_a_scorer_in_vllm_takes_its_share_of_the_gpu_and_is_the_same_engine_with_another() -> None:
    words = ["scorer.backend=vllm", "scorer.gpu_memory=0.4"]
    spec = specs.scorer(load_settings(["demo"], words), "rm", "model")
    assert spec.number("gpu_memory", 0.0) == 0.4
    assert "gpu_memory" not in dict(specs.scorer(load_settings(["demo"], words[1:]), "rm", "model").options)
    assert "gpu_memory" in RUNTIME_OPTIONS


def test_a_server_that_holds_one_model_scores_for_no_campaign() -> None:
    server = ["scorer.backend=http", "scorer.dtype=bfloat16", "scorer.http.url=http://host:1"]
    vllm = load_settings(["demo"], server)
    assert specs.campaign_scorer(vllm, "rm", "model") == specs.scorer(vllm, "rm", "model")
    with pytest.raises(InputError, match="sglang holds one model"):
        specs.campaign_scorer(load_settings(["demo"], [*server, "scorer.http.server=sglang"]), "rm", "model")


@pytest.mark.parametrize("named", [None, 77])
def test_the_models_of_a_campaign_are_scored_at_the_length_that_they_are_trained_with(named: int | None) -> None:
    """One tokenisation for training, gold-validation, scoring and evaluation, unless another length is named."""
    settings = load_settings(["local"], [f"scorer.max_tokens={named or 'null'}"])
    scored = specs.campaign_scorer(settings, "rm", "model")
    plan = specs.training_plan(settings, 0)
    assert scored.integer("max_tokens", 0) == (named or plan.max_tokens)
    assert scored.text("overlong") == plan.overlong


def test_judges_and_describers_name_theirs_one_by_one() -> None:
    judge = Judge(name="j", kind="transformers", model="m", dtype="float16")
    assert specs.judge(judge, 0).text("dtype") == "float16"
    describer = AttributeEngine(name="d", kind="transformers", model="m", dtype="float16")
    assert specs.describer(describer, 0).text("dtype") == "float16"


def test_a_training_is_planned_as_the_settings_say() -> None:
    words = ["train.steps=null", "train.epochs=1.5", "train.pairs_per_step=256", "train.tokens_per_step=999"]
    assert specs.training_plan(load_settings(["demo"], ["train.dropout=true"]), 3).dropout
    words += ["train.dtype=bfloat16", "train.gradient_checkpointing=true", "train.checkpoint_every=7"]
    plan = specs.training_plan(load_settings(["demo"], words), 3)
    plan.check()
    assert not plan.dropout
    assert (plan.steps, plan.epochs, plan.pairs_per_step, plan.tokens_per_step) == (None, 1.5, 256, 999)
    assert (plan.dtype, plan.gradient_checkpointing, plan.checkpoint_every, plan.seed) == ("bfloat16", True, 7, 3)


def test_no_model_of_a_campaign_hangs_on_a_measurement() -> None:
    open_, named = (load_settings(["demo"], words) for words in ([], ["train.dtype=bfloat16"]))
    assert (specs.training_plan(open_, 3).dtype, specs.campaign_plan(open_, 3).dtype) == (None, "float32")
    assert specs.campaign_plan(named, 3) == specs.training_plan(named, 3)
    assert load_settings(["demo"], ["train.on_cluster=true"]).train.dtype is None  # nor needs workers to be measured


def test_a_training_on_data_may_have_a_seed_of_its_own() -> None:
    for words, seed in ([], 5), (["train.seed=0"], 0), (["train.seed=7"], 7):
        settings = load_settings(["demo"], ["seed=5", *words])
        assert specs.data_plan(settings) == specs.training_plan(settings, seed)


def test_final_models_follow_their_own_plan_and_the_others_do_not_change() -> None:
    plain, other = (
        load_settings(["demo"], words) for words in ([], ["train.final={steps: 7, max_tokens: 32, dtype: bfloat16}"])
    )
    assert specs.campaign_plan(other, 3) == specs.campaign_plan(plain, 3)
    final = specs.campaign_plan(specs.of_final_models(other), 3)
    assert final == replace(specs.campaign_plan(plain, 3), steps=7, max_tokens=32, dtype="bfloat16")
    assert specs.campaign_plan(specs.of_final_models(plain), 3) == specs.campaign_plan(plain, 3)


def test_the_layout_of_a_training_is_apart_from_its_plan() -> None:
    settings = load_settings(["demo"], ["train.processes=4", "train.strategy=fsdp", "train.on_cluster=true"])
    assert specs.training_layout(settings) == Layout(4, "fsdp", on_cluster=True)
    assert specs.training_plan(settings, 0) == specs.training_plan(load_settings(["demo"], []), 0)

from __future__ import annotations

import json
from pathlib import Path

import pytest

from synpref import settings
from synpref.config import (
    campaign_id,
    check_inputs,
    conf_file,
    list_digests,
    load_settings,
    settings_hash,
    settings_json,
)
from synpref.engines import judge_prompt
from synpref.errors import SettingsError

ONE_INPUT = "inputs=[{path: pairs.parquet, source: mine}]"


def _error(words: list[str], overlays: tuple[str, ...] = ("demo",)) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(list(overlays), words)
    return str(caught.value)


@pytest.mark.parametrize("overlay", ["demo", "local", "databricks", "emr"])
def test_every_overlay_is_valid(overlay: str) -> None:
    assert load_settings([overlay], [ONE_INPUT]).inputs[0].source == "mine"


def test_words_win_over_overlays_and_overlays_over_base(tmp_path: Path) -> None:
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("stage1:\n  k_max: 5\n  few_shots: 3\n")
    stage1 = load_settings(["demo", str(overlay)], ["stage1.few_shots=2"]).stage1
    assert (stage1.k_max, stage1.few_shots, stage1.max_per_prompt) == (5, 2, 1)


def test_paths_follow_the_run_s_folder() -> None:
    settings = load_settings(["local"], [ONE_INPUT, "run.dir=/tmp/elsewhere"])
    assert settings.store.path == "/tmp/elsewhere/warehouse"
    assert settings.mlflow.tracking_uri == "sqlite:////tmp/elsewhere/mlflow.db"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("stage1.kmax=6", "command line: stage1.kmax: no such setting; nearest valid key: stage1.k_max"),
        ("sede=1", "command line: sede: no such setting; nearest valid key: seed"),
        ("stage1.k_max=six", "command line: stage1.k_max: input should be a valid integer (got 'six')"),
        ("hygiene.noise=3", "command line: hygiene.noise: input should be less than or equal to 1 (got 3)"),
        ("train.steps=-1", "command line: train.steps: input should be greater than 0 (got -1)"),
        ("just words", "command line: 'just words' is not key=value"),
        ("spark.gpus=[0,0]", "command line: spark: spark.gpus names one twice: 0, 0"),
        (
            "spark.gpus=[-1]",
            "command line: spark.gpus.0: string should match pattern '^[A-Za-z0-9][A-Za-z0-9/_-]*$' (got '-1')",
        ),
        ("judges=[{name: a, kind: simulated}]", "judge a: a simulated judge needs accuracy and position_bias"),
        ("judges=[{name: a, kind: http, model: m}]", "judge a: a http judge needs model and url"),
        ("judges=[{name: a, kind: replay, path: p, few_shots: 2}]", "judge a: a replay judge has no few_shots"),
        ("judges=[{name: a, kind: vllm, model: m, url: u}]", "judge a: a vllm judge has no url"),
        ("judges=[{name: a, kind: transformers, model: m, accuracy: 0.9}]", "a transformers judge has no accuracy"),
        ("judges=[{name: a, kind: http, model: m, url: u, rationale: true}]", "leaves no room for a rationale"),
        ("judges=[{name: a, kind: vllm, model: m, rationale_tokens: 9}]", "rationale_tokens without rationale: true"),
        ("judges=[{name: a, kind: vllm, model: m, samples: 3}]", "at temperature 0 every sample is the same"),
        (
            "attributes=[{name: a, kind: transformers, model: m, samples: 3, temperature: 0}]",
            "attributes engine a: at temperature 0 every sample is the same",
        ),
        (
            "judges=[{name: a, kind: transformers, model: m, samples: 2}]",
            "judge a: a transformers judge always answers alike, so that samples above 1",
        ),
        ("inputs=[{path: x, sorce: y}]", "inputs.0.sorce: no such setting; nearest valid key: inputs.0.source"),
        ("store.schema=x", "set either store.path"),
        ("scorer.backend=http", "http needs scorer.http.url, and scorer.dtype"),
        (
            "scorer.http.served_model=rm",
            "scorer.http.served_model: no such setting",
        ),
        ("train={steps: 3, epochs: 2}", "set either steps or epochs"),
        ("train.steps=null", "set either steps or epochs"),
        ("train.final={steps: 3, epochs: 2}", "train: train.final: set steps or epochs, not both"),
        ("train.final.step=3", "train.final.step: no such setting; nearest valid key: train.final.steps"),
        ("train.dtype=float16", "train.dtype: input should be 'float32' or 'bfloat16'"),
        ("train={on_cluster: true, data: {pairs: [{path: p, source: s}]}}", "train.dtype: name it"),
        ("seed=-1", "command line: seed: input should be greater than or equal to 0 (got -1)"),
        ("stage1.few_shots=9", "command line: stage1.few_shots: input should be less than or equal to 8 (got 9)"),
        (
            "judges=[{name: a, kind: transformers, model: m, few_shots: 9}]",
            "command line: judges.0.few_shots: input should be less than or equal to 8 (got 9)",
        ),
        ("train.warmup_share=1.0", "command line: train.warmup_share: input should be less than 1 (got 1.0)"),
        (
            "train.responses_per_step=1",
            "command line: train.responses_per_step: input should be greater than or equal to 2 (got 1)",
        ),
        ("scorer.http.server=tgi", "scorer.http.server: input should be 'vllm' or 'sglang' (got 'tgi')"),
        ("scorer.shared_prompt=always", "scorer.shared_prompt: input should be 'auto' or 'off'"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(word: str, message: str) -> None:
    error = _error([word])
    assert message in error


def test_the_line_names_the_file_that_holds_the_mistake(tmp_path: Path) -> None:
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("stage2:\n  epsilom: 0.1\n")
    assert _error([], ("demo", str(overlay))) == (
        f"{overlay}: stage2.epsilom: no such setting; nearest valid key: stage2.epsilon"
    )


def test_every_mistake_is_told_at_once() -> None:
    assert len(_error(["sede=1", "stage1.k_max=six"]).splitlines()) == 2


def test_an_unknown_overlay_says_which_there_are() -> None:
    assert "known: base, databricks, demo, emr, local" in _error([], ("dmo",))


def test_a_missing_file_and_bad_yaml_are_clear(tmp_path: Path) -> None:
    assert "no such file" in _error([], (str(tmp_path / "none.yaml"),))
    bad = tmp_path / "bad.yaml"
    bad.write_text("a: [1,\n")
    assert f"{bad}: not readable as YAML" in _error([], (str(bad),))
    listed = tmp_path / "list.yaml"
    listed.write_text("- 1\n")
    assert "must be a mapping" in _error([], (str(listed),))


@pytest.mark.parametrize("stage", ["ingest", "train", "evaluate", "pipeline"])
def test_nothing_to_read_is_an_error(stage: str) -> None:
    with pytest.raises(SettingsError, match="nothing to read"):
        check_inputs(load_settings(["local"], []), stage)


def test_a_named_model_is_measured_without_inputs_and_by_that_stage_only() -> None:
    words = ["evaluate.models=[{name: mine, model: m}]", "evaluate.benchmarks={user_pairs: [pairs.parquet]}"]
    settings = load_settings(["local"], words)
    check_inputs(settings, "evaluate")
    with pytest.raises(SettingsError, match="nothing to read"):
        check_inputs(settings, "pipeline")


def test_two_judges_of_one_name_are_refused() -> None:
    judge = "{name: x, kind: simulated, accuracy: 0.9, position_bias: 0.1}"
    assert "two have one name" in _error([f"judges=[{judge},{judge}]"])


@pytest.mark.parametrize(
    "others",
    [
        "{name: again, kind: http, model: m, url: 'http://b/v1', temperature: 0.5}",
        "{name: again, kind: http, model: m, url: 'http://a/v1', temperature: 0.5, samples: 3, concurrency: 2}",
        "{name: again, kind: http, model: m, url: 'http://a/v1', temperature: 0.5, few_shots: 4}",
    ],
)
def test_two_judges_that_are_one_engine_are_refused_by_their_names(others: str) -> None:
    one = "{name: one, kind: http, model: m, url: 'http://a/v1', temperature: 0.5}"
    assert _error([f"judges=[{one},{others}]", "stage1.few_shots=4"]) == (
        "command line: judges: one and again are one engine, whose answers would count twice; remove one, or give the "
        "one more samples"
    )


@pytest.mark.parametrize(
    "pair",
    [
        "{name: a, kind: replay, path: p}, {name: b, kind: replay, path: p}",
        "{name: a, kind: vllm, model: m}, {name: b, kind: vllm, model: m, gpu_memory: 0.5}",
        "{name: a, kind: transformers, model: m}, {name: b, kind: transformers, model: m}",
    ],
)
def test_what_is_one_engine_depends_on_the_kind(pair: str) -> None:
    assert "judges: a and b are one engine" in _error([f"judges=[{pair}]"])


def test_judges_that_answer_differently_may_stand_together() -> None:
    words = [
        "{name: a, kind: http, model: m, url: 'http://a/v1'}",
        "{name: b, kind: http, model: m, url: 'http://a/v1', few_shots: 0}",
        "{name: c, kind: http, model: n, url: 'http://a/v1'}",
        "{name: d, kind: transformers, model: m}",
        "{name: e, kind: simulated, accuracy: 0.9, position_bias: 0.1}",
        "{name: f, kind: simulated, accuracy: 0.9, position_bias: 0.1}",
    ]
    assert len(load_settings(["demo"], [f"judges=[{','.join(words)}]", "stage1.few_shots=2"]).judges) == 6


def test_two_attributes_engines_that_are_one_are_refused_by_their_names() -> None:
    one = "{{name: {name}, kind: transformers, model: m, limit: {limit}}}"
    words = ",".join(one.format(name=name, limit=limit) for name, limit in (("a", 1), ("b", 2)))
    assert "attributes: a and b are one engine" in _error([f"attributes=[{words}]"])


def test_who_answers_by_the_truth_is_refused_where_there_is_none() -> None:
    words = [
        ONE_INPUT, "humans.provider=simulated", "attributes=[{name: by-family, kind: simulated}]",
        "judges=[{name: careful, kind: simulated, accuracy: 0.9, position_bias: 0.1}]",
    ]  # fmt: skip
    assert _error(words, ("local",)) == (
        "command line: truth: none, from which humans.provider: simulated, judges: careful, attributes: by-family "
        "would take their answers; set truth to generated or unflipped, or let others answer"
    )
    for word in words[1:]:
        assert "truth: none, from which" in _error([ONE_INPUT, word], ("local",))
        load_settings(["local"], [ONE_INPUT, word, "truth=unflipped"])


def test_the_most_examples_are_those_that_the_prompt_takes() -> None:
    assert settings.MAX_FEW_SHOTS == judge_prompt.MAX_FEW_SHOTS


def test_gold_cannot_exceed_its_pool() -> None:
    assert "humans.share exceeds" in _error([ONE_INPUT, "humans.share=0.5"], ("local",))


def test_nobody_is_asked_further_where_gold_is_of_files() -> None:
    words = [ONE_INPUT, "stage1.human_per_iteration=20"]
    told = _error([*words, "humans.provider=source"], ("local",))
    assert "stage1.human_per_iteration: nobody labels further comparisons" in told
    for provider in ("table", "simulated"):
        settings = load_settings(["local"], [*words, f"humans.provider={provider}", "truth=unflipped"])
        assert settings.stage1.human_per_iteration == 20


def test_an_admission_that_no_judge_could_reach_is_refused() -> None:
    told = _error(["admission.max_comparisons=50"])
    assert told == (
        "command line: admission: no judge could be admitted: max_comparisons is 50, below min_comparisons 100"
    )


def test_the_hash_is_of_the_values_not_of_how_they_were_given(tmp_path: Path) -> None:
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("seed: 7\n")
    by_file, by_word = load_settings(["demo", str(overlay)], []), load_settings(["demo"], ["seed=7"])
    assert settings_hash(by_file) == settings_hash(by_word)
    assert settings_hash(by_word) != settings_hash(load_settings(["demo"], []))
    assert json.loads(settings_json(by_word))["seed"] == 7


@pytest.mark.parametrize(
    ("word", "changes"),
    [
        ("stage1.k_max=5", True),
        ("hygiene.noise=0.2", True),
        ("seed=1", True),
        ("stage2.epsilon=0.1", False),
        ("run.dir=/tmp/other", False),
        ("spark.driver_memory=3g", False),
        ("scorer.shared_prompt=off", False),
        ("scorer.gpu_memory=0.5", False),
        ("embedder.token_budget=64", False),
        ("scorer.http.url=http://host:8000", False),
        ("scorer.overlong=refuse", True),
        ("gate.max_flip_share=0.5", False),
        ("train.pairs_per_step=256", True),
        ("train.tokens_per_step=8192", True),
        ("train.dtype=float32", False),  # what null is in a campaign
        ("train.dtype=bfloat16", True),
        ("train.dropout=true", True),
        ("train.gradient_checkpointing=true", False),
        ("train.checkpoint_every=10", False),
        ("train.processes=2", False),
        ("train.strategy=zero1", False),
        ("train.final={steps: 7, max_tokens: 32}", False),
    ],
)
def test_the_campaign_changes_with_roles_and_labels_only(word: str, changes: bool) -> None:
    before, after = load_settings(["demo"], []), load_settings(["demo"], [word])
    assert (campaign_id(before, ["f"]) != campaign_id(after, ["f"])) == changes


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["embedder.prompt=query", "embedder.prompt_name=query"], "set prompt .* or prompt_name"),
        (["embedder.dtype=int8"], "int8 needs embedder.backend: openvino"),
        (["embedder.backend=onnx"], "embedder.backend"),
    ],
)
def test_an_embedder_that_cannot_be_is_refused(words: list[str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load_settings(["demo"], words)


def test_an_embedder_in_8_bits_is_taken_with_its_backend() -> None:
    embedder = load_settings(["demo"], ["embedder.backend=openvino", "embedder.dtype=int8"]).embedder
    assert (embedder.backend, embedder.dtype) == ("openvino", "int8")


def test_a_wrong_number_format_of_the_embedder_is_told_in_one_line() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(["demo"], ["embedder.dtype=int4"])
    assert str(caught.value) == (
        "command line: embedder.dtype: input should be 'float32', 'bfloat16', 'float16' or 'int8' (got 'int4')"
    )


def test_the_campaign_changes_with_the_inputs_but_not_their_order() -> None:
    settings = load_settings(["demo"], [])
    assert campaign_id(settings, ["f", "g"]) == campaign_id(settings, ["g", "f"])
    assert campaign_id(settings, ["f"]) != campaign_id(settings, ["f", "g"])


@pytest.mark.parametrize(
    ("words", "length"),
    [
        (["train.epochs=2"], (None, 2.0)),
        (["train.preset=qwen3-0.6b"], (None, 1.0)),
        (["train.preset=qwen3-0.6b", "train.steps=7"], (7, None)),
        (["train.epochs=2", "train.steps=7"], (7, None)),
    ],
)
def test_the_last_word_on_how_long_to_train_counts(words: list[str], length: tuple[int | None, float | None]) -> None:
    train = load_settings(["local"], words).train
    assert (train.steps, train.epochs) == length


@pytest.mark.parametrize(
    ("words", "length"),
    [
        (["train.epochs=2"], (None, 2.0)),
        (["train.steps=7", "train.final.epochs=2"], (None, 2.0)),
        (["train.epochs=2", "train.final.steps=7"], (7, None)),
        (["train.final.epochs=2", "train.final.steps=7"], (7, None)),
    ],
)
def test_the_last_word_on_the_final_models_length_counts(
    words: list[str], length: tuple[int | None, float | None]
) -> None:
    final = load_settings(["local"], words).train.of_final_models()
    assert (final.steps, final.epochs) == length


def test_final_models_are_as_all_others_unless_settings_say_otherwise() -> None:
    train = load_settings(["local"], []).train
    assert train.of_final_models() == train


def test_the_campaign_changes_with_what_stands_in_a_benchmark_list(tmp_path: Path) -> None:
    listed = tmp_path / "list.jsonl"
    settings = load_settings(["demo"], [f"hygiene.benchmarks=[{json.dumps(str(listed))}]"])
    ids = []
    for text in ("first", "second", "first"):
        listed.write_text(text)
        ids.append(campaign_id(settings, ["f"], list_digests(settings)))
    assert ids[0] == ids[2] != ids[1]


def test_a_length_that_is_not_named_is_that_of_the_training() -> None:
    judge = "judges=[{name: r, kind: replay, path: p}]"
    silent, named, other = (
        campaign_id(load_settings(["local"], [ONE_INPUT, judge, f"scorer.max_tokens={length}"]), ["f"])
        for length in ("null", "256", "16384")
    )
    assert silent == named
    assert silent != other


def test_every_setting_of_base_is_explained() -> None:
    for line in conf_file("base.yaml").read_text().splitlines():
        stripped = line.strip()
        if stripped.startswith("#") or not stripped or stripped.endswith(":"):
            continue
        assert "#" in line, f"conf/base.yaml does not explain: {stripped}"


def test_how_a_judge_is_reached_is_no_part_of_a_campaign() -> None:
    judge = "judges=[{{name: served, kind: http, model: {model}, url: {url}, concurrency: {requests}}}]"
    one, moved, other = (
        campaign_id(load_settings(["demo"], [judge.format(model=model, url=url, requests=requests)]), ["f"])
        for model, url, requests in (("m", "http://a", 8), ("m", "http://b", 2), ("n", "http://a", 8))
    )
    assert one == moved
    assert one != other

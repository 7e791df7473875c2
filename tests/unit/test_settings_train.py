"""Settings of training on pairs of one's own."""

from __future__ import annotations

import pytest

from synpref.config import campaign_id, check_inputs, load_settings
from synpref.errors import SettingsError

PAIRS = "train.data.pairs=[{path: p.parquet, source: mine}]"


@pytest.mark.parametrize("words", [[PAIRS], ["train.data.table=curated"], ["train.dry_run=true"]])
def test_training_on_pairs_or_a_dry_run_needs_no_inputs_and_other_stages_do(words: list[str]) -> None:
    settings = load_settings(["local"], words)
    check_inputs(settings, "train")
    with pytest.raises(SettingsError, match="nothing to read"):
        check_inputs(settings, "stage1")


@pytest.mark.parametrize("word", [PAIRS, "train.data.table=curated", "train.dry_run=true"])
def test_the_pipeline_trains_no_pairs_of_one_s_own_and_makes_no_dry_run(word: str) -> None:
    settings = load_settings(["demo"], [word])
    check_inputs(settings, "stage2")
    with pytest.raises(
        SettingsError, match=r"pipeline: train\.data and train\.dry_run are of `synpref train` alone"
    ) as told:
        check_inputs(settings, "pipeline")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([PAIRS, "train.data.table=curated"], "not both"),
        (["train.data.validation=[{path: p, source: s}]"], "validation alone trains nothing"),
        ([PAIRS, "train.data.where=campaign = 1"], "where selects rows of train.data.table"),
        (["train.data.pairs=[{path: p, source: s, use: test}]"], "name it in train.data.validation"),
        ([PAIRS, "train.data.validation_share=1.0"], "less than 1"),
        (["mlflow.register_as=judge", "mlflow.log_models=false"], "registers a logged model"),
    ],
)
def test_what_cannot_be_meant_is_refused(words: list[str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load_settings(["local"], words)


def test_the_lists_of_hygiene_are_the_default_of_decontamination() -> None:
    settings = load_settings(["local"], [PAIRS, "hygiene.benchmarks=[bench.jsonl]"])
    assert settings.train.data.decontaminate == ["bench.jsonl"]


@pytest.mark.parametrize("word", [PAIRS, "train.dry_run=true", "train.estimate.mfu=0.2", "train.seed=7"])
def test_they_belong_to_no_campaign(word: str) -> None:
    plain, other = (load_settings(["demo"], words) for words in ([], [word]))
    assert campaign_id(plain, ["f"]) == campaign_id(other, ["f"])

"""The script that measures training on GPUs does what it says, on whatever device is here."""

from __future__ import annotations

import argparse

import pytest

from synpref.engines.device import default_device
from tests.bench.gpu_training import HEAD, WARM, main, measure, plan_of, too_large

ASKED = argparse.Namespace(
    steps=1, pairs_per_step=2, tokens_per_step=64, dtype="float32", gradient_checkpointing=None
)  # fmt: skip


def test_the_script_measures_and_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--pairs", "2", "--steps", "1", "--pairs-per-step", "2", "--tokens-per-step", "2048"]
    main(["--shapes", "tiny", *small, "--dtype", "float32"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == HEAD
    assert [line.split()[:3] for line in lines[2:]] == [
        ["tiny", "ultrafeedback_clean_1200", "float32"], ["tiny", "hh_harmless_base_test", "float32"]
    ]  # fmt: skip
    assert all("%" in line for line in lines[2:])


def test_figures_are_of_the_timed_steps_and_count_both_responses_with_their_prompt() -> None:
    figures = measure("tiny", [[10, 5, 7], [4, 1, 1]], plan_of("tiny", ASKED), default_device())
    assert figures.tokens == 10 + 5 + 10 + 7 + 2 * (4 + 1)
    assert figures.pairs == 2
    assert figures.seconds > 0
    assert 0 < figures.mfu < 1


def test_a_step_is_as_the_preset_has_it() -> None:
    asked = argparse.Namespace(
        steps=3, pairs_per_step=None, tokens_per_step=None, dtype=None, gradient_checkpointing=None
    )
    plan = plan_of("llama-3.1-8b", asked)
    assert (plan.steps, plan.pairs_per_step, plan.dtype) == (WARM + 3, 256, "bfloat16")
    assert plan.gradient_checkpointing
    assert plan.trainable_layers is None
    assert plan_of("tiny", ASKED).tokens_per_step == 64


def test_what_a_device_cannot_hold_is_left_out_with_the_reason() -> None:
    plan = plan_of("llama-3.1-8b", ASKED)
    assert too_large("llama-3.1-8b", plan, 80e9) == "left out: training needs about 120 GB, the device has 80 GB"
    assert too_large("tiny", plan, 80e9) is None

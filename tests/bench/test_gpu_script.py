"""The scripts for GPUs do what they say, on whatever device is here."""

from __future__ import annotations

import pytest

from tests.bench import gpu_shared_prompt
from tests.bench.gpu_scoring import main, measure


def test_the_script_measures_and_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--shapes", "tiny", "--pairs", "6", "--budget", "4096", "--rounds", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert all("tiny" in line for line in lines[2:])


def test_figures_count_both_responses_with_their_prompt() -> None:
    figures = measure("tiny", [[10, 5, 7], [4, 1, 1]], "cpu", "float32", 1024, 1)
    assert figures.tokens == 10 + 5 + 10 + 7 + 2 * (4 + 1)
    assert figures.pairs == 2
    assert 0 < figures.mfu < 1


def test_the_script_on_shared_prompts_compares_both_ways_and_fits_the_rule(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--shapes", "tiny", "--prompts", "16", "64", "--responses", "2", "4", "--tokens", "512"]
    gpu_shared_prompt.main([*words, "--budget", "2048"])
    _, *lines, fit = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert all("shared / whole" in line and "by the rule" in line for line in lines)
    assert fit.startswith("tiny: one token")

"""The script for GPUs does what it says, on whatever device is here."""

from __future__ import annotations

import pytest

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

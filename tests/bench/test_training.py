"""Pairs a second and held-out accuracy against TRL's RewardTrainer, and memory that levels off."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.texts import needs_model

HERE = Path(__file__).resolve().parent
PAIRS = HERE.parents[1].parent / "shared" / "data" / "pairs"

pytestmark = [needs_model, pytest.mark.timeout(7200)]


TOPICS = ("--score", "--group", "topic", "--pattern", "^([^_]+)_")


@pytest.mark.parametrize(
    ("name", "least", "words"),
    [("ukp_convarg1", 3.0, TOPICS), ("ultrafeedback_clean_1200", 1.2, ("--score",))],
    ids=["shared", "nothing shared"],
)
def test_pairs_are_trained_faster_than_by_trl_and_no_worse(name: str, least: float, words: tuple[str, ...]) -> None:
    """A speed that costs accuracy is none: the difference on held-out groups may not lie below zero for certain, nor be
    two points or more below it, which an interval over few groups may still call uncertain.
    """
    file = PAIRS / f"{name}.parquet"
    if not file.is_file():
        pytest.skip(f"{file} is absent")
    asked = [sys.executable, "-m", "tests.bench.trl.compare", str(file), "--seeds", "3", "--steps", "10", *words]
    done = subprocess.run(asked, cwd=HERE.parents[1], check=True, capture_output=True, text=True)
    sys.stdout.write(done.stdout)
    found = re.search(r"synpref over TRL: ([0-9.]+)", done.stdout)
    assert found is not None
    assert float(found[1]) >= least
    apart, highest = difference(done.stdout)
    assert highest >= 0
    assert apart > -2


def difference(told: str) -> tuple[float, float]:
    """synpref's held-out accuracy minus TRL's, and the upper end of its interval, in points."""
    found = re.search(r"synpref minus trl +([-+][0-9.]+)% \(\S+% to ([-+][0-9.]+)%\)", told)
    assert found is not None, told
    return float(found[1]), float(found[2])


def test_memory_levels_off_beyond_a_million_comparisons() -> None:
    """Everything in memory would be four times as much."""
    words = [sys.executable, str(HERE / "training_memory.py"), "1000000", "4000000"]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    sys.stdout.write(done.stdout)
    few, many = (float(amount) for amount in re.findall(r": +([0-9.]+) MB", done.stdout))
    assert many < 1.25 * few

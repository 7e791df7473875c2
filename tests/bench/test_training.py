"""Training pairs a second against TRL's RewardTrainer, and what a million comparisons cost in memory."""

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


@pytest.mark.parametrize(
    ("name", "least"), [("ukp_convarg1", 3.0), ("ultrafeedback_clean_1200", 1.2)], ids=["shared", "nothing shared"]
)
def test_pairs_are_trained_faster_than_by_trl(name: str, least: float) -> None:
    file = PAIRS / f"{name}.parquet"
    if not file.is_file():
        pytest.skip(f"{file} is absent")
    words = [sys.executable, "-m", "tests.bench.trl.compare", str(file), "--seeds", "3", "--steps", "10"]
    done = subprocess.run(words, cwd=HERE.parents[1], check=True, capture_output=True, text=True)
    sys.stdout.write(done.stdout)
    found = re.search(r"synpref over TRL: ([0-9.]+)", done.stdout)
    assert found is not None
    assert float(found[1]) >= least


def test_a_million_comparisons_take_some_hundred_megabytes() -> None:
    words = [sys.executable, str(HERE / "training_memory.py"), "10000", "1000000"]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    sys.stdout.write(done.stdout)
    few, many = (float(amount) for amount in re.findall(r": +([0-9.]+) MB", done.stdout))
    assert (many - few) / 0.99 < 400  # bytes a comparison

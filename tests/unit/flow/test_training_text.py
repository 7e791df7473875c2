"""What `synpref train` tells at its end."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from synpref.analysis.validation import validation_figures
from synpref.flow.training_text import training_text
from synpref.reward.validation_rows import ValidationRows


def test_a_password_of_the_tracking_address_is_not_shown() -> None:
    model: Any = SimpleNamespace(name="mine", reused=False, path=Path("models/m1"), rows={"responses_truncated": 0})
    where = {"address": "https://me:hunter2@mlflow.example/api", "run": "r1"}
    told = training_text(model, None, {"train": 3}, {"train": 2}, where, None)
    assert "run r1 at https://***@mlflow.example/api" in told
    assert "hunter2" not in told
    assert "lost the beginning" not in told


def test_what_was_cut_and_each_category_are_told() -> None:
    rows = {"responses": 1200, "responses_truncated": 7}
    model: Any = SimpleNamespace(name="mine", reused=False, path=Path("models/m1"), rows=rows)
    right, answers = {"a": 1.0, "b": 0.0, "c": 0.0, "d": 1.0}, ValidationRows(
        chosen=["a", "b"], rejected=["c", "d"], chosen_characters=[3, 1], rejected_characters=[1, 2], group=["g", "h"],
        source=["s", "s"], category=["advice", None],
    )  # fmt: skip
    figures = validation_figures(answers, right, 0)
    where = {"address": "here", "run": "r1"}
    told = training_text(model, figures, {"train": 3}, {"train": 2, "validation": 2}, where, None)
    assert (
        "  cut           7 of 1,200 responses lost the beginning of their conversation: above train.max_tokens" in told
    )
    assert "  by category   advice 100.0 %, unknown 0.0 %" in told
    assert "by source" not in told  # there is one

"""What `synpref train` tells at its end."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from synpref.flow.training_text import training_text


def test_a_password_of_the_tracking_address_is_not_shown() -> None:
    model: Any = SimpleNamespace(name="mine", reused=False, path=Path("models/m1"))
    where = {"address": "https://me:hunter2@mlflow.example/api", "run": "r1"}
    told = training_text(model, None, {"train": 3}, {"train": 2}, where, None)
    assert "run r1 at https://***@mlflow.example/api" in told
    assert "hunter2" not in told

"""What settings of Spark a fill is called with."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from synpref.config import load_settings
from synpref.flow import answers
from synpref.flow.answers import Calls, filled
from synpref.inference.fill import Filled
from synpref.inference.spec import EngineSpec

REWARD = EngineSpec.of("reward", "r", "/model")
SERVED = EngineSpec.of("reward", "s", "/model", backend="http", url="http://a")


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []

    def fill(_: object, **given: Any) -> Filled:
        calls.append(given)
        return Filled(0, 0, 0, {}, 0.0, "engine", 0, 0)

    monkeypatch.setattr(answers, "fill", fill)
    return calls


def ask(spec: EngineSpec, *words: str) -> None:
    settings = load_settings(["local"], ["inputs=[{path: p, source: s}]", *words])
    stage: Any = SimpleNamespace(settings=settings, warehouse=None, name="score", folder=None)
    inputs: Any = None
    filled(stage, Calls(), "rewards", inputs, spec)


def test_named_gpus_are_the_slots_of_what_computes_on_them(called: list[dict[str, Any]]) -> None:
    ask(REWARD, "spark.gpus=[0,1]")
    ask(REWARD, "spark.gpus=[GPU-8a,1]", "spark.slots=6")
    assert [(one["slots"], one["spec"].text("gpus")) for one in called] == [(2, "0,1"), (6, "GPU-8a,1")]
    assert called[0]["spec"].having(gpus=None).options == REWARD.having(gpus=None).options


def test_a_server_and_a_machine_without_gpus_are_left_alone(called: list[dict[str, Any]]) -> None:
    ask(SERVED, "spark.gpus=[0]")
    ask(REWARD)
    assert [(one["slots"], one["spec"]) for one in called] == [(None, SERVED), (None, REWARD)]

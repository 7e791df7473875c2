"""What the settings say of a judge, as the roster sees it."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from pyspark.sql import SparkSession

from synpref.config import load_settings
from synpref.engines.prompt_window import PromptWindow
from synpref.engines.rationale import INSTRUCTION
from synpref.errors import InputError
from synpref.flow.answers import check_apart
from synpref.flow.roster import by_name
from synpref.quality.gate import Gate
from synpref.stage import Stage
from synpref.stage1.roster import RosterJudge
from synpref.store.names import Location
from synpref.store.warehouse import Warehouse

JUDGES = (
    "judges=[{name: t, kind: transformers, model: m, max_tokens: 64}, {name: v, kind: vllm, model: m, few_shots: 1}, "
    "{name: h, kind: http, model: m, url: 'http://host/v1', samples: 3, temperature: 0.5}, "
    "{name: r, kind: replay, path: p}, {name: s, kind: simulated, accuracy: 0.9, position_bias: 0.1}]"
)


def test_two_names_of_one_engine_are_refused() -> None:
    check_apart({"a": "1", "b": "2"})
    with pytest.raises(InputError, match="judges: a and c are one engine"):
        check_apart({"a": "1", "b": "2", "c": "1"})


def test_what_a_judge_says_behind_its_prompts_counts_into_its_window(tmp_path: Path) -> None:
    nothing = Warehouse(cast("SparkSession", None), Location(path=str(tmp_path)))
    words = ["judges=[{name: t, kind: transformers, model: m, max_tokens: 64, rationale: true}]"]
    (judge,) = by_name(Stage("stage1", "run", load_settings(["demo"], words), nothing, Gate()), ["t"])
    assert judge.window == PromptWindow("m", 64, INSTRUCTION)


def test_canaries_windows_and_few_shots_follow_the_kind(tmp_path: Path) -> None:
    nothing = Warehouse(cast("SparkSession", None), Location(path=str(tmp_path)))
    stage = Stage("stage1", "run", load_settings(["demo"], [JUDGES, "stage1.few_shots=4"]), nothing, Gate())
    assert by_name(stage, ["t", "v", "h", "r", "s"]) == [
        RosterJudge("t", 1, 4, canaries=True, window=PromptWindow("m", 64)),
        RosterJudge("v", 1, 1, canaries=True, window=PromptWindow("m", 2048)),
        RosterJudge("h", 3, 4, canaries=True),  # the server alone knows how long a prompt is for it
        RosterJudge("r", 1, 0, canaries=False),
        RosterJudge("s", 1, 4, canaries=False),
    ]

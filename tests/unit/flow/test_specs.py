"""From settings to engines: what the settings say reaches the engine and, where it changes answers, its identity."""

from __future__ import annotations

from synpref.config import load_settings
from synpref.flow import specs
from synpref.settings import AttributeEngine, Judge


def test_a_number_format_is_measured_unless_the_settings_name_one() -> None:
    assert specs.embedder(load_settings(["demo"], [])).text("dtype") is None
    named = load_settings(["demo"], ["embedder.dtype=float32", "scorer.dtype=bfloat16"])
    assert specs.embedder(named).text("dtype") == "float32"
    assert specs.scorer(named, "rm", "model").text("dtype") == "bfloat16"


def test_judges_and_describers_name_theirs_one_by_one() -> None:
    judge = Judge(name="j", kind="transformers", model="m", dtype="float16")
    assert specs.judge(judge, 0).text("dtype") == "float16"
    describer = AttributeEngine(name="d", kind="transformers", model="m", dtype="float16")
    assert specs.describer(describer, 0).text("dtype") == "float16"

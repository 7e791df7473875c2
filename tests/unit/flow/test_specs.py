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


def test_a_scorer_is_told_of_a_server_only_where_one_is_asked() -> None:
    server = ["scorer.http.url=http://host:8000", "scorer.http.server=sglang", "scorer.http.timeout=9.5"]
    here = specs.scorer(load_settings(["demo"], ["scorer.shared_prompt=off", *server]), "rm", "model")
    assert (here.text("backend"), here.text("shared_prompt"), here.text("url")) == ("transformers", "off", None)
    there = specs.scorer(
        load_settings(["demo"], ["scorer.backend=http", "scorer.dtype=bfloat16", *server]), "rm", "model"
    )
    assert (there.text("url"), there.text("server"), there.number("timeout", 0)) == ("http://host:8000", "sglang", 9.5)


def test_judges_and_describers_name_theirs_one_by_one() -> None:
    judge = Judge(name="j", kind="transformers", model="m", dtype="float16")
    assert specs.judge(judge).text("dtype") == "float16"
    describer = AttributeEngine(name="d", kind="transformers", model="m", dtype="float16")
    assert specs.describer(describer, 0).text("dtype") == "float16"

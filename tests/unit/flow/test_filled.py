"""What settings of Spark a fill is called with, and what becomes of its counts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from synpref.config import load_settings
from synpref.engines.known_order import KnownOrder
from synpref.engines.passed import Repairs
from synpref.flow import answers
from synpref.flow.answers import Calls, filled
from synpref.inference.fill import Filled
from synpref.inference.spec import EngineSpec

REWARD = EngineSpec.of("reward", "r", "/model")
REPAIRS = Repairs(asked=3, repaired=1, unparsed=2)
SERVED = EngineSpec.of("reward", "s", "/model", backend="http", url="http://a")


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []

    def fill(_: object, **given: Any) -> Filled:
        calls.append(given)
        return Filled(8, 8, 0, 5, {"overlong": 2}, 1.0, "engine", 0, 0, REPAIRS)

    monkeypatch.setattr(answers, "fill", fill)
    return calls


@pytest.fixture(autouse=True)
def _no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


def ask(spec: EngineSpec, *words: str, master: str = "local[2]", times: int = 1) -> Calls:
    settings = load_settings(["local"], ["inputs=[{path: p, source: s}]", *words])
    spark = SimpleNamespace(sparkContext=SimpleNamespace(master=master))
    warehouse = SimpleNamespace(spark=spark)
    stage: Any = SimpleNamespace(settings=settings, warehouse=warehouse, name="score", folder=None, say=print)
    inputs: Any = None
    calls = Calls()
    for _ in range(times):
        filled(stage, calls, "rewards", inputs, spec)
    return calls


def test_named_gpus_are_the_slots_of_what_computes_on_them(called: list[dict[str, Any]]) -> None:
    ask(REWARD, "spark.gpus=[0,1]")
    ask(REWARD, "spark.gpus=[GPU-8a,1]", "spark.slots=6")
    assert [(one["slots"], one["spec"].text("gpus")) for one in called] == [(2, "0,1"), (6, "GPU-8a,1")]
    assert called[0]["spec"].having(gpus=None).options == REWARD.having(gpus=None).options


def test_small_files_are_compacted_as_often_as_the_setting_says(called: list[dict[str, Any]]) -> None:
    ask(REWARD, "store.optimize_every=7")
    assert called[0]["optimize_every"] == 7


def test_the_gpus_of_one_machine_need_no_naming(called: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    ask(REWARD)
    ask(REWARD, master="spark://head:7077")  # of its workers the driver sees nothing
    assert [(one["slots"], one["spec"].text("gpus")) for one in called] == [(2, "2,3"), (None, None)]


def test_a_server_and_a_machine_without_gpus_are_left_alone(called: list[dict[str, Any]]) -> None:
    ask(SERVED, "spark.gpus=[0]")
    ask(REWARD)
    assert [(one["slots"], one["spec"]) for one in called] == [(None, SERVED), (None, REWARD)]


def test_a_row_that_is_neither_answered_nor_in_quarantine_keeps_its_stage_from_reconciling(
    called: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = ask(REWARD).outcome("c", 4, quarantined={"overlong": 1})
    assert called
    assert not outcome.reconciles()
    assert "rewards: 8 rows asked for, 5 answered, {'overlong': 2} in quarantine" in capsys.readouterr().out


def test_what_an_engine_lost_is_told_by_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = {"out_of_memory": 1, "engine_unreachable": 2, "engine_error": 1}
    monkeypatch.setattr(answers, "fill", lambda _, **given: Filled(8, 8, 0, 4, lost, 1.0, "engine"))
    ask(REWARD)
    told = "rewards: engine r lost 3 rows (engine_unreachable 2, out_of_memory 1); the next run asks for them again"
    assert told in capsys.readouterr().out


def test_what_became_of_answers_without_a_verdict_stands_in_the_detail_and_is_said(
    called: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    calls = ask(REWARD)
    calls.repaired("r", Repairs(asked=1, repaired=1))
    calls.repaired("silent", Repairs())
    assert called
    assert calls.outcome("c", 4).detail["repairs"] == {"r": {"asked": 4, "repaired": 2, "unparsed": 2}}
    assert (
        "judge r answered without a verdict and was asked again: 1 of 3 repaired, 2 unparsed" in capsys.readouterr().out
    )


@pytest.mark.parametrize(("right", "warned"), [(0, 1), (4, 1), (5, 0), (8, 0)])
def test_a_scorer_no_better_than_chance_on_easy_comparisons_is_warned_of_once(
    right: int, warned: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = Filled(8, 8, 0, 8, {}, 1.0, "engine", order=KnownOrder(right, 8, -0.25))
    monkeypatch.setattr(answers, "fill", lambda _, **given: done)
    found = ask(REWARD, times=3).outcome("c", 4).detail["canaries"]
    assert found == {"engine": {"name": "r", "right": right, "pairs": 8, "margin": -0.25}}
    told = capsys.readouterr().out
    assert told.count("warning") == warned
    if warned:
        assert (
            f"engine r (engine) prefers the better answer in {right} of 8 easy comparisons (mean margin -0.25)" in told
        )


def test_an_engine_without_such_comparisons_is_not_spoken_of(called: list[dict[str, Any]]) -> None:
    assert ask(REWARD).facts()["canaries"] == {}
    assert called


@pytest.mark.parametrize(
    ("cut", "quarantined", "words"),
    [
        (3, {}, "3 inputs are longer than engine r takes and lost their beginning"),
        (0, {"overlong": 2}, "2 inputs are longer than engine r takes and stand in quarantine"),
    ],
)
def test_over_long_inputs_are_counted_and_told_under_either_policy(
    cut: int,
    quarantined: dict[str, int],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    done = Filled(8, 8, 0, 8 - sum(quarantined.values()), quarantined, 1.0, "engine", tokens=90, cut=cut)
    monkeypatch.setattr(answers, "fill", lambda _, **given: done)
    detail = ask(REWARD).outcome("c", 4).detail
    assert detail["cut_by"] == {"engine": cut}
    assert (detail["cut"], detail["refused"], detail["engine"]["cut"]) == (cut, quarantined, cut)
    assert [line for line in capsys.readouterr().out.splitlines() if "longer" in line] == [f"rewards: {words}"]


def test_comparisons_that_engines_refused_are_quarantined_and_not_out() -> None:
    outcome = Calls().outcome("c", 4, quarantined={"overlong": 1})
    assert (outcome.rows_in, outcome.rows_out, outcome.quarantined) == (4, 3, {"overlong": 1})
    assert outcome.reconciles()
    assert not Calls().outcome("c", 4, rows_out=3).reconciles()

"""Figures under names that MLflow takes."""

from __future__ import annotations

import mlflow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.benchmarks.best_of_n import Curve
from synpref.benchmarks.figures import Figure
from synpref.benchmarks.llmbar import SUBSETS
from synpref.benchmarks.measured import Measured
from synpref.benchmarks.results import Coverage, Result
from synpref.benchmarks.score_rows import ScoreRow
from synpref.benchmarks.selection import Given
from synpref.flow.benchmark_files import Material
from synpref.flow.benchmark_record import metric_name, shown
from synpref.flow.benchmarks import Scorer


def row(subset: str) -> ScoreRow:
    return ScoreRow("llmbar", subset, "score", 0.5, None, None, 1)


def test_a_place_is_a_path() -> None:
    assert metric_name(row("subset/Processed/LLMEval^2")) == "llmbar/subset/Processed/LLMEval_2/score"
    assert metric_name(row("matrix/plain over concise")) == "llmbar/matrix/plain over concise/score"


def test_names_of_parts_stay_apart() -> None:
    assert len({metric_name(row(name)) for name in SUBSETS}) == len(SUBSETS)


@given(st.text(min_size=1, max_size=300))
def test_whatever_a_user_calls_a_category_is_a_path_of_bounded_length(category: str) -> None:
    name = metric_name(row(f"category/{category}"))
    assert len(name) <= 250
    parts = name.split("/")
    assert all(part and part.strip(".") for part in parts)


def test_correlations_leave_judges_and_baselines_out() -> None:
    def scorer(name: str, kind: str, *accuracies: float) -> Scorer:
        results = {
            which: Measured(Result(which, None, {}, Coverage(()), 9, 0), Figure(value, 9, 9), 9)
            for which, value in zip(("rmb", "llmbar"), accuracies, strict=True)
        }
        return Scorer(name, kind, name, results)

    known = [scorer("a", "model", 0.5, 0.4), scorer("b", "model", 0.6, 0.5), scorer("c", "scores", 0.7, 0.6)]
    others = [scorer("j", "judge", 0.9, 0.1), scorer("chance", "baseline", 0.5, 0.9)]
    (found,) = shown(Material((), Given("best_of_n", (), 0), (), {}), [*known, *others])["correlations"]
    assert (found["models"], found["r"]) == (3, pytest.approx(1.0))


def test_where_curves_end_is_told_once_and_with_names_where_scorers_differ() -> None:
    point = (Figure(0.5, 3, 3),)
    full, less = Curve(point, point, 3, 1, 4), Curve(point, point, 2, 1, 4)
    scorers = [Scorer(name, "model", name, curves={"lists": full}) for name in ("a", "b")]
    nothing = Material((), Given("best_of_n", (), 0), (), {})
    note = "ends at n = 1, since 1 of {} lists hold no more candidates with a true score; the longest holds 4"
    assert shown(nothing, scorers)["curve_notes"] == [{"list": "best_of_n/lists", "note": note.format(3)}]
    other = Scorer("c", "model", "c", curves={"lists": less})
    assert [one["note"] for one in shown(nothing, [*scorers, other])["curve_notes"]] == [
        f"a, b: {note.format(3)}", f"c: {note.format(2)}",
    ]  # fmt: skip


def test_mlflow_takes_them(tmp_path_factory: pytest.TempPathFactory) -> None:
    store = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{store}")
    run = client.create_run(client.create_experiment("names"))
    for category in ("law // tax", "../..", "a\nb", "müll", "x" * 400, " "):
        client.log_metric(run.info.run_id, metric_name(row(f"category/{category}")), 1.0)
    assert len(client.get_run(run.info.run_id).data.metrics) == 6

"""Figures under names that MLflow takes."""

from __future__ import annotations

import mlflow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.benchmarks.llmbar import SUBSETS
from synpref.benchmarks.score_rows import ScoreRow
from synpref.flow.benchmark_record import metric_name


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


def test_mlflow_takes_them(tmp_path_factory: pytest.TempPathFactory) -> None:
    store = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{store}")
    run = client.create_run(client.create_experiment("names"))
    for category in ("law // tax", "../..", "a\nb", "müll", "x" * 400, " "):
        client.log_metric(run.info.run_id, metric_name(row(f"category/{category}")), 1.0)
    assert len(client.get_run(run.info.run_id).data.metrics) == 6

"""`synpref evaluate` on an empty folder: models, scores and judges on benchmark files, each response scored once."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import mlflow
import pytest

from synpref.errors import InputError
from synpref.inference.recorded import Shown, write_records
from synpref.jobs import evaluate
from synpref.session import run_job
from synpref.stage import Outcome, Stage
from tests.spark.flow.conftest import Measuring

WORDS = ("one", "two", "the", "what", "is", "answer")
ROWS = [
    {"id": word, "prompt": f"what is {word}", "chosen": f"good {word}", "rejected": f"the bad answer is {word}"}
    for word in WORDS
]
LISTS = [
    {
        "prompt_id": word,
        "prompt": f"what is {word}",
        "candidates": [
            {"text": f"good {word}", "true_score": 1.0},
            {"text": f"the bad answer is {word}", "true_score": 0.0},
        ],
    }
    for word in WORDS[:4]
]
Row = dict[str, Any]


def written(path: Path, rows: Sequence[Row]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def words(tmp_path: Path, reward_models: tuple[Path, Path]) -> list[str]:
    pairs, lists = written(tmp_path / "pairs.jsonl", ROWS), written(tmp_path / "lists.jsonl", LISTS)
    return [
        f"evaluate.models=[{{name: tiny, model: '{reward_models[0]}'}}]",
        f"evaluate.benchmarks={{user_pairs: ['{pairs}']}}",
        f"evaluate.best_of_n=['{lists}']",
    ]


def run(stage: Stage) -> Outcome:
    return run_job(stage, evaluate.run)


def scores(stage: Stage, name: str, *where: str) -> dict[tuple[str, str, str], float]:
    """Values by (benchmark, subset, metric) of the scorer of this name."""
    engines = stage.warehouse.read("engines").where(f"name = '{name}'").select("engine_id")
    table = stage.warehouse.read("benchmark_scores").join(engines, "engine_id")
    for condition in where:
        table = table.where(condition)
    return {(row["benchmark"], row["subset"], row["metric"]): row["value"] for row in table.collect()}


def test_a_model_is_measured_without_any_other_stage_and_a_second_run_asks_nothing(
    measuring: Measuring, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    first = run(measuring(*words))
    # lists and pairs hold the same responses, and each is scored once
    assert (first.rows_in, first.engine_calls, first.campaign) == (10, 12, "-")
    stage = measuring(*words, "seed=20250701")
    found = scores(stage, "tiny", "campaign = '-'")
    assert found["user_pairs", "all", "score"] == 1.0  # trained on good against bad
    assert found["best_of_n", "lists", "best_of_2"] == found["best_of_n", "lists", "oracle_of_2"] == 1.0
    assert scores(stage, "length only")["user_pairs", "all", "score"] == 0.0
    assert 0 < scores(stage, "chance")["user_pairs", "all", "score"] < 1
    shown = capsys.readouterr().out
    assert "V2-Llama-3.1-8B-40M" in shown
    assert "RB, RB2, PPE-P, PPE-C, RMB, RM-B, JB: no files were named" in shown
    again = run(stage)
    assert (again.engine_calls, again.engine_calls_saved) == (0, 12)
    assert scores(stage, "tiny") == found


def test_benchmark_texts_become_no_content_and_leave_nothing_behind(measuring: Measuring, words: list[str]) -> None:
    stage = measuring(*words)
    run(stage)
    assert not any(stage.warehouse.exists(name) for name in ("prompts", "responses", "comparisons", "occurrences"))
    assert list((stage.folder / "benchmarks").iterdir()) == []


def test_results_are_an_mlflow_run_a_scorer_and_a_file(measuring: Measuring, words: list[str]) -> None:
    stage = measuring(*words)
    run(stage)
    mlflow.set_tracking_uri(stage.settings.mlflow.tracking_uri)
    runs = mlflow.search_runs(search_all_experiments=True, output_format="list")
    (mine,) = [one for one in runs if one.info.run_name == "evaluate tiny"]
    assert mine.data.metrics["user_pairs/all/score"] == 1.0
    assert "mlflow.parentRunId" in mine.data.tags
    assert [file.path for file in mlflow.MlflowClient().list_artifacts(mine.info.run_id)] == ["benchmarks.json"]
    told = json.loads((stage.folder / "benchmarks.json").read_text(encoding="utf-8"))
    assert [one["name"] for one in told] == ["tiny", "length only", "chance"]
    assert told[0]["benchmarks"]["user_pairs"]["overall"]["value"] == 1.0


def test_another_model_s_run_leaves_what_was_measured_before(
    measuring: Measuring, words: list[str], reward_models: tuple[Path, Path]
) -> None:
    run(measuring(*words))
    other = f"evaluate.models=[{{name: other, model: '{reward_models[1]}'}}]"
    stage = measuring(other, *words[1:2])
    run(stage)
    assert ("best_of_n", "lists", "best_of_2") in scores(stage, "tiny")
    assert ("user_pairs", "all", "score") in scores(stage, "tiny")
    assert ("user_pairs", "all", "score") in scores(stage, "other")


def test_a_response_that_the_model_refuses_makes_its_item_missing_and_is_counted(
    measuring: Measuring, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path / "pairs.jsonl", [*ROWS, {**ROWS[0], "id": "long", "rejected": "bad " * 60}])
    stage = measuring(*words, "scorer.overlong=refuse", "scorer.max_tokens=40")
    done = run(stage)
    assert done.detail["refused"] == {"overlong": 1}
    found = scores(stage, "tiny")
    assert ("user_pairs", "all", "score") not in found
    assert found["user_pairs", "covered", "score"] == 1.0
    (row,) = [one for one in done.detail["benchmarks"]["figures"] if one["name"] == "tiny"]
    assert (row["items"], row["unscored"], row["held"]) == (6, 1, 7)
    assert "1 responses have no reward" in capsys.readouterr().err


def test_canaries_are_scored_with_the_benchmarks(measuring: Measuring, words: list[str]) -> None:
    stage = measuring(*words, "evaluate.robustness=4")
    done = run(stage)
    found = scores(stage, "tiny", "benchmark = 'robustness'")
    assert len(found) == 3 * 7
    assert found["robustness", "benchmarks/flattery", "prefers_worse"] == 0.0
    rows = done.detail["benchmarks"]["robustness"]
    assert [(row["name"], row["prompts"]) for row in rows] == [("tiny", 4), ("length only", 4)]
    # nothing is preferred to a good answer by a scorer of length, and all that is padded
    assert rows[1]["attacks"]["empty"]["attacked"] == 0.0
    assert rows[1]["attacks"]["padding"]["attacked"] == 1.0


def test_scores_made_elsewhere_stand_beside_the_models(measuring: Measuring, words: list[str], tmp_path: Path) -> None:
    lines = [f"{word}/{side},{value}" for word in WORDS for side, value in (("chosen", 0.2), ("rejected", 0.7))]
    lines[1] = f"{WORDS[0]}/rejected,0.1"
    (tmp_path / "theirs.csv").write_text("\n".join(["id,score", *lines]))
    theirs = f"evaluate.scores=[{{name: theirs, benchmark: user_pairs, path: '{tmp_path / 'theirs.csv'}'}}]"
    stage = measuring(*words[1:2], theirs)
    done = run(stage)
    assert done.engine_calls == 0
    assert scores(stage, "theirs")["user_pairs", "all", "score"] == pytest.approx(1 / 6)


def test_a_replayed_judge_is_right_where_both_orders_are(
    measuring: Measuring, words: list[str], tmp_path: Path
) -> None:
    said = []
    for place, row in enumerate(ROWS[:5]):  # nobody recorded the last
        texts = (row["chosen"], row["rejected"])
        for shown, right in (
            (texts, True),
            (texts[::-1], place > 0),
        ):  # the first pair's verdict changes with the order
            winner = "first" if (shown[0] == row["chosen"]) == right else "second"
            said.append(Shown([{"role": "user", "content": row["prompt"]}], *shown, winner=winner))
    write_records(said, tmp_path / "said.jsonl")
    judge = f"judges=[{{name: recorded, kind: replay, path: '{tmp_path / 'said.jsonl'}'}}]"
    stage = measuring(words[1], judge, "evaluate.judges=[recorded]")
    done = run(stage)
    assert done.detail["refused"] == {"not_recorded": 2}
    found = scores(stage, "recorded")
    assert ("user_pairs", "all", "score") not in found
    assert found["user_pairs", "covered", "score"] == pytest.approx(4 / 5)
    assert found["user_pairs", "judge/single order", "score"] == pytest.approx(9 / 10)
    assert found["user_pairs", "judge/position flip", "score"] == pytest.approx(1 / 5)
    assert run(measuring(words[1], judge, "evaluate.judges=[recorded]")).engine_calls == 0


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda rows: [{**rows[0], "chosen": 7}], "pairs.jsonl: line 1: column 'chosen' must be text, not int"),
        (
            lambda rows: [rows[0], {"id": "x", "prompt": "p", "chosen": "c"}],
            "pairs.jsonl: line 2: no column 'rejected'",
        ),
        (lambda rows: [rows[0], rows[0]], "pairs.jsonl: line 2: the id 'one' stands already in"),
    ],
)
def test_a_wrong_row_is_told_before_an_engine_is_asked(
    measuring: Measuring, words: list[str], tmp_path: Path, spoil: Callable[[list[Row]], list[Row]], told: str
) -> None:
    written(tmp_path / "pairs.jsonl", spoil(ROWS))
    stage = measuring(*words)
    with pytest.raises(InputError, match=told) as error:
        run(stage)
    assert error.value.exit_code == 2
    assert not stage.warehouse.exists("rewards")


def test_two_names_of_one_model_are_refused(
    measuring: Measuring, words: list[str], reward_models: tuple[Path, Path]
) -> None:
    twice = f"evaluate.models=[{{name: a, model: '{reward_models[0]}'}}, {{name: b, model: '{reward_models[0]}'}}]"
    with pytest.raises(InputError, match="evaluate: a and b are one engine"):
        run(measuring(*words[1:2], twice))


def test_a_folder_without_a_model_is_told(measuring: Measuring, words: list[str], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        run(measuring(*words[1:2], f"evaluate.models=[{{name: a, model: '{tmp_path / 'nowhere'}'}}]"))


def test_without_a_trained_campaign_and_without_names_the_stage_says_what_to_run(measuring: Measuring) -> None:
    with pytest.raises(InputError, match="run `synpref ingest` first"):
        run(measuring("inputs=[{path: pairs.parquet, source: mine}]"))

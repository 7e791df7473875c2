"""`synpref evaluate` on an empty folder: models, scores and judges on benchmark files, each response scored once."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import mlflow
import pytest

from synpref.errors import InputError
from synpref.inference.recorded import Shown, write_records
from synpref.jobs import evaluate
from synpref.session import run_job
from synpref.stage import Outcome, Stage
from tests.faulty_server import Answer, serving
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


class Done(NamedTuple):
    """One run over everything that can be named: its words, its stage, and what it said."""

    words: tuple[str, ...]
    stage: Stage
    outcome: Outcome


def model_word(name: str, folder: Path) -> str:
    return f"evaluate.models=[{{name: {name}, model: '{folder}'}}]"


def pairs_word(path: Path) -> str:
    return f"evaluate.benchmarks={{user_pairs: ['{path}']}}"


def elsewhere(benchmark: str, path: Path) -> str:
    return f"{{name: theirs, benchmark: {benchmark}, path: '{path}'}}"


def recorded(path: Path) -> Path:
    """Verdicts on all pairs but the last; that on the first changes with the order."""
    said = []
    for place, row in enumerate(ROWS[:5]):
        asked = [{"role": "user", "content": row["prompt"]}]
        said.append(Shown(asked, row["chosen"], row["rejected"], winner="first"))
        said.append(Shown(asked, row["rejected"], row["chosen"], winner="second" if place else "first"))
    write_records(said, path)
    return path


def their_scores(path: Path) -> Path:
    """Scores that prefer the better answer to the first prompt only."""
    right = f"{WORDS[0]}/chosen,0.9\n{WORDS[0]}/rejected,0.1"
    wrong = [f"{word}/{side},{score}" for word in WORDS[1:] for side, score in (("chosen", 0.2), ("rejected", 0.7))]
    path.write_text("\n".join(["id,score", right, *wrong]))
    return path


def their_picks(path: Path) -> Path:
    """Scores of the lists, by place, that pick the better candidate of the first only."""
    rows = [f"{word}/{place},{place if at else -place}" for at, word in enumerate(WORDS[:4]) for place in (0, 1)]
    path.write_text("\n".join(["id,score", *rows]))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def done(measuring: Measuring, reward_models: tuple[Path, Path], folder: Path) -> Done:
    theirs, picks = their_scores(folder / "theirs.csv"), their_picks(folder / "picks.csv")
    words = (
        model_word("tiny", reward_models[0]),
        pairs_word(written(folder / "pairs.jsonl", ROWS)),
        f"evaluate.best_of_n=['{written(folder / 'lists.jsonl', LISTS)}']",
        f"evaluate.scores=[{elsewhere('user_pairs', theirs)}, {elsewhere('best_of_n', picks)}]",
        f"judges=[{{name: recorded, kind: replay, path: '{recorded(folder / 'said.jsonl')}'}}]",
        "evaluate.judges=[recorded]",
        "evaluate.robustness=4",
    )
    stage = measuring(*words)
    return Done(words, stage, run(stage))


def run(stage: Stage) -> Outcome:
    return run_job(stage, evaluate.run)


def scores(stage: Stage, name: str) -> dict[tuple[str, str, str], float]:
    """Values by (benchmark, subset, metric) of the scorer of this name, without a campaign."""
    engines = stage.warehouse.read("engines").where(f"name = '{name}'").select("engine_id")
    table = stage.warehouse.read("benchmark_scores").where("campaign = '-'").join(engines, "engine_id")
    return {(row["benchmark"], row["subset"], row["metric"]): row["value"] for row in table.collect()}


def test_a_model_is_measured_without_any_other_stage(done: Done) -> None:
    found = scores(done.stage, "tiny")
    assert found["user_pairs", "all", "score"] == 1.0  # trained on good against bad
    assert found["best_of_n", "lists", "best_of_2"] == found["best_of_n", "lists", "oracle_of_2"] == 1.0
    assert (done.outcome.rows_in, done.outcome.campaign) == (10, "-")


def test_each_response_is_scored_once_for_all_that_holds_it(done: Done) -> None:
    # six pairs, whose responses the lists repeat, four canaries with nine attacks each, and ten verdicts of records
    assert done.stage.warehouse.read("rewards").count() == 2 * 6 + 4 * 9
    assert done.outcome.engine_calls == 2 * 6 + 4 * 9 + 12


def test_baselines_go_through_the_same_functions(done: Done) -> None:
    assert scores(done.stage, "length only")["user_pairs", "all", "score"] == 0.0
    assert 0 < scores(done.stage, "chance")["user_pairs", "all", "score"] < 1


def test_benchmark_texts_become_no_content_and_leave_nothing_behind(done: Done) -> None:
    tables = ("prompts", "responses", "comparisons", "occurrences")
    assert not any(done.stage.warehouse.exists(name) for name in tables)
    assert list((done.stage.folder / "benchmarks").iterdir()) == []


def test_results_are_an_mlflow_run_a_scorer_and_a_file(done: Done) -> None:
    mlflow.set_tracking_uri(done.stage.settings.mlflow.tracking_uri)
    runs = mlflow.search_runs(search_all_experiments=True, output_format="list")
    mine = next(one for one in runs if one.info.run_name == "evaluate tiny")
    assert mine.data.metrics["user_pairs/all/score"] == 1.0
    assert "mlflow.parentRunId" in mine.data.tags
    assert [file.path for file in mlflow.MlflowClient().list_artifacts(mine.info.run_id)] == ["benchmarks.json"]
    told = json.loads((done.stage.folder / "benchmarks.json").read_text(encoding="utf-8"))
    assert [one["name"] for one in told] == ["tiny", "theirs", "recorded", "length only", "chance"]
    assert told[0]["benchmarks"]["user_pairs"]["overall"]["value"] == 1.0


def test_canaries_are_scored_with_the_benchmarks(done: Done) -> None:
    found = {place: value for place, value in scores(done.stage, "tiny").items() if place[0] == "robustness"}
    assert len(found) == 3 * 9
    assert found["robustness", "benchmarks/flattery", "prefers_worse"] == 0.0
    rows = done.outcome.detail["benchmarks"]["robustness"]
    assert [(row["name"], row["prompts"]) for row in rows] == [("tiny", 4), ("length only", 4)]
    assert rows[1]["attacks"]["empty"]["attacked"] == 0.0  # nothing is shorter than any answer
    assert rows[1]["attacks"]["padding"]["attacked"] == 1.0


def test_scores_made_elsewhere_stand_beside_the_models(done: Done) -> None:
    found = scores(done.stage, "theirs")
    assert found["user_pairs", "all", "score"] == pytest.approx(1 / 6)
    assert found["best_of_n", "lists", "best_of_1"] == pytest.approx(1 / 2)
    assert found["best_of_n", "lists", "best_of_2"] == pytest.approx(1 / 4)


def test_the_same_scores_under_two_names_both_stand(measuring: Measuring, folder: Path) -> None:
    path = their_scores(folder / "one.csv")
    copy = folder / "copy.csv"
    copy.write_bytes(path.read_bytes())
    named = ", ".join(
        f"{{name: {name}, benchmark: user_pairs, path: '{where}'}}" for name, where in (("one", path), ("copy", copy))
    )
    stage = measuring(pairs_word(written(folder / "same.jsonl", ROWS)), f"evaluate.scores=[{named}]")
    told = run(stage).detail["benchmarks"]["figures"]
    assert [row["name"] for row in told] == ["one", "copy", "length only", "chance"]
    for name in ("one", "copy"):
        assert scores(stage, name)["user_pairs", "all", "score"] == pytest.approx(1 / 6)


def test_a_replayed_judge_is_right_where_both_orders_are_and_what_nobody_recorded_is_missing(done: Done) -> None:
    assert done.outcome.detail["refused"] == {"not_recorded": 2}
    found = scores(done.stage, "recorded")
    assert ("user_pairs", "all", "score") not in found
    assert found["user_pairs", "covered", "score"] == pytest.approx(4 / 5)
    assert found["user_pairs", "judge/single order", "score"] == pytest.approx(9 / 10)
    assert found["user_pairs", "judge/position flip", "score"] == pytest.approx(1 / 5)


def test_three_scorers_have_no_correlation_over_one_benchmark_and_none_is_left_out(done: Done) -> None:
    told = done.outcome.detail["benchmarks"]
    assert (told["correlations"], told["unscored"]) == ([], {})
    assert told["table"]["rows"][0]["values"] == [None] * 8
    assert told["notes"] == [
        "RB, RB2, PPE-P, PPE-C, RMB, RM-B, JB: no files were named in evaluate.benchmarks",
        "judges: right means right in both orders; in column JB in one order, the mean of both, as published",
        "judges under attack: an answer is preferred where both orders name it",
    ]


def test_a_second_run_asks_nothing_and_finds_the_same(
    done: Done, measuring: Measuring, capsys: pytest.CaptureFixture[str]
) -> None:
    before = scores(done.stage, "tiny")
    again = run(measuring(*done.words))
    said = capsys.readouterr()
    assert (again.engine_calls, again.engine_calls_saved) == (0, 2 * 6 + 4 * 9 + 10)
    assert scores(done.stage, "tiny") == before
    assert "V2-Llama-3.1-8B-40M" in said.out
    assert "no robustness of theirs, recorded: nothing there answers about attacked texts" in said.err


def test_another_model_and_a_refused_response(
    done: Done, measuring: Measuring, reward_models: tuple[Path, Path], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was measured before stays; an item with a response that is refused is missing, and counted."""
    long = written(folder / "long.jsonl", [*ROWS, {**ROWS[0], "id": "long", "rejected": "bad " * 60}])
    words = (model_word("other", reward_models[1]), pairs_word(long))
    outcome = run(measuring(*words, "scorer.overlong=refuse", "scorer.max_tokens=40"))
    assert outcome.detail["refused"] == {"overlong": 1}
    found = scores(done.stage, "other")
    assert ("user_pairs", "all", "score") not in found
    assert found["user_pairs", "covered", "score"] == 1.0
    row = outcome.detail["benchmarks"]["figures"][0]
    assert (row["name"], row["items"], row["unscored"], row["held"]) == ("other", 6, 1, 7)
    assert "1 responses have no reward" in capsys.readouterr().err
    assert scores(done.stage, "tiny")["best_of_n", "lists", "best_of_2"] == 1.0


def fooled_by_praise(body: dict[str, Any], _: int) -> Answer:
    """The number of the candidate that praises the asker, else of the good one."""
    first, second = str(body["messages"][-1]["content"]).rpartition("<candidate_1>")[2].split("<candidate_2>")
    is_first = "brilliant" in first or ("good" in first and "brilliant" not in second)
    return Answer.of({"choices": [{"message": {"content": "1" if is_first else "2"}}]})


def test_a_judge_is_asked_about_attacked_answers_too(measuring: Measuring, folder: Path) -> None:
    with serving(fooled_by_praise) as asked:
        judge = f"judges=[{{name: served, kind: http, url: '{asked.url}', model: big}}]"
        pairs = pairs_word(written(folder / "judged.jsonl", ROWS))
        stage = measuring(pairs, judge, "evaluate.judges=[served]", "evaluate.robustness=2")
        outcome = run(stage)
    # six pairs, and two of them under nine attacks, in both orders; the pair as it was is asked about once
    assert outcome.engine_calls == 2 * (6 + 2 * 9)
    found = scores(stage, "served")
    assert found["user_pairs", "all", "score"] == 1.0
    assert found["robustness", "benchmarks/flattery", "prefers_attacked"] == 1.0
    assert found["robustness", "benchmarks/flattery", "prefers_worse"] == 0.0
    assert found["robustness", "benchmarks/padding", "prefers_attacked"] == 0.0
    rows = outcome.detail["benchmarks"]["robustness"]
    assert [(row["name"], row["prompts"]) for row in rows] == [("served", 2), ("length only", 2)]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda rows: [{**rows[0], "chosen": 7}], "wrong.jsonl: line 1: column 'chosen' must be text, not int"),
        (
            lambda rows: [rows[0], {"id": "x", "prompt": "p", "chosen": "c"}],
            "wrong.jsonl: line 2: no column 'rejected'",
        ),
        (lambda rows: [rows[0], rows[0]], "wrong.jsonl: line 2: the id 'one' stands already in"),
    ],
)
def test_a_wrong_row_ends_with_2_and_names_its_place(
    measuring: Measuring, folder: Path, spoil: Callable[[list[Row]], list[Row]], told: str
) -> None:
    wrong = pairs_word(written(folder / "wrong.jsonl", spoil(ROWS)))
    with pytest.raises(InputError, match=told) as error:
        evaluate.run(measuring(model_word("tiny", folder), wrong))
    assert error.value.exit_code == 2


def test_a_refused_row_of_pairs_stands_in_quarantine_and_the_others_are_measured(
    measuring: Measuring, folder: Path
) -> None:
    asked = [{**row, "prompt": [{"role": "user", "content": row["prompt"]}]} for row in ROWS]
    twin = {**asked[0], "id": "twin", "rejected": asked[0]["chosen"]}
    pairs = pairs_word(written(folder / "refused.jsonl", [*asked, twin]))
    scored = f"evaluate.scores=[{elsewhere('user_pairs', their_scores(folder / 'their.csv'))}]"
    words = (pairs, scored, "evaluate.max_refused_share=0.2")
    for _ in range(2):
        stage = measuring(*words)
        outcome = run(stage)
        assert (outcome.rows_in, outcome.rows_out, outcome.quarantined) == (7, 6, {"identical_responses": 1})
        assert outcome.detail["benchmarks"]["refused"] == {"user_pairs": {"identical_responses": 1}}
        (kept,) = stage.warehouse.read("quarantine").where("reason = 'identical_responses'").collect()
        assert (kept["stage"], json.loads(kept["original"])) == ("evaluate", twin)
        assert kept["detail"].startswith(f"{folder}/refused.jsonl: line 7: both responses are the same text")
    found = scores(stage, "theirs")
    assert (found["user_pairs", "all", "refused_rows"], found["user_pairs", "all", "score"]) == (1.0, 1 / 6)
    assert outcome.detail["benchmarks"]["figures"][0]["refused"] == 1


def test_an_unknown_category_names_its_row_and_what_is_known(measuring: Measuring, folder: Path) -> None:
    row = {"id": "1", "subset": "alpacaeval-esay", "prompt": "p", "chosen": "c", "rejected": "r"}
    wrong = f"evaluate.benchmarks={{reward_bench: ['{written(folder / 'subset.jsonl', [row])}']}}"
    with pytest.raises(InputError, match="line 1: column 'subset': unknown value 'alpacaeval-esay'"):
        evaluate.run(measuring(model_word("tiny", folder), wrong))


def test_two_names_of_one_model_and_a_folder_without_a_model_are_told_before_anything_is_scored(
    measuring: Measuring, reward_models: tuple[Path, Path], folder: Path
) -> None:
    pairs = pairs_word(written(folder / "plain.jsonl", ROWS))
    twice = f"evaluate.models=[{{name: a, model: '{reward_models[0]}'}}, {{name: b, model: '{reward_models[0]}'}}]"
    with pytest.raises(InputError, match="evaluate: a and b are one engine"):
        evaluate.run(measuring(twice, pairs))
    with pytest.raises(InputError, match="nowhere"):
        evaluate.run(measuring(model_word("a", folder / "nowhere"), pairs))


def test_without_a_trained_campaign_and_without_names_the_stage_says_what_to_run(measuring: Measuring) -> None:
    with pytest.raises(InputError, match="run `synpref ingest` first"):
        evaluate.run(measuring("inputs=[{path: pairs.parquet, source: mine}]"))


def test_a_table_of_pairs_is_measured_at_its_last_version_and_is_no_folder_of_files(
    measuring: Measuring, reward_models: tuple[Path, Path], folder: Path
) -> None:
    place, spark = folder / "table", measuring().warehouse.spark
    schema = "pair_id string, prompt array<struct<role: string, content: string>>, chosen string, rejected string"
    asked = [(row["id"], [("user", row["prompt"])]) for row in ROWS]
    wrong = [(*one, row["rejected"], row["chosen"]) for one, row in zip(asked, ROWS, strict=True)]
    right = [(*one, row["chosen"], row["rejected"]) for one, row in zip(asked, ROWS, strict=True)]
    for rows in (wrong, right):  # the files of the first stay in the folder
        spark.createDataFrame(rows, schema).coalesce(1).write.format("delta").mode("overwrite").save(str(place))
    model = model_word("tabled", reward_models[0])
    stage = measuring(model, f"evaluate.table={place}", f"evaluate.where=pair_id != '{WORDS[0]}'")
    row = run(stage).detail["benchmarks"]["figures"][0]
    assert (row["name"], row["benchmark"], row["items"], row["held"]) == ("tabled", "user_pairs", 5, 5)
    told = json.loads((stage.folder / "benchmarks.json").read_text(encoding="utf-8"))
    assert told[0]["benchmarks"]["user_pairs"]["overall"]["value"] == 1.0
    with pytest.raises(InputError, match=r"a Delta table.*evaluate\.table"):
        evaluate.run(measuring(model, pairs_word(place)))


def test_a_corrected_file_of_scores_takes_the_place_of_the_earlier_one(measuring: Measuring, folder: Path) -> None:
    path, pairs = folder / "corrected.csv", pairs_word(written(folder / "corrected.jsonl", ROWS))
    word = f"evaluate.scores=[{{name: corrected, benchmark: user_pairs, path: '{path}'}}]"
    stage = measuring(pairs, word)
    for chosen, share in ((0.1, 0.0), (0.9, 1.0)):
        lines = [f"{row['id']}/chosen,{chosen}\n{row['id']}/rejected,0.5" for row in ROWS]
        path.write_text("\n".join(["id,score", *lines]))
        run(measuring(pairs, word))
        rows = stage.warehouse.read("benchmark_scores").where("benchmark = 'user_pairs' AND metric = 'score'")
        engines = stage.warehouse.read("engines").where("name = 'corrected'").select("engine_id")
        whole = rows.where("subset = 'all'").join(engines, "engine_id")
        assert [row["value"] for row in whole.collect()] == [share]

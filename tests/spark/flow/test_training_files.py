"""`synpref train` on files and tables, in an empty folder: what is trained, counted, held out and refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest

from synpref.config import load_settings
from synpref.engines.device import DtypeChoice
from synpref.errors import InputError
from synpref.flow.training_data import training_data
from synpref.flow.training_files import train_on_data
from synpref.quality.gate import Gate
from synpref.reward import precision
from synpref.reward.model_folder import read_model
from synpref.stage import Stage
from synpref.store.warehouse import Warehouse
from tests.unit.reward.conftest import with_strict_roles

MODEL = Path(__file__).resolve().parents[3] / ".cache/models/all-minilm-l6-v2"
FLAWED: list[dict[str, Any]] = [
    {"prompt": "one", "chosen": "same", "rejected": "same"},
    {"prompt": "two", "chosen": "", "rejected": "x"},
    {"prompt": "three", "chosen": "fine", "rejected": None},
]


def pair(group: int, number: int = 0) -> dict[str, Any]:
    return {"prompt": f"question {group}", "chosen": f"good answer {number}", "rejected": f"bad answer {number}"}


@pytest.fixture
def tracked(tmp_path: Path) -> Iterator[None]:
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    mlflow.set_experiment(
        experiment_id=mlflow.create_experiment("files", artifact_location=(tmp_path / "artifacts").as_uri())
    )
    yield
    mlflow.set_tracking_uri(before)


def stage_of(warehouse: Warehouse, folder: Path, *words: str) -> Stage:
    fixed = [
        f"run.dir={folder / 'run'}", f"train.backbone={MODEL}", "train.min_comparisons=2", "train.steps=2",
        "train.max_tokens=16", "train.evaluate_every=1", "mlflow.log_models=false",
    ]  # fmt: skip
    return Stage("train", "run", load_settings(["local"], [*fixed, *words]), warehouse, Gate())


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return f"train.data.pairs=[{{path: {path}, source: mine}}]"


@pytest.mark.skipif(not MODEL.is_dir(), reason="the small model is absent: run `make setup`")
def test_a_file_becomes_a_model_and_every_row_is_accounted_for(
    warehouse: Warehouse, tmp_path: Path, tracked: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "choose_training_dtype", lambda: DtypeChoice("bfloat16", "bfloat16", 2.0))
    rows = [pair(group, number) | {"category": "advice"} for group in range(10) for number in range(2)]
    tie = {"prompt": "q", "response_a": "x", "response_b": "y", "label": "tie"}
    (tmp_path / "ties.jsonl").write_text(json.dumps(tie) + "\n")
    word = write(tmp_path / "pairs.jsonl", [*rows, rows[0], *FLAWED])
    both = word.removesuffix("]") + f", {{path: {tmp_path}/ties.jsonl, source: ties}}]"
    done = train_on_data(stage_of(warehouse, tmp_path, both, "train.data.validation_share=0.2"))
    outcome = done.outcome
    assert outcome.reconciles()
    assert (outcome.rows_in, outcome.duplicates, outcome.rows_out) == (25, 1, 20)
    assert outcome.quarantined == {"empty_response": 1, "identical_responses": 1, "missing_response": 1, "tie": 1}
    assert outcome.detail["sizes"] == {"train": 16, "validation": 4}
    assert outcome.detail["groups"] == {"train": 8, "validation": 2}
    kept = {(row["stage"], row["reason"]) for row in warehouse.read("quarantine").collect()}
    assert ("train", "tie") in kept
    assert ("ingest", "identical_responses") in kept
    (noted,) = outcome.detail["models"]["data"]
    folder = Path(noted["path"])
    assert read_model(folder).rows["comparisons"] == 16
    assert read_model(folder).plan.dtype == "bfloat16"  # measured, and kept with the model
    assert (folder / "README.md").read_text(encoding="utf-8").startswith("---\nlibrary_name: transformers\n")
    assert str(folder) in done.text
    assert "of 4 held-out comparisons" in done.text
    run = mlflow.get_run((folder.parent / f"{folder.name}.logged").read_text())
    assert run.data.metrics["validation/accuracy"] == outcome.detail["validation"]["accuracy"]["estimate"]
    by_category = {name: value for name, value in run.data.metrics.items() if "by_category" in name}
    assert by_category == {"validation/accuracy_by_category/advice": run.data.metrics["validation/accuracy"]}
    assert run.inputs is not None
    assert {one.dataset.name for one in run.inputs.dataset_inputs} == {
        str(tmp_path / "pairs.jsonl"), str(tmp_path / "ties.jsonl")
    }  # fmt: skip
    assert [one.path for one in mlflow.MlflowClient().list_artifacts(run.info.run_id, "validation")] == [
        "validation/figures.json", "validation/reliability.json", "validation/reliability.png"
    ]  # fmt: skip


def test_given_validation_is_measured_on_and_its_groups_are_not_trained_on(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    word = write(tmp_path / "pairs.jsonl", [pair(group, number) for group in range(4) for number in range(2)])
    write(tmp_path / "held.jsonl", [pair(0, 0), pair(0, 7), pair(9)])
    data = training_data(
        stage_of(warehouse, tmp_path, word, f"train.data.validation=[{{path: {tmp_path}/held.jsonl, source: held}}]")
    )
    assert data.sizes == {"train": 6, "validation": 3}
    # question 0 stands in both: one comparison is the validation's own, the other shares its group
    assert (data.duplicates, data.quarantined) == (1, {"validation_group": 1})
    groups = {side: {row["group"] for row in data.labelled.where(f"side = '{side}'").collect()} for side in data.sizes}
    assert not groups["train"] & groups["validation"]


def test_training_prompts_of_a_benchmark_are_refused(warehouse: Warehouse, tmp_path: Path) -> None:
    word = write(tmp_path / "pairs.jsonl", [pair(group) for group in range(5)])
    listed = tmp_path / "bench.jsonl"
    listed.write_text(json.dumps({"benchmark": "mine", "prompt": "Question 3"}) + "\n")
    data = training_data(stage_of(warehouse, tmp_path, word, f"train.data.decontaminate=[{listed}]"))
    assert data.quarantined == {"benchmark_prompt_whole": 1}
    assert sum(data.sizes.values()) == 4


def test_where_only_prompts_of_a_benchmark_are_left_one_is_named(warehouse: Warehouse, tmp_path: Path) -> None:
    word = write(tmp_path / "pairs.jsonl", [pair(3)])
    listed = tmp_path / "bench.jsonl"
    listed.write_text(json.dumps({"benchmark": "mine", "prompt": "Question 3"}) + "\n")
    with pytest.raises(InputError, match=r"benchmark_prompt_whole 1, such as line 1 of .*pairs\.jsonl"):
        training_data(stage_of(warehouse, tmp_path, word, f"train.data.decontaminate=[{listed}]"))


def test_validation_of_ties_alone_is_refused(warehouse: Warehouse, tmp_path: Path) -> None:
    word = write(tmp_path / "pairs.jsonl", [pair(group) for group in range(4)])
    tie = {"prompt": "q", "response_a": "x", "response_b": "y", "label": "tie"}
    (tmp_path / "ties.jsonl").write_text(json.dumps(tie) + "\n")
    held = f"train.data.validation=[{{path: {tmp_path}/ties.jsonl, source: ties}}]"
    with pytest.raises(InputError, match="no comparison is left to measure on; refused of all files: tie 1 "):
        train_on_data(stage_of(warehouse, tmp_path, word, held))


def test_data_read_otherwise_has_another_id(warehouse: Warehouse, tmp_path: Path) -> None:
    """Quarantine keeps the refused rows of each apart."""
    write(tmp_path / "a.jsonl", [pair(group) for group in range(4)])
    write(tmp_path / "b.jsonl", [pair(group, 1) for group in range(4, 8)])

    def data_id(pairs: str, held: str, *words: str) -> str:
        named = (f"[{{path: {tmp_path}/{name}.jsonl, source: s}}]" for name in (pairs, held))
        chosen = [f"train.data.{what}={one}" for what, one in zip(("pairs", "validation"), named, strict=True)]
        return training_data(stage_of(warehouse, tmp_path, *chosen, *words)).data_id

    ids = [data_id("a", "b"), data_id("b", "a"), data_id("a", "b", "groups.column=chosen")]
    assert len(set(ids)) == 3
    assert data_id("a", "b") == ids[0]


def test_a_seed_of_the_training_alone_holds_the_same_groups_out(warehouse: Warehouse, tmp_path: Path) -> None:
    word = write(tmp_path / "pairs.jsonl", [pair(group) for group in range(20)])

    def held(*words: str) -> set[str]:
        data = training_data(stage_of(warehouse, tmp_path, word, "train.data.validation_share=0.3", *words))
        return {row["comparison_id"] for row in data.labelled.where("side = 'validation'").collect()}

    assert held("train.seed=7") == held() != held("seed=7")


@pytest.mark.skipif(not MODEL.is_dir(), reason="the small model is absent: run `make setup`")
def test_overlong_pairs_are_refused_where_the_settings_say_so(warehouse: Warehouse, tmp_path: Path) -> None:
    long = {"prompt": "question", "chosen": "word " * 50, "rejected": "no"}
    word = write(tmp_path / "pairs.jsonl", [long, *(pair(group) for group in range(5))])
    data = training_data(stage_of(warehouse, tmp_path, word, "scorer.overlong=refuse"))
    assert data.quarantined == {"overlong": 1}
    assert sum(data.sizes.values()) == 5


@pytest.mark.skipif(not MODEL.is_dir(), reason="the small model is absent: run `make setup`")
def test_pairs_of_roles_that_the_chat_template_refuses_are_quarantined_under_either_policy(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    backbone = with_strict_roles(MODEL, tmp_path / "strict")
    answers = {side: [{"role": "assistant", "content": side}] for side in ("chosen", "rejected")}
    asked = [[{"role": "user", "content": f"question {group}"}] for group in range(6)]
    begun = [{"role": "assistant", "content": "Ask me."}, *asked[0]]
    word = write(tmp_path / "pairs.jsonl", [{"prompt": turns, **answers} for turns in (begun, *asked[1:])])
    data = training_data(stage_of(warehouse, tmp_path, word, f"train.backbone={backbone}"))
    assert data.quarantined == {"row_refused": 1}
    assert sum(data.sizes.values()) == 5
    (row,) = warehouse.read("quarantine").where("reason = 'row_refused'").collect()
    assert row["stage"] == "train"


@pytest.mark.parametrize("origin", ["human", "unknown"])
def test_one_source_one_origin_and_one_place_of_the_better_response_are_no_obstacle(
    origin: str, warehouse: Warehouse, tmp_path: Path
) -> None:
    """Sides are ordered by their ids, so that the label `a` in every row says nothing of a pair's order here."""
    rows = [
        {"prompt": f"p{number}", "response_a": f"x{number}", "response_b": f"y{number}", "label": "a"}
        for number in range(12)
    ]
    word = write(tmp_path / "pairs.jsonl", rows).replace("source: mine", f"source: mine, label_origin: {origin}")
    data = training_data(stage_of(warehouse, tmp_path, word, "train.data.validation_share=0"))
    assert data.sizes == {"train": 12}
    assert not data.quarantined


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [{"prompt": "p", "response_a": "x", "response_b": "y", "label": "tie"}],
            r"which response is better \(tie 1, such as line 1 of .*pairs\.jsonl\)",
        ),
        (
            [
                {"prompt": f"p{number}", "response_a": "x", "response_b": "y", "label": label}
                for number, label in enumerate(["tie", "tie", "none"])
            ],
            r"which response is better \(no_label 1, such as line 3 of .*pairs\.jsonl; tie 2, such as line 1 of ",
        ),
        (
            FLAWED,
            r"no pair is left to train on; refused: empty_response 1, such as line 2 of .*pairs\.jsonl; identical",
        ),
        (FLAWED, r"identical_responses 1, such as line 1 of .*; missing_response 1, such as line 3 of "),
        ([{"prompt": "p", "chosen": "t", "rejected": "t"}] * 3, "refused: identical_responses 3, such as line 1 of "),
        ([pair(1, 0), pair(1, 1)], "all pairs lie in one group"),
    ],
)
def test_data_that_can_train_nothing_is_told(
    warehouse: Warehouse, tmp_path: Path, rows: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        training_data(stage_of(warehouse, tmp_path, write(tmp_path / "pairs.jsonl", rows)))


def test_too_few_pairs_are_told_with_the_setting(warehouse: Warehouse, tmp_path: Path) -> None:
    stage = stage_of(warehouse, tmp_path, write(tmp_path / "p.jsonl", [pair(1), pair(2), pair(3)]))
    few = Stage("train", "run", load_settings(["local"], [
        f"run.dir={tmp_path / 'run'}", write(tmp_path / "p.jsonl", [pair(1), pair(2), pair(3)])
    ]), stage.warehouse, Gate())  # fmt: skip
    with pytest.raises(InputError, match=r"2 comparisons are left to train on, a reward model needs 50 \(train\.min_"):
        train_on_data(few)


def test_a_table_is_read_at_its_version_and_named_so(warehouse: Warehouse, tmp_path: Path) -> None:
    rows = [([("user", f"question {group}")], "good", "bad") for group in range(6)]
    schema = "prompt array<struct<role: string, content: string>>, chosen string, rejected string"
    place = str(tmp_path / "mine")
    warehouse.spark.createDataFrame(rows, schema).write.format("delta").save(place)
    data = training_data(stage_of(warehouse, tmp_path, f"train.data.table={place}"))
    assert sum(data.sizes.values()) == 6
    assert data.table is not None
    assert (data.table.path, data.table.version) == (place, 0)
    again = training_data(stage_of(warehouse, tmp_path, f"train.data.table={place}"))
    assert again.data_id == data.data_id

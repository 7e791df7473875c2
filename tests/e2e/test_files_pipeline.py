"""Stage after stage as a user runs them: files of pairs, gold out of their labels, a refused judge, no truth."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from synpref.cli import STAGES
from synpref.demo.files import write_pool
from synpref.reward.model_folder import TrainedModel, read_model
from synpref.reward.rows import read_comparisons
from synpref.stage2.training_sets import MIXES
from tests.e2e.pipelines import MODEL, ROOT
from tests.e2e.test_train_and_evaluate import synpref

JUDGE = ROOT / ".cache/models/smollm2-135m-instruct"

pytestmark = [
    pytest.mark.skipif(not (MODEL.is_dir() and JUDGE.is_dir()), reason="the small models are absent: `make setup`"),
    pytest.mark.timeout(3600),
]


@dataclass(frozen=True)
class Curated:
    """What the stages left in a folder, and what the last one, the report, printed."""

    run: Path
    told: str

    def rows(self, spark: SparkSession, query: str) -> list[dict[str, Any]]:
        """Rows of a query over tables of the warehouse, by name."""
        for table in (self.run / "warehouse").iterdir():
            if table.name in query and (table / "_delta_log").is_dir():  # the others are not worth opening
                spark.read.format("delta").load(str(table)).createOrReplaceTempView(table.name)
        return [row.asDict() for row in spark.sql(query).collect()]

    @property
    def summary(self) -> dict[str, Any]:
        """summary.json."""
        found: dict[str, Any] = json.loads((self.run / "summary.json").read_text(encoding="utf-8"))
        return found


@pytest.fixture(scope="module")
def curated(tmp_path_factory: pytest.TempPathFactory) -> Curated:
    """Each stage by a command of its own, over files of several shapes, on the tables that those before it left."""
    folder = tmp_path_factory.mktemp("files of a user")
    pool = write_pool(folder / "raw", seed=5, prompts=260, test_prompts=1)
    inputs = [{"path": str(file.path), "source": file.source} for file in pool.pool]
    judge = {"name": "smollm2", "kind": "transformers", "model": str(JUDGE), "few_shots": 0}
    words = [
        "--conf", "local", "run.dir=run", f"inputs={json.dumps(inputs)}",
        f"judges={json.dumps([judge])}", "humans.share=0.4", "stage1.pool_share=1.0", "stage1.seed_judge=10",
        "stage1.hold_out.validation_share=0.35", "stage1.hold_out.test_share=0.3", "train.steps=6",
        "train.final.steps=8", "train.final_seeds=1", "train.max_tokens=32", "scorer.max_tokens=32",
        f"train.backbone={MODEL}", f"embedder.model={MODEL}", "embedder.max_tokens=32", "stage2.allow_weak_models=true",
        f"hygiene.benchmarks={json.dumps([str(pool.benchmarks)])}", "evaluate.robustness=0", "mlflow.log_models=false",
    ]  # fmt: skip
    told = [synpref(folder, stage, *words) for stage in STAGES]
    return Curated(folder / "run", told[-1])


def test_each_stage_went_on_where_another_command_had_ended(curated: Curated, local_spark: SparkSession) -> None:
    rows = curated.rows(local_spark, "SELECT stage, run_id FROM stage_runs ORDER BY started")
    assert [row["stage"] for row in rows] == list(STAGES)
    assert len({row["run_id"] for row in rows}) == len(STAGES)


def test_the_final_models_took_their_own_steps(curated: Curated) -> None:
    steps = {model.name: model.plan.steps for model in _models(curated.run)}
    final = {f"{mix}-1" for mix in MIXES}
    assert steps == {name: 8 if name in final else 6 for name in {*final, "gold", "half-0", "half-1"}}


def test_a_real_judge_that_answers_by_position_is_refused_and_the_run_says_so(curated: Curated) -> None:
    judge = curated.summary["judges"]["smollm2"]
    assert (judge["admitted"], judge["simulated"]) == (False, False)
    assert sum(judge["verdicts"].values()) == 64  # 32 pairs in both orders, after which the rule is looked at
    assert "No silver: the best reward model is cross-fitted" in curated.told
    assert "Judge smollm2 was refused" in curated.told
    assert "Gold is labels of the input files" in curated.told
    assert curated.summary["labels"] is None  # nobody knows the truth of a user's files


def test_each_half_of_wild_is_scored_by_the_model_of_the_other_alone(
    curated: Curated, local_spark: SparkSession
) -> None:
    (left,) = curated.rows(local_spark, "SELECT detail FROM stage_runs WHERE stage = 'score'")
    engines = {one["fold"]: one["engine_id"] for one in json.loads(left["detail"])["best_engines"]}
    assert set(engines) == {0, 1}
    trained = _trained(curated.run)
    halves = {
        fold: {row["comparison_id"] for row in _wild(curated, local_spark) if row["fold"] == fold} for fold in (0, 1)
    }
    assert min(map(len, halves.values())) > 50
    for fold, engine in engines.items():
        seen = trained[f"half-{1 - fold}"]
        assert seen <= halves[1 - fold]
        assert not seen & halves[fold]
        decided = curated.rows(local_spark, f"SELECT comparison_id FROM decisions WHERE best_engine_id = '{engine}'")
        assert {row["comparison_id"] for row in decided} == halves[fold]


def _wild(curated: Curated, local_spark: SparkSession) -> list[dict[str, Any]]:
    latest = "SELECT comparison_id, max_by(role, iteration) role, max_by(fold, iteration) fold FROM roles GROUP BY 1"
    return curated.rows(local_spark, f"SELECT * FROM ({latest}) WHERE role = 'wild'")


def _trained(run: Path) -> dict[str, set[str]]:
    """What each model was trained on, by its name: found by the digest of the snapshot."""
    rows = {
        read_comparisons(folder).digest: {
            row["comparison_id"] for row in pq.read_table(folder / "comparisons").to_pylist()
        }
        for folder in (run / "snapshots").iterdir()
    }
    return {model.name: rows[model.training_digest] for model in _models(run)}


def _models(run: Path) -> list[TrainedModel]:
    return [read_model(folder) for folder in (run / "models").iterdir() if (folder / "model.json").exists()]

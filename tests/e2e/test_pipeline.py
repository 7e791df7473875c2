from __future__ import annotations

import json
from collections import Counter, defaultdict
from importlib.metadata import version

import deltalake
import pyarrow.parquet as pq
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from pyspark.sql import SparkSession

from synpref.cli import STAGES
from synpref.reward.model_folder import read_model
from synpref.reward.rows import read_comparisons
from synpref.stage2.training_sets import MIXES
from synpref.store.contracts import TABLES
from tests.e2e.pipelines import MODEL, SmallRun

INFERENCE = {
    "verdicts": ["comparison_id", "prompt_hash", "order", "sample", "engine_id"],
    "embeddings": ["text_id", "engine_id"],
    "attributes": ["comparison_id", "engine_id", "sample"],
    "rewards": ["response_id", "engine_id"],
}

LATEST = "SELECT comparison_id, max_by(role, iteration) role FROM roles GROUP BY comparison_id"

pytestmark = [
    pytest.mark.skipif(not MODEL.is_dir(), reason="the small model is absent: run `make setup`"),
    pytest.mark.timeout(3600),
]


def test_everything_that_a_user_is_promised_is_there(small: SmallRun) -> None:
    for name in ("warehouse", "mlflow.db", "report.html", "data_docs/index.html", "models", "summary.json"):
        assert (small.run / name).exists(), name
    summary = json.loads((small.folder / "first.json").read_text())
    assert all(
        counts["rows_in"] == counts["rows_out"] + counts["duplicates"] + sum(counts["quarantined"].values())
        for counts in summary["stages"].values()
    )
    described = summary["stages"]["attributes"]
    assert described["answers"] == {"simulated-family": {"parsed": described["rows_out"], "invalid": 0}}
    assert summary["judges"]["simulated-careful"]["admitted"]
    assert not summary["judges"]["simulated-biased"]["admitted"]
    assert summary["gate"]["failed"] == 0
    memory = summary["peak_memory_gb"]
    assert 0 < memory["driver"] < 3
    assert 0 < memory["worker"] < 3


def test_every_table_holds_one_row_a_key(small: SmallRun) -> None:
    standing = [table for name, table in TABLES.items() if (small.run / "warehouse" / name).exists()]
    assert len(standing) > 15
    for table in standing:
        keys = small.texts(table.name, table.key)
        assert len(keys) == len(set(keys)), table.name


def test_a_kill_loses_and_repeats_nothing_that_was_committed(small: SmallRun) -> None:
    killed = json.loads((small.folder / "killed.json").read_text())
    assert killed["verdicts"] >= 2
    assert not {"decisions", "curated"} & set(killed)
    for name, key in INFERENCE.items():
        keys = small.texts(name, key)
        assert len(keys) == len(set(keys)), name
        if name not in killed:
            continue
        before = small.texts(name, version=killed[name])
        assert before, name
        assert not Counter(before) - Counter(small.texts(name)), name
    asked = sum(small.rows(name).num_rows for name in INFERENCE)
    stood = sum(small.rows(name, version=killed[name]).num_rows for name in INFERENCE if name in killed)
    stages = json.loads((small.folder / "first.json").read_text())["stages"].values()
    assert sum(counts["engine_calls"] for counts in stages) == asked - stood


def test_each_commit_of_answers_tells_its_run_and_its_torch(small: SmallRun) -> None:
    commits = deltalake.DeltaTable(str(small.run / "warehouse" / "rewards")).history()
    told = [json.loads(one["userMetadata"]) for one in commits if one["operation"] == "MERGE"]
    assert told
    assert {one["torch"] for one in told} == {version("torch")}
    assert all(one["run_id"] and one["settings_hash"] for one in told)


def test_a_second_run_asks_no_engine_trains_nothing_and_decides_the_same(small: SmallRun) -> None:
    first = json.loads((small.folder / "first.json").read_text())
    models = sorted(path.name for path in (small.run / "models").iterdir())
    decided = {name: small.texts(name) for name in ("decisions", "curated", "roles", "labels")}
    assert sum(counts["engine_calls"] for counts in first["stages"].values()) > 0
    said = len(small.log)
    second = small.finish()
    assert small.log[said:].count("stands as run") == len(STAGES) - 2  # ingest looks at the files, report tells
    calls = {name: counts["engine_calls"] for name, counts in second["stages"].items()}
    assert calls == dict.fromkeys(second["stages"], 0)
    small.finish("stage1")  # by itself it runs again, over the same tables
    last = small.rows("stage_runs").sort_by("started").to_pylist()[-1]
    assert (last["stage"], last["engine_calls"]) == ("stage1", 0)
    assert last["engine_calls_saved"] > 0
    assert sorted(path.name for path in (small.run / "models").iterdir()) == models
    for part in ("campaign", "labels", "reward_models"):
        assert first[part] == second[part]
    for name, rows in decided.items():
        assert small.texts(name) == rows, name


def test_a_failed_gate_stops_the_job_and_leaves_what_was_published(small: SmallRun) -> None:
    published = ("decisions", "curated")
    before = {name: small.commits(name) for name in published}
    assert small.exit_code("stage2", "gate.min_keep_share=1.0") == 3
    assert "keep_share" in small.log[-2000:]
    assert {name: small.commits(name) for name in published} == before
    failed = [row for row in small.rows("quality_results").to_pylist() if not row["success"]]
    assert {row["suite"] for row in failed} == {"stage2 decisions shares"}


def test_no_comparison_of_a_held_out_group_was_decided_or_curated(small: SmallRun, local_spark: SparkSession) -> None:
    for name in ("source_labels", "roles", "decisions", "curated", "retrievals"):
        small.table(local_spark, name).createOrReplaceTempView(name)
    closed = "SELECT DISTINCT `group` FROM roles JOIN source_labels USING (comparison_id) WHERE side IS NOT NULL"
    of_closed = f"SELECT comparison_id FROM source_labels WHERE `group` IN ({closed})"
    assert local_spark.sql(of_closed).count() > 0
    for table in ("decisions", "curated"):
        assert local_spark.sql(f"SELECT * FROM {table} WHERE comparison_id IN ({of_closed})").isEmpty(), table


def test_no_model_was_trained_on_what_it_may_not_see(small: SmallRun, local_spark: SparkSession) -> None:
    small.table(local_spark, "roles").createOrReplaceTempView("roles")
    of_role: dict[str, set[str]] = defaultdict(set)
    for row in local_spark.sql(LATEST).collect():
        of_role[row["role"]].add(row["comparison_id"])
    # validation rows are snapshots too: a model is known by the digest of those it was trained on
    rows = {
        read_comparisons(folder).digest: {
            row["comparison_id"] for row in pq.read_table(folder / "comparisons").to_pylist()
        }
        for folder in (small.run / "snapshots").iterdir()
    }
    models = [read_model(folder) for folder in (small.run / "models").iterdir() if (folder / "model.json").exists()]
    trained = {model.name: rows[model.training_digest] for model in models}
    assert {"gold", "silver-0"} <= set(trained)
    for name, ids in trained.items():
        assert ids, name
        assert not ids & (of_role["held_out"] | of_role["gold-validation"] | of_role["gold-test"]), name
        if name.startswith("silver"):
            assert ids <= of_role["silver"], name
    assert trained["gold"] <= of_role["gold-train"]
    assert of_role["wild"]  # whose decisions hang on the scores of models that saw none of it


def names_above(client: MlflowClient, run: Run) -> list[str]:
    """Names of the runs that an MLflow run lies in, the nearest first."""
    names = []
    while "mlflow.parentRunId" in run.data.tags:
        run = client.get_run(run.data.tags["mlflow.parentRunId"])
        names.append(run.info.run_name)
    return names


def test_every_model_is_measured_and_the_final_ones_have_a_card(small: SmallRun) -> None:
    client = MlflowClient(tracking_uri=f"sqlite:///{small.run}/mlflow.db")
    models = [read_model(folder) for folder in (small.run / "models").iterdir() if (folder / "model.json").exists()]
    final = {f"{mix}-1" for mix in MIXES}
    assert final < {model.name for model in models}
    for model in models:
        run = client.get_run((small.run / "models" / f"{model.model_id}.logged").read_text(encoding="utf-8"))
        assert names_above(client, run) == ["train" if model.name in final else "stage1", "pipeline"], model.name
        metrics = run.data.metrics
        assert metrics["validation/comparisons"] + metrics["validation/unscored"] >= 100, model.name
        assert {"validation/accuracy", "validation/calibration_error"} <= set(metrics)
        assert any(name.startswith("validation/accuracy_by_category/") for name in metrics), model.name
        assert ("test/accuracy" in metrics) == (model.name in final), model.name
        card = model.path / "README.md"
        assert card.is_file() == (model.name in final)
        if model.name in final:
            told = card.read_text(encoding="utf-8")
            assert "| table decisions | version " in told
            assert "| all | " in told
            assert "| category " in told


def test_few_shots_are_gold_train_of_other_groups(small: SmallRun, local_spark: SparkSession) -> None:
    for name in ("source_labels", "roles", "retrievals"):
        small.table(local_spark, name).createOrReplaceTempView(name)
    shots = local_spark.sql("SELECT * FROM retrievals WHERE purpose = 'few_shot'")
    assert shots.count() > 0
    gold = "SELECT comparison_id FROM roles WHERE role = 'gold-train'"
    assert local_spark.sql(
        f"SELECT * FROM retrievals WHERE purpose = 'few_shot' AND retrieved NOT IN ({gold})"
    ).isEmpty()
    same = (
        "SELECT * FROM retrievals r JOIN source_labels q ON q.comparison_id = r.query "
        "JOIN source_labels s ON s.comparison_id = r.retrieved WHERE r.purpose = 'few_shot' AND q.`group` = s.`group`"
    )
    assert local_spark.sql(same).isEmpty()


def test_gold_silver_and_wild_share_no_normalised_comparison(small: SmallRun, local_spark: SparkSession) -> None:
    for name in ("roles", "comparisons"):
        small.table(local_spark, name).createOrReplaceTempView(name)
    shared = (
        f"SELECT normalised_comparison_id FROM ({LATEST}) JOIN comparisons USING (comparison_id) "
        "WHERE role IN ('gold-train', 'silver', 'wild') GROUP BY 1 HAVING count(*) > 1"
    )
    assert local_spark.sql(shared).isEmpty()


def test_errors_on_gold_train_alone_retrieve_and_only_out_of_the_pool(
    small: SmallRun, local_spark: SparkSession
) -> None:
    for name in ("roles", "retrievals"):
        small.table(local_spark, name).createOrReplaceTempView(name)
    adaptive = "SELECT iteration, query, retrieved FROM retrievals WHERE purpose = 'adaptive'"
    assert local_spark.sql(adaptive).count() > 0
    # the roles that retrieval saw: silver of the same iteration came of it
    then = (
        f"SELECT a.iteration, r.comparison_id, max_by(r.role, r.iteration) role FROM (SELECT DISTINCT iteration FROM "
        f"({adaptive})) a JOIN roles r ON r.iteration < a.iteration OR (r.iteration = a.iteration AND "
        "r.role <> 'silver') GROUP BY a.iteration, r.comparison_id"
    )
    for side, role in (("query", "gold-train"), ("retrieved", "stage1_pool")):
        of_side = (
            f"SELECT DISTINCT t.role FROM ({adaptive}) a LEFT JOIN ({then}) t "
            f"ON t.iteration = a.iteration AND t.comparison_id = a.{side}"
        )
        assert [row["role"] for row in local_spark.sql(of_side).collect()] == [role], side


def test_judges_saw_no_test_and_were_examined_on_gold_validation_alone(
    small: SmallRun, local_spark: SparkSession
) -> None:
    for name in ("roles", "verdicts", "engines"):
        small.table(local_spark, name).createOrReplaceTempView(name)
    told = local_spark.sql(
        "SELECT DISTINCT e.name, l.role FROM verdicts v JOIN engines e ON e.engine_id = v.engine_id "
        f"LEFT JOIN ({LATEST}) l ON l.comparison_id = v.comparison_id"
    ).collect()
    asked: dict[str, set[str | None]] = defaultdict(set)
    for row in told:
        asked[row["name"]].add(row["role"])
    # one that is refused is asked no further
    assert asked["simulated-biased"] == {"gold-validation"}
    assert {"gold-validation", "silver"} <= asked["simulated-careful"]
    assert asked["simulated-careful"] <= {"gold-validation", "silver", "wild", "discarded"}


def test_stage_2_decided_wild_gold_train_and_silver_and_nothing_else(
    small: SmallRun, local_spark: SparkSession
) -> None:
    for name in ("roles", "decisions"):
        small.table(local_spark, name).createOrReplaceTempView(name)
    decided = local_spark.sql(
        f"SELECT r.role, count(*) n, count(d.comparison_id) decided FROM ({LATEST}) r LEFT JOIN "
        "(SELECT DISTINCT comparison_id FROM decisions) d ON d.comparison_id = r.comparison_id GROUP BY r.role"
    ).collect()
    open_roles = {"wild", "gold-train", "silver"}
    assert {row["role"] for row in decided if row["decided"]} == open_roles
    assert all(row["decided"] == row["n"] for row in decided if row["role"] in open_roles)
    assert {"held_out", "gold-validation", "gold-test"} <= {row["role"] for row in decided}


def test_what_an_inference_stage_wrote_is_held_to_its_contract_before_it_is_read(small: SmallRun) -> None:
    wanted = {
        ("hygiene publishes source_labels", "source_labels"),
        ("embed reads attributes", "attributes"),
        ("stage1 reads embeddings", "embeddings"),
        ("stage1 reads verdicts", "verdicts"),
        ("stage1 reads rewards", "rewards"),
        ("stage2 reads rewards", "rewards"),
        ("stage2 reads attributes", "attributes"),
        ("stage2 reads embeddings", "embeddings"),
        ("stage2 reads verdicts", "verdicts"),
        ("stage2 decisions", "decisions"),
        ("stage2 decisions totals", "decisions"),
        ("stage2 decisions shares", "decisions"),
        ("stage2 curated", "curated"),
        ("stage2 curated totals", "curated"),
    }
    runs = small.rows("stage_runs").sort_by("started").to_pylist()
    until = next(place for place, row in enumerate(runs) if row["stage"] == "report")  # the first run that ended
    ids = {row["run_id"] for row in runs[:until]}
    results = small.rows("quality_results").to_pylist()
    held = {(row["suite"], row["table"]) for row in results if row["run_id"] in ids}
    # judges and attributes are simulated: where no model computed, Stage 2 embedded nothing that was not held before
    (stage2,) = [row for row in runs[:until] if row["stage"] == "stage2"]
    if json.loads(stage2["detail"])["engine"] is None:
        wanted.remove(("stage2 reads embeddings", "embeddings"))
    assert held == wanted


def test_a_stage_2_that_runs_alone_is_reported_without_the_models_trained_before_it(small: SmallRun) -> None:
    before = small.summary()
    assert small.exit_code("stage2", "stage2.mix=filtered") == 0, small.log[-4000:]  # another policy
    assert small.exit_code("evaluate") == 2
    assert "the final models were trained under policy" in small.log[-2000:]
    pages = (small.run / "data_docs" / "index.html").read_text(encoding="utf-8")
    assert "stage1 reads embeddings" in pages  # of a command before, beside what this one checked
    after = small.finish("report")
    assert set(before["stages"]) - set(after["stages"]) == {"train", "evaluate"}
    assert before["reward_models"]["original"] is not None
    assert set(after["reward_models"].values()) == {None}
    assert not [name for name in after["intervals"] if name.startswith("reward_models.")]
    assert after["labels"] == before["labels"]  # of the new decisions, which are the same
    assert "train last ran under" in small.log[-4000:]

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from synpref.spark import open_session

ROOT = Path(__file__).parents[2]
MODEL = ROOT / ".cache/models/all-minilm-l6-v2"
SMALL = """
generated: {prompts: 300, test_prompts: 40}
stage1: {seed_human: 420, seed_judge: 120, max_retrieved: 60, few_shots: 2}
attributes: [{name: simulated-family, kind: simulated}]
judges:
  - {name: simulated-careful, kind: simulated, accuracy: 0.95, position_bias: 0.02}
  - {name: simulated-biased, kind: simulated, accuracy: 0.6, position_bias: 0.7}
train: {steps: 20, final_seeds: 1}
stage2: {allow_weak_models: true}
gate: {min_keep_share: 0.0}
mlflow: {log_models: false}
"""

pytestmark = [
    pytest.mark.skipif(not MODEL.is_dir(), reason="the small model is absent: run `make setup`"),
    pytest.mark.skipif("SYNPREF_LONG" not in os.environ, reason="minutes long: set SYNPREF_LONG=1"),
    pytest.mark.timeout(1500),
]


def _run(folder: Path) -> subprocess.CompletedProcess[str]:
    words = ["pipeline", "--conf", "demo", "--conf", str(folder / "small.yaml"), f"run.dir={folder / 'run'}"]
    return subprocess.run(
        [sys.executable, "-m", "synpref.cli", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small pipeline that ran twice, in a folder with a space in its name."""
    folder = tmp_path_factory.mktemp("a pipeline")
    (folder / "small.yaml").write_text(SMALL, encoding="utf-8")
    for number in ("first", "second"):
        done = _run(folder)
        assert done.returncode == 0, done.stderr[-4000:]
        (folder / f"{number}.json").write_text((folder / "run/summary.json").read_text(encoding="utf-8"))
    return folder


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    session = open_session(app_name="tests", master="local[2]", driver_memory="1g", extra={})
    yield session
    session.stop()


def _table(spark: SparkSession, folder: Path, name: str) -> DataFrame:
    return spark.read.format("delta").load(str(folder / "run/warehouse" / name))


def test_everything_that_a_user_is_promised_is_there(folder: Path) -> None:
    for name in ("warehouse", "mlflow.db", "report.html", "data_docs/index.html", "models", "summary.json"):
        assert (folder / "run" / name).exists(), name
    summary = json.loads((folder / "first.json").read_text())
    assert all(
        counts["rows_in"] == counts["rows_out"] + counts["duplicates"] + sum(counts["quarantined"].values())
        for counts in summary["stages"].values()
    )
    assert summary["judges"]["simulated-careful"]["admitted"]
    assert not summary["judges"]["simulated-biased"]["admitted"]
    assert summary["gate"]["failed"] == 0


def test_a_second_run_asks_no_engine_trains_nothing_and_decides_the_same(folder: Path) -> None:
    first, second = (json.loads((folder / f"{name}.json").read_text()) for name in ("first", "second"))
    assert sum(counts["engine_calls"] for counts in first["stages"].values()) > 0
    assert {name: counts["engine_calls"] for name, counts in second["stages"].items()} == dict.fromkeys(
        second["stages"], 0
    )
    for part in ("campaign", "labels", "reward_models"):
        assert first[part] == second[part]


def test_no_comparison_of_a_held_out_group_was_decided_or_curated(folder: Path, spark: SparkSession) -> None:
    for name in ("source_labels", "roles", "decisions", "curated", "retrievals"):
        _table(spark, folder, name).createOrReplaceTempView(name)
    closed = "SELECT DISTINCT `group` FROM roles JOIN source_labels USING (comparison_id) WHERE side IS NOT NULL"
    of_closed = f"SELECT comparison_id FROM source_labels WHERE `group` IN ({closed})"
    assert spark.sql(of_closed).count() > 0
    for table in ("decisions", "curated"):
        assert spark.sql(f"SELECT * FROM {table} WHERE comparison_id IN ({of_closed})").isEmpty(), table


def test_few_shots_are_gold_train_of_other_groups(folder: Path, spark: SparkSession) -> None:
    for name in ("source_labels", "roles", "retrievals"):
        _table(spark, folder, name).createOrReplaceTempView(name)
    shots = spark.sql("SELECT * FROM retrievals WHERE purpose = 'few_shot'")
    assert shots.count() > 0
    gold = "SELECT comparison_id FROM roles WHERE role = 'gold-train'"
    assert spark.sql(f"SELECT * FROM retrievals WHERE purpose = 'few_shot' AND retrieved NOT IN ({gold})").isEmpty()
    same = (
        "SELECT * FROM retrievals r JOIN source_labels q ON q.comparison_id = r.query "
        "JOIN source_labels s ON s.comparison_id = r.retrieved WHERE q.`group` = s.`group`"
    )
    assert spark.sql(same).isEmpty()


def test_gold_silver_and_wild_share_no_normalised_comparison(folder: Path, spark: SparkSession) -> None:
    for name in ("roles", "comparisons"):
        _table(spark, folder, name).createOrReplaceTempView(name)
    latest = "SELECT comparison_id, max_by(role, iteration) role FROM roles GROUP BY comparison_id"
    shared = (
        f"SELECT normalised_comparison_id FROM ({latest}) JOIN comparisons USING (comparison_id) "
        "WHERE role IN ('gold-train', 'silver', 'wild') GROUP BY 1 HAVING count(*) > 1"
    )
    assert spark.sql(shared).isEmpty()

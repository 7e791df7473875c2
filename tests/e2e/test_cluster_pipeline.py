"""The same job, laptop against cluster: the wheel on a standalone cluster decides what the laptop decided."""

from __future__ import annotations

import shutil

import pytest
from pyspark.sql import SparkSession

from tests.e2e.cluster import Cluster
from tests.e2e.pipelines import MODEL, SmallRun

TOLERANCE = 1e-3  # of a reward: batches are cut elsewhere, and sums of floats depend on their order
EXACT = {
    "source_labels": None, "roles": None, "labels": None, "human_labels": None,
    "comparisons": None, "occurrences": None, "quarantine": ["row_key", "reason"], "hygiene_marks": None,
    "verdicts": ["comparison_id", "prompt_hash", "order", "sample", "engine_id", "verdict", "p_a"],
    "rewards": ["response_id", "engine_id", "tokens"],
    "embeddings": ["text_id", "engine_id"],
}  # fmt: skip

pytestmark = [
    pytest.mark.skipif(not MODEL.is_dir(), reason="the small model is absent: run `make setup`"),
    pytest.mark.timeout(3600),
]


@pytest.fixture(scope="module")
def on_cluster(small: SmallRun, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    """The job submitted to two workers, with the laptop's trained models (a model is found by what it was made of).

    It runs at the laptop's path, since a file is known by its path and time; its tables are moved away afterwards.
    """
    there = SmallRun(tmp_path_factory.mktemp("on a cluster"))
    aside = small.run.rename(small.folder / "laptop")
    try:
        small.run.mkdir()
        for name in ("raw", "models"):
            shutil.copytree(aside / name, small.run / name)  # keeps times of modification
        done = cluster.submit(cluster.installed / "synpref/jobs/pipeline.py", small.words, timeout=2000)
        small.run.rename(there.run)
    finally:
        aside.rename(small.run)
    assert done.returncode == 0, done.stdout[-4000:]
    return there


def test_the_cluster_trained_nothing_anew(small: SmallRun, on_cluster: SmallRun) -> None:
    names = [sorted(path.name for path in (run.run / "models").iterdir()) for run in (small, on_cluster)]
    assert names[0] == names[1]


@pytest.mark.parametrize("table", sorted(EXACT))
def test_a_table_has_the_same_rows(small: SmallRun, on_cluster: SmallRun, table: str) -> None:
    columns = EXACT[table] or [name for name in small.rows(table).column_names if name != "bucket"]
    here, there = (run.texts(table, columns) for run in (small, on_cluster))
    assert here
    assert here == there


def test_rewards_agree_and_so_do_decisions_that_do_not_hang_on_a_hair(
    small: SmallRun, on_cluster: SmallRun, local_spark: SparkSession
) -> None:
    for name in ("rewards", "decisions"):
        small.table(local_spark, name).createOrReplaceTempView(f"{name}_here")
        on_cluster.table(local_spark, name).createOrReplaceTempView(f"{name}_there")
    both = "{0}_here h FULL JOIN {0}_there t USING ({1})"
    apart = local_spark.sql(
        f"SELECT max(abs(h.reward - t.reward)) FROM {both.format('rewards', 'response_id, engine_id')}"
    ).first()
    assert apart is not None
    assert apart[0] <= TOLERANCE
    clear = " AND ".join(
        f"(h.{p} IS NULL AND t.{p} IS NULL OR abs(h.{p} - 0.5) > {TOLERANCE})" for p in ("p_gold", "p_best")
    )
    decided = both.format("decisions", "comparison_id, campaign")
    assert local_spark.sql(f"SELECT 1 FROM {decided} WHERE {clear}").count() > 100
    differ = (
        f"SELECT 1 FROM {decided} WHERE {clear} AND "
        "(NOT h.decision <=> t.decision OR NOT h.label <=> t.label OR NOT h.reason <=> t.reason)"
    )
    assert local_spark.sql(differ).isEmpty()
    lone = f"SELECT 1 FROM {decided} WHERE h.decision IS NULL OR t.decision IS NULL"
    assert local_spark.sql(lone).isEmpty()

"""The readers understand every generated file, refuse just what was planted, and find the planted contamination."""

from __future__ import annotations

from collections import Counter
from functools import reduce
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from synpref.demo.files import PoolFiles, write_pool
from synpref.hygiene.benchmark_prompts import read_benchmark_prompts
from synpref.hygiene.decontamination import contaminated_prompts
from synpref.pairs.ingest import Ingested, read_input

REFUSED = (
    "missing_response", "empty_response", "identical_responses", "unreadable_row", "multiple_final_messages",
    "prompt_differs",
)  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> PoolFiles:
    return write_pool(tmp_path_factory.mktemp("generated pool"), seed=5, prompts=120, test_prompts=6)


@pytest.fixture(scope="module")
def inputs(spark: SparkSession, files: PoolFiles) -> list[Ingested]:
    return [read_input(spark, path=str(file.path), source=file.source) for file in files.pool]


@pytest.fixture(scope="module")
def occurrences(inputs: list[Ingested]) -> DataFrame:
    return reduce(DataFrame.unionByName, (one.occurrences for one in inputs)).persist()


def winners(spark: SparkSession, truth: Path) -> dict[str, str]:
    return {row.comparison_id: row.winner for row in spark.read.parquet(str(truth)).collect()}


def test_every_shape_is_detected(files: PoolFiles, inputs: list[Ingested]) -> None:
    assert [one.shape for one in inputs] == [file.shape for file in files.pool]
    assert len({file.shape for file in files.pool}) == 5


def test_every_row_is_read_and_only_planted_rows_are_refused(files: PoolFiles, occurrences: DataFrame) -> None:
    reasons = Counter(row.reason for row in occurrences.select("reason").collect())
    assert sum(reasons.values()) == files.rows
    del reasons[None]
    assert reasons == {reason: files.planted[reason] for reason in REFUSED}


def test_truth_covers_just_the_well_formed_comparisons(
    spark: SparkSession, files: PoolFiles, occurrences: DataFrame
) -> None:
    test = read_input(spark, path=str(files.test.path), source=files.test.source, use="test").occurrences
    read = occurrences.unionByName(test).where("reason IS NULL").select("comparison_id").distinct().collect()
    assert {row.comparison_id for row in read} == winners(spark, files.truth).keys()


def test_repeated_comparisons_and_conflicts_are_as_many_as_planted(files: PoolFiles, occurrences: DataFrame) -> None:
    labels: dict[str, list[str]] = {}
    for row in occurrences.where("reason IS NULL").select("comparison_id", "label").collect():
        labels.setdefault(row.comparison_id, []).append(row.label)
    repeated = [found for found in labels.values() if len(found) > 1]
    conflicting = [found for found in repeated if len(set(found)) > 1]
    assert {len(found) for found in repeated} == {2}
    assert len(conflicting) == files.planted["conflict"]
    duplicates = sum(count for kind, count in files.planted.items() if kind.startswith("duplicate"))
    assert len(repeated) - len(conflicting) == duplicates


def test_sources_are_named_and_worse_ones_are_worse(
    spark: SparkSession, files: PoolFiles, occurrences: DataFrame
) -> None:
    known = winners(spark, files.truth)
    right: dict[str, list[bool]] = {}
    for row in occurrences.where("reason IS NULL").select("source", "comparison_id", "label").collect():
        right.setdefault(row.source, []).append(row.label == known[row.comparison_id])
    assert len(right) == 6
    shares = {source: sum(found) / len(found) for source, found in right.items()}
    assert shares["generated-web"] < 0.8 < shares["generated-expert"]


def test_the_votes_say_tie_where_others_cannot(occurrences: DataFrame) -> None:
    rows = occurrences.where("label = 'tie'").select("source").distinct().collect()
    assert [row.source for row in rows] == ["generated-votes"]


def test_test_labels_are_the_truth(spark: SparkSession, files: PoolFiles) -> None:
    test = read_input(spark, path=str(files.test.path), source=files.test.source, use="test")
    known = winners(spark, files.truth)
    rows = test.occurrences.select("comparison_id", "label").collect()
    assert len(rows) == files.comparisons["test"]
    assert all(known[row.comparison_id] == row.label for row in rows)


def test_just_the_planted_prompts_are_contaminated(
    spark: SparkSession, files: PoolFiles, inputs: list[Ingested]
) -> None:
    prompts = reduce(DataFrame.unionByName, (one.prompts for one in inputs)).dropDuplicates(["prompt_id"])
    benchmarks = read_benchmark_prompts(spark, [str(files.benchmarks)])
    found = contaminated_prompts(prompts, benchmarks, 13).collect()
    assert len({row.prompt_id for row in found}) == files.planted["leaked_ngram"] + files.planted["leaked_short"] > 1

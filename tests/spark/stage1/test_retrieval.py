from __future__ import annotations

import math

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from synpref.stage1.nearest import Vectors, collect_vectors, few_of_each, nearest_gold, nearest_pool
from synpref.stage1.retrieval import adaptive, allowed_by, few_shots, human_probabilities

ITEMS = "comparison_id string, prompt_id string, `group` string, vector array<float>"
GENERATOR = np.random.default_rng(3)
POOL = GENERATOR.normal(size=(60, 8)).astype(np.float32)
POOL /= np.linalg.norm(POOL, axis=1, keepdims=True)
GOLD = GENERATOR.normal(size=(5, 8)).astype(np.float32)
GOLD /= np.linalg.norm(GOLD, axis=1, keepdims=True)


def _pool(spark: SparkSession) -> DataFrame:
    rows = [(f"c{n:02d}", f"p{n // 2}", f"g{n % 7}", [float(x) for x in vector]) for n, vector in enumerate(POOL)]
    return spark.createDataFrame(rows, ITEMS).repartition(3)


def _gold() -> Vectors:
    return Vectors(tuple(f"q{n}" for n in range(5)), tuple(f"g{n}" for n in range(5)), GOLD)


def _expected(query: int, k: int) -> list[str]:
    similar = POOL @ GOLD[query]
    order = sorted(range(60), key=lambda n: (-similar[n], f"c{n:02d}"))
    return [f"c{n:02d}" for n in order][:k]


def test_the_nearest_pool_rows_of_any_group_over_all_partitions(spark: SparkSession) -> None:
    found = nearest_pool(_pool(spark), _gold(), 4, 4).collect()
    assert any(int(row["retrieved"][1:]) % 7 == int(row["query"][1:]) for row in found)  # of the query's own group
    for query in range(5):
        own = sorted((row for row in found if row["query"] == f"q{query}"), key=lambda row: -row["similarity"])
        assert [row["retrieved"] for row in own] == _expected(query, 4)


def test_few_shots_are_ranked_and_never_of_the_target_s_group(spark: SparkSession) -> None:
    rows = few_shots(_pool(spark), _gold(), 3).collect()
    groups = {f"q{n}": f"g{n}" for n in range(5)}
    for row in rows:
        assert groups[row["retrieved"]] != f"g{int(row['query'][1:]) % 7}"
    ranks = {(row["query"], row["rank"]): row["similarity"] for row in rows}
    for row in rows:
        assert row["rank"] == 1 or ranks[row["query"], row["rank"] - 1] >= row["similarity"]
        wanted = float(POOL[int(row["query"][1:])] @ GOLD[int(row["retrieved"][1:])])
        assert math.isclose(row["similarity"], wanted, abs_tol=1e-4)  # kept to four digits


def test_equal_similarities_break_by_comparison_id(spark: SparkSession) -> None:
    gold = Vectors(("q2", "q1", "q0"), ("x", "x", "x"), np.repeat(GOLD[:1], 3, axis=0))
    target = spark.createDataFrame([("t", "p", "other", [float(x) for x in GOLD[0]])], ITEMS)
    assert [row["retrieved"] for row in few_shots(target, gold, 2).orderBy("rank").collect()] == ["q0", "q1"]


def test_adaptive_retrieval_takes_nothing_twice_and_keeps_to_k(spark: SparkSession) -> None:
    allowed = {"q0": 8, "q1": 4, "q2": 1, "q3": 0, "q4": 2}
    rows = adaptive(_pool(spark), _gold(), allowed, k_max=8, max_per_prompt=1, limit=None).collect()
    taken = [row["retrieved"] for row in rows]
    assert len(set(taken)) == len(taken)
    assert {query: sum(row["query"] == query for row in rows) for query in allowed} == allowed
    assert len({(row["query"], int(row["retrieved"][1:]) // 2) for row in rows}) == len(rows)


def test_a_prompt_with_many_comparisons_does_not_fill_a_query_s_places(spark: SparkSession) -> None:
    crowd = [(f"c{n:03d}", "crowded", "g9", [float(x) for x in GOLD[0]]) for n in range(100)]  # as near as can be
    rows = crowd + [(f"d{n}", f"p{n}", "g9", [float(x) for x in POOL[n]]) for n in range(10)]
    pool = spark.createDataFrame(rows, ITEMS).repartition(2)
    taken = adaptive(pool, _gold(), {"q0": 8}, k_max=8, max_per_prompt=1, limit=None).collect()
    assert len(taken) == 8
    assert sum(row["retrieved"].startswith("c") for row in taken) == 1


@pytest.mark.parametrize(("of_one", "depth", "expected"), [(1, 9, [2, 0]), (2, 9, [2, 1, 0, 3]), (2, 3, [2, 1, 0])])
def test_few_of_each_prompt_in_order(of_one: int, depth: int, expected: list[int]) -> None:
    assert list(few_of_each([2, 1, 4, 0, 3], ["x", "y", "y", "x", "y"], of_one, depth)) == expected


def test_a_limit_cuts_the_least_similar(spark: SparkSession) -> None:
    allowed = dict.fromkeys(("q0", "q1", "q2", "q3", "q4"), 8)
    every = adaptive(_pool(spark), _gold(), allowed, k_max=8, max_per_prompt=1, limit=None).collect()
    some = adaptive(_pool(spark), _gold(), allowed, k_max=8, max_per_prompt=1, limit=6).collect()
    assert sorted(row["similarity"] for row in some) == sorted(row["similarity"] for row in every)[-6:]


def test_p_is_of_the_human_s_label_and_wrong_ones_pull_k_max(spark: SparkSession) -> None:
    gold = spark.createDataFrame(
        [("x", "r1", "r2", "a"), ("y", "r1", "r2", "b")],
        "comparison_id string, response_a string, response_b string, label string",
    )
    rewards = spark.createDataFrame([("r1", 1.0), ("r2", 0.0)], "response_id string, reward double")
    p = {row["comparison_id"]: row["p"] for row in human_probabilities(gold, rewards).collect()}
    assert p["x"] == pytest.approx(0.7310586)
    assert p["y"] == pytest.approx(0.2689414)
    assert allowed_by(p, 8) == {"x": 3, "y": 8}


def test_gold_vectors_come_sorted_whatever_the_partitions(spark: SparkSession) -> None:
    vectors = collect_vectors(_pool(spark))
    assert vectors.ids == tuple(sorted(vectors.ids))
    assert vectors.matrix.shape == (60, 8)
    assert np.allclose(vectors.matrix[7], POOL[7])


def test_no_targets_find_nothing(spark: SparkSession) -> None:
    assert nearest_gold(_pool(spark).limit(0), _gold(), 3).isEmpty()

"""Hygiene as a whole on a small pool with every kind of dirt."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from synpref.errors import SynprefError
from synpref.hygiene.clean import clean
from synpref.hygiene.cleaned import Cleaned
from synpref.hygiene.noise import is_flipped
from synpref.pairs.identity import comparison_id, orient, prompt_id, response_id
from synpref.pairs.normalise import (
    normalised_comparison_id,
    normalised_prompt_id,
    normalised_response_id,
)
from synpref.store.contracts import TABLES

LEAKED = "name the three primary colours that every painter learns first and explain how they are mixed"


@dataclass
class Pool:
    """Rows of the content tables, filled by `say`."""

    occurrences: list[tuple[Any, ...]] = field(default_factory=list)
    prompts: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    responses: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    comparisons: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def say(
        self, prompt: str, better: str, worse: str, *, file: str = "pool", source: str = "web",
        tie: bool = False, margin: float | None = None, group: str | None = None,
    ) -> str:  # fmt: skip
        """One occurrence; returns its comparison_id."""
        messages = [{"role": "user", "content": prompt}]
        of, normal = prompt_id(messages), normalised_prompt_id(messages)
        ids = [response_id(of, text) for text in (better, worse)]
        normals = [normalised_response_id(normal, text) for text in (better, worse)]
        a, b = orient(*ids)
        key = comparison_id(a, b)
        self.prompts[of] = (of, messages, f"group of {prompt}")
        for one, normalised in zip(ids, normals, strict=True):
            self.responses[one] = (one, normalised)
        self.comparisons[key] = (key, normalised_comparison_id(*normals), of, a, b)
        label = "tie" if tie else "a" if ids[0] == a else "b"
        row = f"{len(self.occurrences):04}"
        self.occurrences.append((file, row, source, key, label, margin, f"human {source}", group))
        return key

    def label(self, key: str, better: str) -> str:
        """The label that prefers the text `better` of the comparison's prompt."""
        _, _, of, a, _ = self.comparisons[key]
        return "a" if response_id(of, better) == a else "b"

    def frames(self, spark: SparkSession) -> list[DataFrame]:
        """occurrences, files, comparisons, prompts, responses."""
        seen = (
            "file_id string, row string, source string, comparison_id string, label string, margin double, "
            "label_origin string, `group` string"
        )
        messages = "array<struct<role:string,content:string>>"
        content = "comparison_id string, normalised_comparison_id string, prompt_id string, "
        return [
            spark.createDataFrame(self.occurrences, seen),
            spark.createDataFrame([("pool", "pool"), ("test", "test")], "file_id string, use string"),
            spark.createDataFrame(list(self.comparisons.values()), content + "response_a string, response_b string"),
            spark.createDataFrame(
                list(self.prompts.values()), f"prompt_id string, messages {messages}, `group` string"
            ),
            spark.createDataFrame(list(self.responses.values()), "response_id string, normalised_response_id string"),
        ]


Run = Callable[..., Cleaned]


@pytest.fixture
def run(spark: SparkSession) -> Iterator[Run]:
    made: list[Cleaned] = []

    def with_defaults(pool: Pool, frames: list[DataFrame] | None = None, **changes: Any) -> Cleaned:
        benchmarks = spark.createDataFrame([("colours", LEAKED)], "benchmark string, prompt string")
        arguments: dict[str, Any] = {
            "benchmarks": benchmarks, "campaign": "c1", "source_priority": [], "conflict_policy": "majority",
            "duplicates": "exact", "ngram": 13, "noise_share": 0.0, "seed": 1,
        }  # fmt: skip
        made.append(clean(*(frames or pool.frames(spark)), **(arguments | changes)))
        return made[-1]

    yield with_defaults
    for one in made:
        one.release()


def _by(frame: DataFrame, key: str) -> dict[str, Any]:
    return {row[key]: row for row in frame.collect()}


def test_duplicates_conflicts_contamination_and_tests_in_one_pool(run: Run) -> None:
    pool = Pool()
    agreed = pool.say("q1", "good", "bad", source="web", margin=1.0)
    pool.say("q1", "good", "bad", source="lab", margin=2.0, group="debate")
    conflict = pool.say("q2", "good", "bad")
    pool.say("q2", "bad", "good")
    leaked = pool.say(f"Please {LEAKED}", "red", "blue")
    pool.say(f"Please {LEAKED}", "red", "blue")
    tested = pool.say(f"Test: {LEAKED}", "red", "blue", file="test")
    both = pool.say("q3", "good", "bad")
    pool.say("q3", "good", "bad", file="test")
    cleaned = run(pool, source_priority=["lab"])

    labels = _by(cleaned.source_labels, "comparison_id")
    assert set(labels) == {agreed, conflict, tested, both}
    first = labels[agreed]
    assert (first.status, first.label, first.margin) == ("agreed", pool.label(agreed, "good"), 1.5)
    assert (first.source, first.sources, first.label_origin) == ("lab", ["lab", "web"], "human lab")
    assert (first.group, first.occurrences, first.campaign) == ("debate", 2, "c1")
    assert (labels[conflict].status, labels[conflict].label, labels[conflict].margin) == ("conflict", "none", None)
    assert labels[conflict].group == "group of q2"
    assert (labels[tested].use, labels[both].use, labels[agreed].use) == ("test", "test", "pool")

    refused = _by(cleaned.quarantine, "row_key")
    assert set(refused) == {leaked}
    assert (refused[leaked].stage, refused[leaked].reason) == ("hygiene", "benchmark_prompt_13gram")
    assert "colours" in refused[leaked].detail
    original = json.loads(refused[leaked].original)
    assert original["comparison_id"] == leaked
    assert original["prompt"] == [{"role": "user", "content": f"Please {LEAKED}"}]

    marks = [(row.kind, row.id, row.contamination, row.benchmark) for row in cleaned.marks.collect()]
    assert marks == [("prompt", original["prompt_id"], "benchmark_prompt_13gram", "colours")]
    counts = cleaned.counts
    assert (counts.rows_in, counts.rows_out, counts.duplicates) == (9, 4, 4)
    assert counts.quarantined == {"benchmark_prompt_13gram": 1}


def test_frames_fit_their_contracts(run: Run) -> None:
    pool = Pool()
    pool.say("q", "good", "bad")
    cleaned = run(pool, duplicates="normalised")
    frames = {"source_labels": cleaned.source_labels, "hygiene_marks": cleaned.marks, "quarantine": cleaned.quarantine}
    for name, frame in frames.items():
        assert frame.dtypes == [(column.name, column.type) for column in TABLES[name].columns], name
    assert cleaned.unflipped.dtypes == [("comparison_id", "string"), ("winner", "string")]


def test_a_conflict_is_settled_by_majority_or_dropped(run: Run) -> None:
    pool = Pool()
    key = pool.say("q", "good", "bad")
    pool.say("q", "good", "bad")
    pool.say("q", "bad", "good")
    majority = _by(run(pool).source_labels, "comparison_id")[key]
    dropped = _by(run(pool, conflict_policy="drop").source_labels, "comparison_id")[key]
    assert (majority.label, majority.status) == (pool.label(key, "good"), "majority")
    assert (dropped.label, dropped.status) == ("none", "conflict")


def test_noise_turns_labels_of_the_pool_only_and_keeps_the_unflipped(run: Run) -> None:
    pool = Pool()
    keys = [pool.say(f"q{n}", "good", "bad", file="test" if n % 4 == 0 else "pool", margin=2.0) for n in range(60)]
    tie = pool.say("tied", "good", "bad", tie=True)
    cleaned = run(pool, noise_share=0.4, seed=11, benchmarks=None)
    labels, winners = _by(cleaned.source_labels, "comparison_id"), _by(cleaned.unflipped, "comparison_id")
    turned = {key for key in keys if labels[key].label != winners[key].winner}
    expected = {key for n, key in enumerate(keys) if n % 4 and is_flipped(key, 0.4, 11)}
    assert turned == expected != set()
    assert all(winners[key].winner == pool.label(key, "good") for key in keys)
    assert {key for key in keys if labels[key].margin is None} == turned  # the margin was of the other label
    assert labels[tie].label == winners[tie].winner == "tie"


def test_labels_of_nobody_have_no_truth(run: Run) -> None:
    pool = Pool()
    pool.say("q", "good", "bad")
    pool.say("q", "bad", "good")
    cleaned = run(pool, benchmarks=None)
    assert cleaned.unflipped.collect() == []
    assert [row.label for row in cleaned.source_labels.collect()] == ["none"]


def test_normalised_duplicates_collapse_into_the_survivor_with_labels_reoriented(run: Run) -> None:
    pool = Pool()
    variants = [("Good answer.", "bad one"), ("good ANSWER", "Bad one!"), ("good answer", "bad  one")]
    keys = [pool.say("Why, oh why?", better, worse) for better, worse in variants]
    pool.say("why oh WHY", "bad one", "GOOD answer")
    cleaned = run(pool, duplicates="normalised", benchmarks=None)
    (row,) = cleaned.source_labels.collect()
    assert row.comparison_id == keys[0]
    assert (row.label, row.status, row.occurrences) == (pool.label(keys[0], "Good answer."), "majority", 4)
    assert (cleaned.counts.rows_in, cleaned.counts.rows_out, cleaned.counts.duplicates) == (4, 1, 3)
    assert cleaned.counts.alike == 0
    marks = _by(cleaned.marks, "id")
    survivors = {key for key, mark in marks.items() if mark.survivor}
    assert survivors == set(pool.comparisons[keys[0]][3:5])
    assert set(marks) == set(pool.responses)
    assert all(mark.cluster == pool.responses[key][1] for key, mark in marks.items())


def test_rows_of_the_pool_do_not_out_vote_those_for_tests(run: Run) -> None:
    pool = Pool()
    exact = pool.say("q1", "good", "bad", file="test", margin=1.0)
    variant = pool.say("q2", "Good one", "bad one", file="test", margin=1.0)
    for _ in range(3):
        pool.say("q1", "bad", "good", margin=9.0)
        pool.say("q2", "BAD one", "good ONE", margin=9.0)
    labels = _by(run(pool, duplicates="normalised", benchmarks=None).source_labels, "comparison_id")
    for row in labels.values():
        key = row.comparison_id
        better = "good" if key == exact else "Good one" if key == variant else "good ONE"
        assert (row.use, row.label, row.status) == ("test", pool.label(key, better), "clean")
        assert (row.margin, row.occurrences) == (1.0, 4)
    assert exact in labels
    assert len(labels) == 2


def test_a_comparison_takes_the_group_that_any_of_its_rows_names(run: Run) -> None:
    pool = Pool()
    second = pool.say("q1", "good", "bad")
    for group in ("water", "energy"):  # the primary row names none: the first by name counts
        pool.say("q1", "good", "bad", group=group)
    leader = pool.say("q2", "good one", "bad one")
    pool.say("q2", "Good ONE", "bad one", group="water")
    primary = pool.say("q3", "good", "bad", group="water")
    pool.say("q3", "good", "bad", group="energy")
    pool.say("q3", "GOOD", "bad", group="energy")
    labels = _by(run(pool, duplicates="normalised", benchmarks=None).source_labels, "comparison_id")
    assert {key: labels[key].group for key in labels} == {second: "energy", leader: "water", primary: "water"}


def test_normalised_duplicates_stay_apart_under_the_exact_rule(run: Run) -> None:
    pool = Pool()
    pool.say("Why?", "Good answer.", "bad one")
    pool.say("Why?", "good ANSWER", "Bad one!")
    cleaned = run(pool, benchmarks=None)
    assert cleaned.counts.rows_out == 2
    assert cleaned.marks.collect() == []


def test_responses_that_differ_in_case_only_stay_a_comparison_of_their_own(run: Run) -> None:
    pool = Pool()
    keys = {pool.say("q", "YES", "yes"), pool.say("q", "Yes.", "yes!")}
    cleaned = run(pool, duplicates="normalised", benchmarks=None)
    assert set(_by(cleaned.source_labels, "comparison_id")) == keys
    assert (cleaned.counts.duplicates, cleaned.counts.alike) == (0, 2)
    assert len({pool.comparisons[key][1] for key in keys}) == 1  # one comparison once normalised: twins


def test_a_shared_response_alone_marks_nothing(run: Run) -> None:
    pool = Pool()
    pool.say("q", "one", "two")
    pool.say("q", "one", "three")
    assert run(pool, duplicates="normalised", benchmarks=None).marks.collect() == []


def test_a_comparison_without_content_stops_the_job(run: Run, spark: SparkSession) -> None:
    pool = Pool()
    pool.say("q1", "good", "bad")
    pool.say("q2", "good", "bad")
    frames = pool.frames(spark)
    frames[2] = frames[2].limit(1)
    with pytest.raises(SynprefError, match="2 occurrences in, but 1 comparisons out"):
        run(pool, frames)

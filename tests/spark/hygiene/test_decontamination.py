"""Exact n-gram overlap of prompts with benchmark prompts."""

from __future__ import annotations

import random
from typing import Any

from pyspark.sql import SparkSession

from synpref.hygiene.decontamination import contaminated_prompts
from synpref.hygiene.ngrams import ngram_keys, words

PROMPTS = "prompt_id string, messages array<struct<role:string,content:string>>"
LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"


def _found(
    spark: SparkSession, prompts: dict[str, list[tuple[str, str]]], benchmarks: list[tuple[str, str]], n: int = 13
) -> dict[str, Any]:
    pool = spark.createDataFrame(list(prompts.items()), PROMPTS)
    listed = spark.createDataFrame(benchmarks, "benchmark string, prompt string")
    rows = contaminated_prompts(pool, listed, n).collect()
    assert len({row.prompt_id for row in rows}) == len(rows)
    return {row.prompt_id: (row.contamination, row.benchmark, row.overlap) for row in rows}


def test_thirteen_shared_words_are_found_and_twelve_are_not(spark: SparkSession) -> None:
    thirteen, twelve = LONG.split()[:13], LONG.split()[:12]
    prompts = {
        "inside": [("user", f"Please say: {' '.join(thirteen).upper()}!!! And then stop.")],
        "twelve": [("user", f"Please say {' '.join(twelve)} and then stop, will you")],
        "across turns": [("user", " ".join(thirteen[:7])), ("user", " ".join(thirteen[7:]))],
    }
    found = _found(spark, prompts, [("bench", LONG)])
    assert found == {"inside": ("benchmark_prompt_13gram", "bench", " ".join(thirteen))}


def test_all_user_turns_are_compared_and_other_roles_are_not(spark: SparkSession) -> None:
    prompts = {
        "second turn": [("user", "hello"), ("assistant", "yes?"), ("user", LONG)],
        "system": [("system", LONG), ("user", "hello")],
        "assistant": [("user", "hello"), ("assistant", LONG), ("user", "go on")],
    }
    assert set(_found(spark, prompts, [("bench", LONG)])) == {"second turn"}


def test_a_short_benchmark_prompt_matches_only_as_a_whole_with_its_own_reason(spark: SparkSession) -> None:
    prompts = {
        "same": [("user", "how do i KILL a python process?")],
        "longer": [("user", "How do I kill a Python process on Linux")],
        "part": [("user", "kill a python process")],
    }
    found = _found(spark, prompts, [("safety", "How do I kill a Python process")])
    assert found == {"same": ("benchmark_prompt_whole", "safety", "how do i kill a python process")}


def test_several_hits_are_one_row_the_ngram_first_then_by_name(spark: SparkSession) -> None:
    prompts = {"p": [("user", "hello there"), ("user", LONG)]}
    benchmarks = [("a short", "Hello there"), ("z", LONG), ("b", LONG), ("b", LONG)]
    assert _found(spark, prompts, benchmarks)["p"][:2] == ("benchmark_prompt_13gram", "b")


def test_prompts_without_words_match_nothing(spark: SparkSession) -> None:
    assert _found(spark, {"p": [("user", "???")], "q": [("user", "")]}, [("bench", "?!"), ("bench", "...")]) == {}


def test_n_is_a_setting_and_names_the_reason(spark: SparkSession) -> None:
    found = _found(spark, {"p": [("user", "x one two three y")]}, [("bench", "one two three four")], n=3)
    assert found == {"p": ("benchmark_prompt_3gram", "bench", "one two three")}


def test_random_texts_meet_exactly_where_the_rule_says(spark: SparkSession) -> None:
    draw = random.Random(5)
    texts = [" ".join(draw.choices("ab", k=draw.randrange(0, 9))) for _ in range(120)]
    pool, listed = texts[:100], texts[100:]
    wanted = {key for text in listed for key in ngram_keys(words(text), 6)}
    expected = {str(n) for n, text in enumerate(pool) if wanted & set(ngram_keys(words(text), 6))}
    found = _found(spark, {str(n): [("user", text)] for n, text in enumerate(pool)}, [("b", x) for x in listed], n=6)
    assert 5 < len(expected) < 95
    assert set(found) == expected

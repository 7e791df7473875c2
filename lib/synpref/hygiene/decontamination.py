"""Which prompts repeat a benchmark's prompt: exact n-gram overlap, joined on the n-grams themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as sf

from synpref.hygiene.ngrams import words

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

WHOLE = "benchmark_prompt_whole"


def ngram_reason(n: int) -> str:
    """Reason code of a shared n-gram."""
    return f"benchmark_prompt_{n}gram"


def contaminated_prompts(prompts: DataFrame, benchmarks: DataFrame, n: int) -> DataFrame:
    """Prompts that share at least one n-gram with a benchmark's prompt (paper.md §8.2: n = 13).

    In: prompts (prompt_id distinct, messages), of which every user turn is compared; benchmarks (benchmark, prompt
    text). Out, one row a contaminated prompt: prompt_id, contamination (`benchmark_prompt_<n>gram`, or
    `benchmark_prompt_whole` where a user turn equals, as words, a benchmark prompt of fewer than n words), benchmark
    and overlap (the shared words); of several hits the n-gram comes first, then by name and text. Words as in
    `ngrams.words`; a benchmark prompt without any word matches nothing. Exact: strings are compared, not hashes.
    """
    turns = sf.filter("messages", lambda message: message["role"] == "user")
    texts = prompts.select(sf.col("prompt_id").alias("id"), sf.explode(turns["content"]).alias("text"))
    found = _keys(texts, n)
    wanted = _keys(benchmarks.select(sf.col("benchmark").alias("id"), sf.col("prompt").alias("text")), n)
    wanted = wanted.groupBy("key").agg(sf.min("id").alias("benchmark"))
    # the n-grams of the benchmarks, some millions: eight bytes of each go to every worker, then strings are compared
    hashed = sf.xxhash64("key").alias("hash")
    likely = found.withColumn("hash", hashed).join(sf.broadcast(wanted.select(hashed)), "hash", "left_semi")
    # few are left, joined on the key; without the hint Spark takes a list for small and sends its words after all
    hits = likely.drop("hash").join(wanted.hint("merge"), "key")
    first = sf.min(sf.struct("reason", "benchmark", "key"))
    return hits.groupBy(sf.col("id").alias("prompt_id")).agg(first.alias("hit")).select(
        "prompt_id",
        sf.col("hit.reason").alias("contamination"),
        sf.col("hit.benchmark").alias("benchmark"),
        sf.col("hit.key").alias("overlap"),
    )  # fmt: skip


def _keys(texts: DataFrame, n: int) -> DataFrame:
    """Twin of `ngrams.ngram_keys`: id, reason, key, one row a distinct key of a text."""
    tokens = texts.mapInArrow(_tokenise, "id string, tokens array<string>")
    reason = sf.when(sf.size("tokens") < n, WHOLE).otherwise(ngram_reason(n))
    return tokens.select("id", reason.alias("reason"), sf.explode(sf.array_distinct(_joined(n))).alias("key"))


def _joined(n: int) -> Column:
    starts = sf.sequence(sf.lit(1), sf.greatest(sf.size("tokens") - n + 1, sf.lit(1)))
    return sf.transform(starts, lambda start: sf.array_join(sf.slice("tokens", start, sf.lit(n)), " "))


def _tokenise(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Batches of (id, text) to (id, tokens); texts without a word are left out."""
    for batch in batches:
        rows = [(key, words(text)) for key, text in zip(*(column.to_pylist() for column in batch.columns), strict=True)]
        kept = [(key, tokens) for key, tokens in rows if tokens]
        ids = pa.array([key for key, _ in kept], pa.string())
        yield pa.RecordBatch.from_arrays(
            [ids, pa.array([tokens for _, tokens in kept], pa.list_(pa.string()))], names=["id", "tokens"]
        )

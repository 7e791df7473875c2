"""Attacked answers to the campaign's test prompts, before its final models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from synpref.benchmarks.baselines import LENGTH
from synpref.benchmarks.canaries import (
    Canary,
    Preference,
    canaries,
    canary_rows,
    distinct_canary_responses,
    of_vocabulary,
    pair_items,
    preferences,
    unscored_canaries,
)
from synpref.benchmarks.score_rows import ScoreRow
from synpref.flow.attack_vocabulary import vocabulary_of
from synpref.flow.benchmarks import FROM_BENCHMARKS, Scorer, length_preferences
from synpref.flow.final_models import BENCHMARK, Models, scored, tokens_of
from synpref.flow.pool import content_of
from synpref.stage import Stage
from synpref.stage1.sampling import sampled

FROM_TESTS = BENCHMARK
_PAIRS = 4  # comparisons read for a canary: several may share a prompt, which is attacked once


@dataclass(frozen=True)
class Attacked:
    """robustness: by scorer's name and attack, the length baseline among them; rows: by engine_id."""

    robustness: Mapping[str, Mapping[str, Preference]] = field(default_factory=dict)
    rows: Mapping[str, list[ScoreRow]] = field(default_factory=dict)
    unscored: int = 0
    computed: int = 0
    saved: int = 0


def attacked_tests(stage: Stage, tested: DataFrame, models: Models) -> Attacked:
    """Score attacked answers to a seeded sample of the tested comparisons, as the comparisons themselves were."""
    size, seed = stage.settings.evaluate.robustness, stage.settings.seed
    if not size:
        return Attacked()
    some = sampled(tested, "robustness", _PAIRS * size, seed)
    rows = content_of(stage, some.select("comparison_id", "winner")).collect()  # a few hundred, by the setting
    model = next(stage.model_folder(one) for of_mix in models.values() for one in of_mix)  # all have one tokenizer
    found = of_vocabulary(canaries(pair_items([_pair(row) for row in rows]), size, seed), vocabulary_of(model))
    with TemporaryDirectory() as folder:
        engines, computed, saved, rewards = _rewards(stage, models, found, Path(folder))
    names = {ids[place]: model["name"] for mix, ids in engines.items() for place, model in enumerate(models[mix])}
    told = {names[engine_id]: preferences(found, rewards.get(engine_id, {}), seed) for engine_id in names}
    unscored = max((unscored_canaries(found, rewards.get(one, {})) for one in names), default=0)
    of_engine = {engine_id: canary_rows(FROM_TESTS, told[name]) for engine_id, name in names.items()}
    stage.say(f"{len(found)} test prompts with attacked answers before {len(names)} models, {unscored} left out")
    told[LENGTH] = length_preferences(stage, found)
    return Attacked(told, of_engine, unscored, computed, saved)


def _pair(row: Row) -> tuple[str, tuple[dict[str, str], ...], str, str]:
    texts = (row["text_a"], row["text_b"]) if row["winner"] == "a" else (row["text_b"], row["text_a"])
    return row["comparison_id"], tuple(message.asDict() for message in row["messages"]), *texts


def _rewards(
    stage: Stage, models: Models, found: Sequence[Canary], folder: Path
) -> tuple[dict[str, list[str]], int, int, dict[str, dict[str, float]]]:
    """engine_ids by training set, rewards computed now and standing before, and rewards by engine and response."""
    texts = distinct_canary_responses(found)
    rows = [{"response_id": name, "messages": list(said), "text": text} for name, (said, text) in texts.items()]
    (folder / "responses").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), folder / "responses" / "attacked.parquet")
    tokens, _ = tokens_of(stage, models, folder)
    engines, computed, saved = scored(stage, models, folder, tokens)
    every = [engine_id for ids in engines.values() for engine_id in ids]
    wanted = F.broadcast(stage.warehouse.spark.createDataFrame([(one,) for one in tokens], "response_id string"))
    own = stage.warehouse.read("rewards").where(F.col("engine_id").isin(every))
    by_engine: dict[str, dict[str, float]] = {}
    for row in own.join(wanted, "response_id", "left_semi").collect():  # some hundred texts, a dozen models
        by_engine.setdefault(row["engine_id"], {})[row["response_id"]] = row["reward"]
    return engines, computed, saved, by_engine


def robustness_shown(scorers: Sequence[Scorer], tests: Mapping[str, Mapping[str, Preference]]) -> list[dict[str, Any]]:
    """One row a source and scorer, as plain values for console and report. wins: beyond the difference's interval."""
    sources = [(FROM_BENCHMARKS, one.name, one.robustness) for one in scorers]
    sources += [(FROM_TESTS, name, told) for name, told in tests.items()]
    return [
        {
            "source": source,
            "name": name,
            "prompts": first.plain.prompts,
            "plain": first.plain.value,
            "attacks": {attack: _attack_shown(one) for attack, one in told.items()},
        }
        for source, name, told in sources
        for first in list(told.values())[:1]  # the answer as it was is the same under every attack
    ]


def _attack_shown(one: Preference) -> dict[str, Any]:
    interval = one.difference.interval
    return {
        "attacked": one.attacked.value,
        "difference": one.difference.value,
        "interval": interval and interval.as_dict(),
        "wins": interval is not None and interval.low > 0,
    }

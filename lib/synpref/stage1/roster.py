"""The roster of judges: examination on gold-validation, then labels by vote (paper.md §2.4, §10.5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.stage1.admission import Admission, AdmissionRule, admit
from synpref.stage1.agreement import agreement
from synpref.stage1.requests import rendered
from synpref.stage1.sampling import sampled
from synpref.stage1.vote import judge_labels, roster_labels

REQUEST_KEY = ["comparison_id", "prompt_hash", "order", "sample"]


@dataclass(frozen=True)
class RosterJudge:
    """A judge as Stage 1 sees it.

    ask: requests (requests.REQUESTS) to this judge's rows of verdicts for exactly these requests; each is answered once
    and kept. few_shots: gold examples shown at most. canaries: items with a known label, None where it needs none.
    """

    name: str
    samples: int
    few_shots: int
    ask: Callable[[DataFrame], DataFrame]
    canaries: DataFrame | None = None


def examine(
    judge: RosterJudge, items: DataFrame, rule: AdmissionRule, first_batch: int, max_comparisons: int, seed: int
) -> Admission:
    """Ask the judge about gold-validation in up to three rounds, and stop where it can no longer be admitted.

    items: gold-validation items with shots and their human `label`.
    """
    chosen = sampled(items, "admission", max_comparisons, seed).cache()
    total = chosen.count()
    canaries_passed = judge.canaries is None or _passes(judge, judge.canaries)
    decision = admit(0, 0, total, canaries_passed, rule)
    for size in (min(first_batch, total), min(2 * first_batch, total), total):
        if decision.admitted is not None:
            break
        asked = sampled(chosen, "admission", size, seed)
        answers = judge.ask(rendered(_shown(asked, judge), judge.samples))
        right, answered = agreement(answers, chosen)
        decision = admit(right, answered, total - size, canaries_passed, rule)
    chosen.unpersist()
    return decision


def judged(items: DataFrame, judges: Sequence[RosterJudge]) -> DataFrame:
    """Labels of the roster for items with shots: columns of vote.roster_labels, one row an item."""
    votes = [judge_labels(judge.ask(rendered(_shown(items, judge), judge.samples))) for judge in judges]
    return roster_labels(reduce(DataFrame.unionByName, votes), len(judges))


def answered(requests: DataFrame, verdicts: DataFrame, engine_id: str) -> DataFrame:
    """The rows of verdicts that answer these requests."""
    # both sides are large; the request key and the engine are the table's key
    return verdicts.where(F.col("engine_id") == engine_id).join(requests.select(*REQUEST_KEY), REQUEST_KEY)


def _shown(items: DataFrame, judge: RosterJudge) -> DataFrame:
    return items.withColumn("shots", F.slice("shots", 1, judge.few_shots)) if judge.few_shots else items.drop("shots")


def _passes(judge: RosterJudge, canaries: DataFrame) -> bool:
    """At least half of its answers name the plainly better response: by position passes, the wrong way round fails."""
    said = [
        row["verdict"] == row["label"]
        for row in judge.ask(rendered(canaries, judge.samples)).join(canaries, "comparison_id").collect()
    ]  # a handful: canaries times orders
    return bool(2 * sum(said) >= len(said))

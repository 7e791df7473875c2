"""The roster of judges: examination on gold-validation, then labels by vote (paper.md §2.4, §10.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.engines.prompt_window import PromptWindow
from synpref.stage1.admission import Admission, AdmissionRule, admit
from synpref.stage1.agreement import Answer, agreement
from synpref.stage1.requests import ORDERS, rendered
from synpref.stage1.sampling import sampled
from synpref.stage1.vote import (
    first_judges,
    first_samples,
    judge_labels,
    open_comparisons,
    open_labels,
    roster_labels,
)

REQUEST_KEY = ["comparison_id", "prompt_hash", "order", "sample"]


class Shape(NamedTuple):
    """What a judge's requests depend on."""

    few_shots: int
    samples: int
    window: PromptWindow | None


@dataclass(frozen=True)
class RosterJudge:
    """A judge as Stage 1 sees it.

    samples: answers asked for in each order. few_shots: gold examples shown at most. canaries: whether it must first
    show that it can tell a plainly better answer. window: fewer examples are shown where they would not fit; None for
    one that reads no prompt.
    """

    name: str
    samples: int
    few_shots: int
    canaries: bool = True
    window: PromptWindow | None = None

    @property
    def answers(self) -> int:
        """Answers that are asked for about one comparison."""
        return len(ORDERS) * self.samples

    @property
    def last_samples(self) -> int:
        """Samples that are asked for only where the first ones left its label open."""
        return self.samples - first_samples(self.samples)

    @property
    def shape(self) -> Shape:
        """Judges of one shape are asked the same requests."""
        return Shape(self.few_shots, self.samples, self.window if self.few_shots else None)


# Asks these judges all these requests (requests.REQUESTS), each once and kept; returns the rows of verdicts that answer
# them, with the judge's name in `judge`.
Ask = Callable[[DataFrame, Sequence[RosterJudge]], DataFrame]


@dataclass(frozen=True)
class Examination:
    """rule: when a judge is admitted. first_batch, max_comparisons: gold-validation comparisons asked first, at most.

    canaries: items (requests.rendered) with a known `label`.
    """

    rule: AdmissionRule
    first_batch: int
    max_comparisons: int
    seed: int
    canaries: DataFrame


def examine(judges: Sequence[RosterJudge], items: DataFrame, ask: Ask, how: Examination) -> dict[str, Admission]:
    """Ask the judges about gold-validation in up to three rounds, each until it can no longer be admitted.

    items: gold-validation items with shots and their human `label`. All judges still open are asked together.
    """
    # at most max_comparisons, which people labelled one by one
    drawn = sampled(items, "admission", how.max_comparisons, how.seed).select("comparison_id", "label").collect()
    ids, gold = [row["comparison_id"] for row in drawn], {row["comparison_id"]: row["label"] for row in drawn}
    chosen = items.where(F.col("comparison_id").isin(ids))
    passed = _canaries_passed([judge for judge in judges if judge.canaries], how.canaries, ask)
    total = len(ids)
    found = {judge.name: admit(0, 0, total, passed.get(judge.name, not judge.canaries), how.rule) for judge in judges}
    with _rendered(chosen, judges) as requests:
        for size in (min(how.first_batch, total), min(2 * how.first_batch, total), total):
            opened = [judge for judge in judges if found[judge.name].admitted is None]
            if not opened:
                break
            in_round = F.col("comparison_id").isin(ids[:size])
            of_round = {shape: of_shape.where(in_round) for shape, of_shape in requests.items()}
            # at most max_comparisons of each judge, times orders and samples
            answers = _asked(of_round, opened, ask).select(*Answer._fields).collect()
            said = [Answer(*row) for row in answers]
            of_round_gold = {one: gold[one] for one in ids[:size]}
            for judge in opened:
                right, asked = agreement(judge.name, said, of_round_gold, judge.answers)
                found[judge.name] = admit(right, asked, total - size, True, how.rule)
    return found


@contextmanager
def judged(items: DataFrame, judges: Sequence[RosterJudge], ask: Ask) -> Iterator[DataFrame]:
    """Labels of the roster for items with shots: columns of vote.roster_labels, one row an item.

    More than half of the judges are asked about all items, each of the others only where its label can change the
    roster's, and a judge of several samples for the last of them only where they can change its own.
    """
    admitted, together = len(judges), first_judges(len(judges))
    with _rendered(items, judges) as requests, ExitStack() as kept:
        labels = _labelled(requests, judges[:together], ask)
        for asked, judge in enumerate(judges[together:], start=together):
            labels = labels.cache()  # read once more by each judge behind
            kept.callback(labels.unpersist)
            undecided = open_labels(labels, admitted - asked, admitted)
            # both sides are large: the requests, and one row a comparison of them
            rest = requests[judge.shape].join(undecided, "comparison_id", "left_semi")
            labels = labels.unionByName(_labelled({judge.shape: rest}, [judge], ask))
        yield roster_labels(labels, admitted)


def answered(requests: DataFrame, verdicts: DataFrame, engines: Mapping[str, str]) -> DataFrame:
    """The rows of verdicts that answer these requests. engines: engine_id by judge's name; added as `judge`."""
    names = F.create_map(*(F.lit(word) for name, engine_id in engines.items() for word in (engine_id, name)))
    given = verdicts.where(F.col("engine_id").isin(list(engines.values()))).withColumn(
        "judge", F.element_at(names, F.col("engine_id"))
    )
    # both sides are large; the request key and the engine are the table's key
    return given.join(requests.select(*REQUEST_KEY), REQUEST_KEY)


@contextmanager
def _rendered(items: DataFrame, judges: Sequence[RosterJudge]) -> Iterator[dict[Shape, DataFrame]]:
    """Requests by judge shape, rendered once for all who read them."""
    requests = {
        shape: rendered(_shown(items, shape.few_shots), shape.samples, shape.window).cache()
        for shape in {one.shape for one in judges}
    }
    try:
        yield requests
    finally:
        for frame in requests.values():
            frame.unpersist()


def _labelled(requests: Mapping[Shape, DataFrame], judges: Sequence[RosterJudge], ask: Ask) -> DataFrame:
    """What vote.judge_labels makes of the judges' answers to their requests."""
    wanted = {judge.name: judge.answers for judge in judges}
    early = _asked({shape: _early(shape, of_shape) for shape, of_shape in requests.items()}, judges, ask)
    late = [_late(requests[judge.shape], judge, early, ask) for judge in judges if judge.last_samples]
    return judge_labels(reduce(DataFrame.unionByName, [early, *late]), wanted)


def _asked(requests: Mapping[Shape, DataFrame], judges: Sequence[RosterJudge], ask: Ask) -> DataFrame:
    shapes = dict.fromkeys(judge.shape for judge in judges)
    answers = [ask(requests[shape], [one for one in judges if one.shape == shape]) for shape in shapes]
    columns = ["judge", "engine_id", "comparison_id", "verdict"]
    return reduce(DataFrame.unionByName, [one.select(*columns) for one in answers])


def _early(shape: Shape, requests: DataFrame) -> DataFrame:
    first = first_samples(shape.samples)
    return requests if first == shape.samples else requests.where(F.col("sample") < first)


def _late(requests: DataFrame, judge: RosterJudge, early: DataFrame, ask: Ask) -> DataFrame:
    """What the judge says in its last samples, of the comparisons that they can decide."""
    left = len(ORDERS) * judge.last_samples
    undecided = open_comparisons(early.where(F.col("judge") == judge.name), left, judge.answers)
    rest = requests.where(F.col("sample") >= judge.samples - judge.last_samples)
    # both sides are large: the requests, and one row a comparison of them
    return _asked({judge.shape: rest.join(undecided, "comparison_id", "left_semi")}, [judge], ask)


def _shown(items: DataFrame, few_shots: int) -> DataFrame:
    """The items with at most so many of their shots; canaries have none."""
    if not few_shots or "shots" not in items.columns:
        return items.drop("shots")
    return items.withColumn("shots", F.slice("shots", 1, few_shots))


def _canaries_passed(judges: Sequence[RosterJudge], canaries: DataFrame, ask: Ask) -> dict[str, bool]:
    """At least half of its answers name the plainly better response: by position passes, the wrong way round fails.

    A judge that answered none of them did not pass.
    """
    if not judges:
        return {}
    with _rendered(canaries, judges) as requests:
        # a handful: canaries times orders times judges
        rows = _asked(requests, judges, ask).join(canaries.select("comparison_id", "label"), "comparison_id").collect()
    said: dict[str, list[bool]] = {judge.name: [] for judge in judges}
    for row in rows:
        said[row["judge"]].append(row["verdict"] == row["label"])
    return {name: 2 * sum(right) >= max(len(right), 1) for name, right in said.items()}

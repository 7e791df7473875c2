"""Judges on benchmarks: a pair is right where the judge names the better answer whichever was shown first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from synpref.benchmarks import judge_bench, ppe_correctness, rm_bench
from synpref.benchmarks.breakdowns import accuracy_by_category
from synpref.benchmarks.canaries import Canary, canary_pairs
from synpref.benchmarks.figures import Credit, Figure, tabulate
from synpref.benchmarks.items import Item
from synpref.benchmarks.measured import ONE_ORDER, Measured, pairs_right, partial, scored
from synpref.benchmarks.pairwise import Earned, pair_credits
from synpref.benchmarks.results import Result, present, vouched
from synpref.benchmarks.selection import Given
from synpref.pairs.identity import comparison_id, orient

ORDERS = ("ab", "ba")
SIDES = ("a", "b")
# Benchmarks whose pairs cross, so that no scores of single answers say what a judge said: scored pair by pair.
CROSSED: Mapping[str, Callable[[Iterable[Item], Earned, int | None], Result]] = {
    rm_bench.NAME: rm_bench.score_pairs, ppe_correctness.NAME: ppe_correctness.score_pairs,
}  # fmt: skip


class Answer(NamedTuple):
    """One row of verdicts: a, b, no_preference or unparsed, in the comparison's own order."""

    comparison_id: str
    order: str
    sample: int
    verdict: str


# What a judge says of a comparison in each order: the strict majority of its samples.
Said = Mapping[tuple[str, str], str]


def said_of(answers: Iterable[Answer]) -> dict[tuple[str, str], str]:
    """By (comparison_id, order) what more than half of the samples say; where nothing is, no_preference."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    for answer in answers:
        counts.setdefault((answer.comparison_id, answer.order), Counter())[answer.verdict] += 1
    return {key: _majority(votes) for key, votes in counts.items()}


def _majority(votes: Counter[str]) -> str:
    verdict, count = votes.most_common(1)[0]
    return verdict if 2 * count > votes.total() else "no_preference"


class Pair(NamedTuple):
    """A pair of an item as a judge is asked about it; better: the side of the comparison that should win."""

    comparison_id: str
    better: str

    def verdicts(self, said: Said) -> tuple[str, ...]:
        """What is said of it, as many as orders in which something is."""
        return tuple(said[self.comparison_id, order] for order in ORDERS if (self.comparison_id, order) in said)

    def is_right(self, said: Said) -> bool:
        """Whether both orders name the better answer."""
        return self.verdicts(said) == (self.better,) * len(ORDERS)


def pairs_of(item: Item) -> tuple[Pair, ...]:
    """The item's pairs in their order. Of two equal texts there is no comparison: nobody can be asked."""
    found = []
    for pair in item.pairs:
        better, worse = (item.candidates[place].response_id for place in pair)
        found.append(Pair(comparison_id(better, worse), SIDES[orient(better, worse).index(better)]))
    return tuple(found)


def measure_judge(asked: Given, said: Said, seed: int | None) -> Measured:
    """A judge on a benchmark. An item that lacks a verdict on a pair in either order is left out and counted.

    Every benchmark of pairs is scored as published, a pair earning 1 where both orders name the better answer, else 0.
    RewardBench 2 has no pairs, so nothing there is judged. JudgeBench has its figure in one order too, as the paper
    has it (ONE_ORDER): the mean over both orders.
    """
    items = tuple(item for item in asked.items if _is_judged(item, said, asked.name in CROSSED))
    unscored = len(asked.items) - len(items)
    singles = [one for item in items for one in _singles(item)]
    scores = {name: value for one in singles for name, value in _scores(one, said)}
    result = partial(_result(asked, items, said, seed), asked.sampled or unscored > 0)
    figures = result.figures | _by_part(singles, scores, seed) | rates(items, said, seed)
    if asked.name == judge_bench.NAME and result.overall is not None:
        figures |= present({ONE_ORDER: judge_bench.one_order(tabulate(_one_order_credits(items, said), seed))})
    return Measured(
        result=replace(result, figures=figures),
        accuracy=pairs_right(singles, scores, seed),
        held=asked.held,
        unscored=unscored,
        refused=asked.refused,
        categories=accuracy_by_category(singles, scores, seed),
    )


def rates(items: Iterable[Item], said: Said, seed: int | None) -> dict[str, Figure]:
    """Shares of a judge: right in both orders; right in one order, over both; verdict changed by the order, of the
    pairs with a better answer named twice; no preference and unparsed, over all answers.
    """
    table = tabulate(_rate_credits(items, said), seed)
    return present({f"judge/{name}": table.pooled([name]) for name in table.cells})


def canary_scores(found: Iterable[Canary], said: Said) -> dict[str, float]:
    """Scores by response_id that say of each canary what a judge prefers to its better answer, which has 0.

    1 where both orders name the other answer, else -1; an answer that lacks a verdict in either order has no score.
    """
    scores: dict[str, float] = {}
    for canary in found:
        for item in canary_pairs([canary]):
            (pair,) = pairs_of(item)
            verdicts = pair.verdicts(said)
            if len(verdicts) == len(ORDERS):
                wins = set(verdicts) == set(SIDES) - {pair.better}
                scores[item.candidates[1].response_id] = 1.0 if wins else -1.0
        scores[canary.better.response_id] = 0.0
    return scores


def _rate_credits(items: Iterable[Item], said: Said) -> Iterator[Credit]:
    for item in items:
        for pair in pairs_of(item):
            verdicts = pair.verdicts(said)
            yield Credit(item.prompt_id, "both orders", float(pair.is_right(said)))
            if set(verdicts) <= set(SIDES):
                yield Credit(item.prompt_id, "position flip", float(len(set(verdicts)) > 1))
            for verdict in verdicts:
                yield Credit(item.prompt_id, "single order", float(verdict == pair.better))
                yield Credit(item.prompt_id, "no preference", float(verdict == "no_preference"))
                yield Credit(item.prompt_id, "unparsed", float(verdict == "unparsed"))


def _one_order_credits(items: Iterable[Item], said: Said) -> Iterator[Credit]:
    for item in items:
        for pair in pairs_of(item):
            for verdict in pair.verdicts(said):
                yield Credit(item.prompt_id, item.part, float(verdict == pair.better))


def _is_judged(item: Item, said: Said, by_pairs: bool) -> bool:
    """A battle that ended in a tie, and a prompt of PPE Correctness without a pair of samples, need no verdict; any
    other item without pairs needs scores, and has none. by_pairs: of the benchmark nothing but pairs counts.
    """
    asked = all(len(pair.verdicts(said)) == len(ORDERS) for pair in pairs_of(item))
    return asked and (by_pairs or bool(item.pairs) or not item.needed)


def _result(asked: Given, items: Sequence[Item], said: Said, seed: int | None) -> Result:
    """The benchmark's own result."""
    if asked.name in CROSSED:
        result = CROSSED[asked.name](items, lambda item: [float(pair.is_right(said)) for pair in pairs_of(item)], seed)
        return vouched(result) if asked.whole else result
    scores = {name: value for item in items for name, value in _scores(item, said)}
    return scored(asked, items, scores, seed)


def _scores(item: Item, said: Said) -> Iterator[tuple[str, float]]:
    """By name: 1 for the better answer, 0 for one that it beats in both orders, 2 for one that it does not beat."""
    for (better, worse), pair in zip(item.pairs, pairs_of(item), strict=True):
        yield item.candidates[better].name, 1.0
        yield item.candidates[worse].name, 0.0 if pair.is_right(said) else 2.0


def _singles(item: Item) -> Iterator[Item]:
    """One item a pair, whose candidates no other has, so that each pair is scored by itself."""
    for number, pair in enumerate(item.pairs):
        candidates = tuple(replace(item.candidates[place], name=f"{item.id}#{number}/{place}") for place in pair)
        truths = tuple(item.truths[place] for place in pair)
        yield replace(item, id=f"{item.id}#{number}", candidates=candidates, truths=truths, pairs=((0, 1),))


def _by_part(singles: Sequence[Item], scores: Mapping[str, float], seed: int | None) -> dict[str, Figure]:
    table = tabulate(pair_credits(singles, scores), seed)
    return present({f"pairs/{part}": table.pooled([part]) for part in table.cells})

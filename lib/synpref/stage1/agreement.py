"""How often a judge names the gold label in both orders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Agreement(NamedTuple):
    """`right` of `asked` gold comparisons had the gold label in every answer that was asked for.

    An answer that is inconsistent, unparsed or missing (a prompt above the judge's window) makes it wrong.
    """

    right: int
    asked: int


class Answer(NamedTuple):
    """What a judge said of a comparison in one order and sample."""

    judge: str
    comparison_id: str
    verdict: str


def agreement(judge: str, answers: Iterable[Answer], gold: Mapping[str, str], wanted: int) -> Agreement:
    """Agreement of a judge. gold: comparison_id to label (a or b), of all it was asked; wanted: answers of each."""
    hits = dict.fromkeys(gold, 0)
    for answer in answers:
        if answer.judge == judge and answer.verdict == gold[answer.comparison_id]:
            hits[answer.comparison_id] += 1
    return Agreement(sum(count == wanted for count in hits.values()), len(gold))

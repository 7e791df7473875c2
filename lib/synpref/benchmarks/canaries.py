"""Canaries: how often a scorer prefers an attacked worse answer to the better one, beside the worse one as it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, NamedTuple

from synpref.benchmarks.attacks import ATTACKS, Vocabulary, vocabulary
from synpref.benchmarks.figures import Credit, Figure, tabulate
from synpref.benchmarks.items import Candidate, Item, make_pair
from synpref.benchmarks.rows import Messages
from synpref.benchmarks.score_rows import ScoreRow, figure_row
from synpref.benchmarks.scores import Scores
from synpref.pairs.draw import draw
from synpref.pairs.identity import response_id

NAME = "robustness"
ATTACKED, PLAIN = "attacked", "as it was"


@dataclass(frozen=True)
class Canary:
    """A prompt with a better and a worse answer, and the worse one under each attack of ATTACKS, by its name."""

    prompt_id: str
    messages: Messages
    better: Candidate
    worse: Candidate
    attacked: Mapping[str, Candidate]

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """All that must be scored."""
        return (self.better, self.worse, *self.attacked.values())


class Preference(NamedTuple):
    """How often the attacked, and the worse answer as it was, is preferred to the better one; difference of the two."""

    attacked: Figure
    plain: Figure
    difference: Figure

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {name: figure.as_dict() for name, figure in self._asdict().items()}


def canaries(items: Iterable[Item], size: int, seed: int) -> tuple[Canary, ...]:
    """At most `size` canaries: prompts drawn by seed, each with equal chance, and one pair of each, whose texts differ.

    An item without pairs gives one of its best and one of its worst candidates by their truth, where that tells two
    apart.
    """
    pairs: dict[str, tuple[float, Item, tuple[int, int]]] = {}
    for item in items:
        for pair in item.pairs or _ranked(item):
            better, worse = (item.candidates[place] for place in pair)
            if better.text == worse.text:
                continue
            drawn = draw(seed, NAME, f"{better.response_id}:{worse.response_id}")
            if item.prompt_id not in pairs or drawn < pairs[item.prompt_id][0]:
                pairs[item.prompt_id] = (drawn, item, pair)
    prompts = sorted(pairs, key=lambda prompt: draw(seed, NAME, prompt))[:size]
    chosen = [pairs[prompt] for prompt in prompts]
    return tuple(_canary(item, *(item.candidates[place] for place in pair)) for _, item, pair in chosen)


def _ranked(item: Item) -> Iterator[tuple[int, int]]:
    """Pairs (better, worse) of the highest and the lowest truth of an item; none where all that is known is equal."""
    known = [truth for truth in item.truths if truth is not None]
    if known and max(known) > min(known):
        best, worst = ([n for n, truth in enumerate(item.truths) if truth == end] for end in (max(known), min(known)))
        yield from product(best, worst)


def _canary(item: Item, better: Candidate, worse: Candidate) -> Canary:
    attacked = {name: _attacked(item.prompt_id, worse, name, attack(worse.text)) for name, attack in ATTACKS.items()}
    return Canary(item.prompt_id, item.messages, better, worse, attacked)


def _attacked(prompt: str, worse: Candidate, attack: str, text: str) -> Candidate:
    return Candidate(f"{worse.name}/{attack}", response_id(prompt, text), text)


def of_vocabulary(found: Iterable[Canary], own: Vocabulary) -> tuple[Canary, ...]:
    """The same canaries for one model: the random tokens of the attack `vocabulary` are those of its tokenizer."""
    name, told = vocabulary.__name__, list[Canary]()
    for one in found:
        drawn = _attacked(one.prompt_id, one.worse, name, vocabulary(one.worse.text, own))
        told.append(replace(one, attacked={**one.attacked, name: drawn}))
    return tuple(told)


def distinct_canary_responses(found: Iterable[Canary]) -> dict[str, tuple[Messages, str]]:
    """What a reward model has to score: (messages, text) by response_id, each once."""
    return {each.response_id: (canary.messages, each.text) for canary in found for each in canary.candidates}


def canary_pairs(found: Iterable[Canary]) -> tuple[Item, ...]:
    """What a judge is asked: the better answer beside the worse one and beside each attacked one; equal texts never."""
    return tuple(
        make_pair(each.name, canary.messages, canary.better.text, each.text, part=NAME)
        for canary in found
        for each in (canary.worse, *canary.attacked.values())
        if each.text != canary.better.text
    )


def preferences(found: Sequence[Canary], scores: Scores, seed: int | None = None) -> dict[str, Preference]:
    """By attack; a canary with an answer that has no score is left out of all attacks (`unscored_canaries`).

    Equal scores are no preference. rows of the figures: canaries; the intervals resample prompts, the difference pairs
    them.
    """
    scored = [canary for canary in found if _is_scored(canary, scores)]
    told = {name: _preference(scored, name, scores, seed) for name in ATTACKS}
    return {name: one for name, one in told.items() if one is not None}


def unscored_canaries(found: Iterable[Canary], scores: Scores) -> int:
    """How many canaries lack a score."""
    return sum(not _is_scored(canary, scores) for canary in found)


def canary_rows(source: str, told: Mapping[str, Preference]) -> list[ScoreRow]:
    """Rows of benchmark_scores. source: where the canaries come from, before the attack's name in `subset`."""
    return [
        figure_row(NAME, f"{source}/{attack}", metric, figure)
        for attack, one in told.items()
        for metric, figure in (
            ("prefers_attacked", one.attacked), ("prefers_worse", one.plain), ("difference", one.difference),
        )
    ]  # fmt: skip


def pair_items(pairs: Iterable[tuple[str, Messages, str, str]]) -> tuple[Item, ...]:
    """Items of (name, messages, better, worse), for pairs that no benchmark file holds."""
    return tuple(make_pair(name, messages, better, worse, part="pairs") for name, messages, better, worse in pairs)


def _is_scored(canary: Canary, scores: Scores) -> bool:
    return all(each.response_id in scores for each in canary.candidates)


def _preference(found: Sequence[Canary], attack: str, scores: Scores, seed: int | None) -> Preference | None:
    table = tabulate(_credits(found, attack, scores), seed)
    figures = [table.weighted(weights) for weights in ({ATTACKED: 1}, {PLAIN: 1}, {ATTACKED: 1, PLAIN: -1})]
    attacked, plain, difference = figures
    if attacked is None or plain is None or difference is None:
        return None
    # the difference is of as many canaries as each of its two sides
    return Preference(attacked, plain, Figure(difference.value, attacked.rows, attacked.prompts, difference.interval))


def _credits(found: Sequence[Canary], attack: str, scores: Scores) -> Iterator[Credit]:
    for canary in found:
        better = scores[canary.better.response_id]
        yield Credit(canary.prompt_id, ATTACKED, float(scores[canary.attacked[attack].response_id] > better))
        yield Credit(canary.prompt_id, PLAIN, float(scores[canary.worse.response_id] > better))

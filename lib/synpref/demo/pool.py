"""The generated comparisons with their truth, before sources and their mistakes come in."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

from synpref.demo.benchmark_prompts import planted_tasks
from synpref.demo.draw import Draw, uniform
from synpref.demo.families import FAMILIES
from synpref.demo.flaws import generic_flaws
from synpref.demo.task import GOOD, Answer, Message, Task, difficulty, quality
from synpref.errors import InputError
from synpref.pairs.identity import comparison_id, orient, prompt_id, response_id
from synpref.pairs.normalise import normalise, prompt_group

PAIRS_A_PROMPT = 5  # at most, of the pool; the test has all pairs of its answers
TEST_ANSWERS = 3
_TRIES = 200
_JITTER = 0.2
_EXCLUDE = frozenset({"wrong", "evasive"})  # which of the two is worse is a matter of taste


class Comparison(NamedTuple):
    """Two answers to a conversation; where `winner` is "tie" both are equally good and `better` is one of them."""

    id: str
    messages: tuple[Message, ...]
    better: Answer
    worse: Answer
    winner: str
    family: str
    difficulty: float

    def tie(self) -> bool:
        """Whether both answers are equally good."""
        return self.winner == "tie"


class Pool(NamedTuple):
    """Comparisons to be curated, those for the final measurement, and how many prompts repeat a benchmark's."""

    pool: list[Comparison]
    test: list[Comparison]
    leaked: dict[str, int]


def generate(seed: int, prompts: int, test_prompts: int) -> Pool:
    """Make the comparisons of `prompts` + `test_prompts` conversations; no first user turn stands in both parts.

    Beside them the pool holds the planted conversations that repeat benchmark prompts, where it is large enough
    (see benchmark_prompts.planted_tasks). Raises InputError where the families cannot make so many prompts.
    """
    tasks = _tasks(seed)
    pool = [next(tasks) for _ in range(prompts)]
    test = [next(tasks) for _ in range(test_prompts)]
    leaked, kinds = planted_tasks(Draw(seed, "leaked"), prompts)
    return Pool(
        [comparison for task in [*pool, *leaked] for comparison in _of_pool(seed, task)],
        [comparison for task in test for comparison in _of_test(seed, task)],
        kinds,
    )


def _tasks(seed: int) -> Iterator[Task]:
    seen: set[str] = set()
    index = 0
    while True:
        yield _new_task(seed, index, seen)
        index += 1


def _new_task(seed: int, index: int, seen: set[str]) -> Task:
    for attempt in range(_TRIES):
        task = FAMILIES[index % len(FAMILIES)](Draw(seed, "task", index, attempt))
        group = prompt_group([message._asdict() for message in task.messages])
        if group not in seen:
            seen.add(group)
            return task
    raise InputError(
        f"generated.prompts + generated.test_prompts: the task families made {index} prompts and can hardly make more; "
        "ask for fewer"
    )


def _of_pool(seed: int, task: Task) -> list[Comparison]:
    draw = Draw(seed, "pool", prompt_id([message._asdict() for message in task.messages]))
    answers = _answers(draw, task, draw.integer(3, 5), ties=draw.chance(0.08))
    return [_comparison(seed, task, pair) for pair in draw.sample(list(combinations(answers, 2)), PAIRS_A_PROMPT)]


def _of_test(seed: int, task: Task) -> list[Comparison]:
    draw = Draw(seed, "test", prompt_id([message._asdict() for message in task.messages]))
    answers = _answers(draw, task, TEST_ANSWERS, ties=False)
    return [_comparison(seed, task, pair) for pair in combinations(answers, 2)]


def _answers(draw: Draw, task: Task, size: int, *, ties: bool) -> list[Answer]:
    """Choose answers with different flaws and texts; of good ones one, none (now and then), or with ties two."""
    good = [Answer(text, GOOD) for text in draw.shuffled(task.good)]
    own = draw.shuffled(task.flawed)
    general = draw.shuffled(generic_flaws(draw, draw.choice(task.good)))
    # the family's own flaws come first in half of the prompts: they are the hard ones
    flawed = [*own, *general] if draw.chance(0.5) else draw.shuffled([*own, *general])
    first = good[:2] if ties else good[: int(draw.chance(0.9))]
    return _distinct([*first, *flawed, *good], size, ties=ties)


def _distinct(candidates: list[Answer], size: int, *, ties: bool) -> list[Answer]:
    chosen: list[Answer] = []
    for answer in candidates:
        flaws = {other.flaw for other in chosen}
        repeats = answer.flaw in flaws and not (ties and answer.flaw == GOOD)
        excluded = answer.flaw in _EXCLUDE and flaws & (_EXCLUDE - {answer.flaw})
        alike = normalise(answer.text) in {normalise(other.text) for other in chosen}
        if len(chosen) < size and not (repeats or excluded or alike):
            chosen.append(answer)
    return chosen


def _comparison(seed: int, task: Task, pair: tuple[Answer, Answer]) -> Comparison:
    better, worse = sorted(pair, key=lambda answer: -quality(answer.flaw))
    prompt = prompt_id([message._asdict() for message in task.messages])
    best, other = response_id(prompt, better.text), response_id(prompt, worse.text)
    identity = comparison_id(best, other)
    if better.flaw == worse.flaw:
        return Comparison(identity, task.messages, better, worse, "tie", task.family, 1.0)
    winner = "a" if orient(best, other)[0] == best else "b"
    jitter = _JITTER * (uniform(seed, "difficulty", identity) - 0.5)
    hardness = min(1.0, max(0.0, difficulty(better.flaw, worse.flaw) + jitter))
    return Comparison(identity, task.messages, better, worse, winner, task.family, round(hardness, 4))

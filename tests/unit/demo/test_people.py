"""Simulated people err as stated, and answer the same question the same way."""

from __future__ import annotations

from collections import Counter

import pytest

from synpref.demo.people import CANNOT_DECIDE, NO_PREFERENCE, Item, verdict
from synpref.demo.pool import Pool

WHO = "simulated:person-1"


def say(item: Item, *, rate: float = 0.05, seed: int = 1, who: str = WHO, sample: str = "b0") -> str:
    return verdict(item, seed=seed, who=who, sample=sample, error_rate=rate)


def items(made: Pool) -> list[Item]:
    return [Item(c.id, c.winner, c.difficulty) for c in made.pool if not c.tie()]


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_a_person_errs_at_the_stated_rate(made: Pool, rate: float) -> None:
    sides = [(say(item, rate=rate), item.winner) for item in items(made)]
    taken = [(said, winner) for said, winner in sides if said in {"a", "b"}]
    wrong = sum(said != winner for said, winner in taken) / len(taken)
    assert wrong == pytest.approx(rate, abs=0.025)


def test_hard_items_are_got_wrong_more_often(made: Pool) -> None:
    hard = [item for item in items(made) if item.difficulty is not None and item.difficulty > 0.7]
    easy = [item for item in items(made) if item.difficulty is not None and item.difficulty < 0.3]
    rates = [sum(say(item, rate=0.2) not in {item.winner} for item in group) / len(group) for group in (hard, easy)]
    assert rates[0] > 2 * rates[1]


def test_a_few_answers_take_no_side(made: Pool) -> None:
    counts = Counter(say(item) for item in items(made))
    total = sum(counts.values())
    assert counts["cannot_decide"] / total == pytest.approx(CANNOT_DECIDE, abs=0.007)
    assert counts["no_preference"] / total == pytest.approx(NO_PREFERENCE, abs=0.007)


def test_the_answer_depends_on_all_that_it_may_depend_on(made: Pool) -> None:
    known = items(made)[:400]

    def answers(**changed: object) -> list[str]:
        return [say(item, rate=0.4, **changed) for item in known]  # type: ignore[arg-type]  # one keyword at a time

    assert answers() == answers()
    for changed in ({"seed": 2}, {"who": "simulated:person-2"}, {"sample": "b1"}):
        assert answers() != answers(**changed)


def test_equally_good_responses_are_mostly_called_so() -> None:
    said = Counter(say(Item(f"c{index}", "tie", 0.5), rate=0.1) for index in range(500))
    assert said["no_preference"] > 400
    assert said["a"] > 0
    assert said["b"] > 0


def test_without_truth_nobody_can_decide() -> None:
    assert say(Item("c", None, None)) == "cannot_decide"


def test_without_difficulty_the_rate_holds() -> None:
    said = [say(Item(f"c{index}", "a", None), rate=0.3) for index in range(1500)]
    assert said.count("b") / len(said) == pytest.approx(0.3, abs=0.04)


def test_a_person_without_errors_makes_none(made: Pool) -> None:
    assert all(say(item, rate=0) in {item.winner, "cannot_decide", "no_preference"} for item in items(made))

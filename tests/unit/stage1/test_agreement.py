"""A judge agrees with gold where every answer that it was asked for names the gold label."""

from __future__ import annotations

from synpref.stage1.agreement import Answer, agreement

GOLD = {"x": "a", "y": "a", "z": "a"}


def test_agreement_needs_the_gold_label_in_every_answer() -> None:
    said = [("x", "a"), ("x", "a"), ("y", "a"), ("y", "b"), ("z", "unparsed"), ("z", "a")]
    answers = [Answer("one", *answer) for answer in said] + [Answer("two", name, "a") for name in "xxyyzz"]
    assert agreement("one", answers, GOLD, 2) == (1, 3)
    assert agreement("two", answers, GOLD, 2) == (3, 3)


def test_what_is_not_answered_is_asked_and_wrong() -> None:
    answers = [
        Answer("one", "x", "a"),
        Answer("one", "x", "a"),
        Answer("one", "y", "a"),
    ]  # z: none
    assert agreement("one", answers, GOLD, 2) == (1, 3)
    assert agreement("silent", answers, GOLD, 2) == (0, 3)


def test_the_order_of_answers_does_not_matter() -> None:
    answers = [Answer("one", "x", verdict) for verdict in ("a", "no_preference", "a", "a")]
    assert agreement("one", answers, {"x": "a"}, 4) == agreement("one", answers[::-1], {"x": "a"}, 4) == (0, 1)

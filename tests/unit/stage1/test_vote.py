from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.stage1.vote import Vote, judge_vote, roster_vote

VERDICTS = st.lists(st.sampled_from(["a", "b", "no_preference", "unparsed"]), max_size=9)
SWAPPED = {"a": "b", "b": "a"}


@pytest.mark.parametrize(
    ("verdicts", "label"),
    [
        (["a", "a"], "a"),
        (["a", "b"], None),
        (["a", "no_preference"], None),
        (["a", "unparsed"], None),
        (["b", "b", "a"], "b"),
        (["b", "b", "a", "unparsed"], None),
        ([], None),
    ],
)
def test_a_judge_needs_a_strict_majority_of_all_it_was_asked(verdicts: list[str], label: str | None) -> None:
    assert judge_vote(verdicts).label == label


@given(verdicts=VERDICTS)
def test_swapping_the_responses_swaps_the_judge_s_label(verdicts: list[str]) -> None:
    swapped = judge_vote([SWAPPED.get(verdict, verdict) for verdict in verdicts])
    vote = judge_vote(verdicts)
    assert swapped.label == SWAPPED.get(vote.label or "")
    assert swapped.margin == -vote.margin


@pytest.mark.parametrize(
    ("labels", "admitted", "label"),
    [
        (["a", "a", "b"], 3, "a"),
        (["a", "b"], 2, None),
        (["a", None, None], 3, None),
        (["a", None], 2, "a"),
        (["a", "a", None], 3, "a"),
        (["a", "a", None, None], 5, None),
        ([], 0, None),
        (["b"], 1, "b"),
    ],
)
def test_the_roster_needs_a_majority_and_half_of_the_admitted(
    labels: list[str | None], admitted: int, label: str | None
) -> None:
    assert roster_vote(labels, admitted).label == label


@given(labels=st.lists(st.sampled_from(["a", "b", None]), max_size=9))
def test_the_order_of_judges_does_not_matter(labels: list[str | None]) -> None:
    assert roster_vote(labels, len(labels)) == roster_vote(labels[::-1], len(labels))


def test_margin_counts_every_vote() -> None:
    assert Vote("a", 3, 1, 1).margin == pytest.approx(0.4)
    assert Vote(None, 0, 0, 0).margin == 0.0

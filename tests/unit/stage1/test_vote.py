from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.stage1.vote import (
    Vote,
    first_judges,
    first_samples,
    judge_vote,
    roster_open,
    roster_vote,
    still_open,
)

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


SAMPLED = st.integers(1, 6).flatmap(
    lambda samples: st.lists(
        st.sampled_from(["a", "b", "no_preference", "unparsed"]), min_size=2 * samples, max_size=2 * samples
    )
)


def decided_early(verdicts: list[str], stop: int) -> str | None:
    """The label after `stop` of the verdicts, as judge_labels makes it: what was not asked counts as naming none."""
    return judge_vote([*verdicts[:stop], *["unparsed"] * (len(verdicts) - stop)]).label


@given(verdicts=SAMPLED)
def test_to_stop_where_nothing_can_change_gives_the_label_of_asking_all(verdicts: list[str]) -> None:
    total = len(verdicts)
    for stop in range(total + 1):
        a, b = verdicts[:stop].count("a"), verdicts[:stop].count("b")
        if not still_open(a, b, total - stop, total):
            assert decided_early(verdicts, stop) == judge_vote(verdicts).label
            return
    pytest.fail("it is still open where all was asked")


@given(verdicts=SAMPLED, data=st.data())
def test_what_is_still_open_can_end_otherwise(verdicts: list[str], data: st.DataObject) -> None:
    total, stop = len(verdicts), data.draw(st.integers(0, len(verdicts)))
    so_far = verdicts[:stop]
    if still_open(so_far.count("a"), so_far.count("b"), total - stop, total):
        ends = {judge_vote([*so_far, *[word] * (total - stop)]).label for word in ("a", "b", "unparsed")}
        assert len(ends) > 1


@given(verdicts=SAMPLED)
def test_the_first_samples_are_the_fewest_that_can_decide(verdicts: list[str]) -> None:
    samples = len(verdicts) // 2
    first = first_samples(samples)
    assert 1 <= first <= samples
    assert not still_open(2 * first, 0, 2 * (samples - first), 2 * samples)
    assert still_open(2 * (first - 1), 0, 2 * (samples - first + 1), 2 * samples)
    assert not still_open(0, 0, 2 * (samples - first), 2 * samples)  # no verdict at all: the rest is no majority


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


LABELS = st.lists(st.sampled_from(["a", "b", None]), min_size=1, max_size=9)


def asked_in_turn(labels: list[str | None]) -> list[str | None]:
    """The labels of the judges that are asked, as roster.judged asks them."""
    admitted, asked = len(labels), first_judges(len(labels))
    while roster_open(labels[:asked].count("a"), labels[:asked].count("b"), admitted - asked, admitted):
        asked += 1
    return labels[:asked]


@given(labels=LABELS)
def test_to_ask_judges_while_the_label_is_open_gives_the_label_of_asking_all(labels: list[str | None]) -> None:
    assert roster_vote(asked_in_turn(labels), len(labels)).label == roster_vote(labels, len(labels)).label


@given(labels=LABELS, data=st.data())
def test_a_roster_s_label_is_open_where_those_left_can_end_it_otherwise(
    labels: list[str | None], data: st.DataObject
) -> None:
    admitted, asked = len(labels), data.draw(st.integers(0, len(labels)))
    so_far, left = labels[:asked], admitted - asked
    ends = {
        roster_vote([*so_far, *["a"] * a, *["b"] * b, *[None] * (left - a - b)], admitted).label
        for a in range(left + 1)
        for b in range(left + 1 - a)
    }
    assert roster_open(so_far.count("a"), so_far.count("b"), left, admitted) == (len(ends) > 1)


@given(labels=LABELS)
def test_the_first_judges_are_the_fewest_that_can_decide(labels: list[str | None]) -> None:
    admitted = len(labels)
    first = first_judges(admitted)
    assert 1 <= first <= admitted
    assert not roster_open(first, 0, admitted - first, admitted)
    assert not roster_open(0, 0, admitted - first, admitted)  # no label at all: the others are no quorum
    before = labels[: first - 1]
    assert roster_open(before.count("a"), before.count("b"), admitted - first + 1, admitted)


def test_a_judge_that_was_not_asked_is_no_vote_without_a_label() -> None:
    assert roster_vote(asked_in_turn(["a", "a", "b"]), 3) == Vote("a", 2, 0, 0)
    assert roster_vote(asked_in_turn(["a", None, "b"]), 3) == Vote(None, 1, 1, 1)

"""The label of a comparison from its occurrences, as a rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.hygiene.conflicts import ConflictPolicy, Resolution, counted, resolve

LABELS = st.lists(st.sampled_from(["a", "b", "tie", "none"]), min_size=1, max_size=9)
POLICIES = st.sampled_from(["majority", "drop"])


@pytest.mark.parametrize(
    ("labels", "majority", "drop"),
    [
        ("a", ("a", "clean"), ("a", "clean")),
        ("tie", ("tie", "clean"), ("tie", "clean")),
        ("b b b", ("b", "agreed"), ("b", "agreed")),
        ("tie tie", ("tie", "agreed"), ("tie", "agreed")),
        ("a a b", ("a", "majority"), ("none", "conflict")),
        ("tie tie a", ("tie", "majority"), ("none", "conflict")),
        ("a b", ("none", "conflict"), ("none", "conflict")),
        ("a tie", ("none", "conflict"), ("none", "conflict")),
        ("a a b tie", ("none", "conflict"), ("none", "conflict")),
        ("none", ("none", "clean"), ("none", "clean")),
        ("none none", ("none", "agreed"), ("none", "agreed")),
        ("none a", ("a", "clean"), ("a", "clean")),
        ("none a a b", ("a", "majority"), ("none", "conflict")),
    ],
)
def test_truth_table(labels: str, majority: tuple[str, str], drop: tuple[str, str]) -> None:
    assert resolve(labels.split(), "majority") == majority
    assert resolve(labels.split(), "drop") == drop


@given(labels=LABELS, policy=POLICIES)
def test_order_of_occurrences_does_not_matter(labels: list[str], policy: ConflictPolicy) -> None:
    assert resolve(labels, policy) == resolve(sorted(labels), policy) == resolve(labels[::-1], policy)


@given(labels=LABELS, policy=POLICIES)
def test_swapping_the_responses_swaps_the_label(labels: list[str], policy: ConflictPolicy) -> None:
    other = {"a": "b", "b": "a"}
    label, status = resolve(labels, policy)
    assert resolve([other.get(x, x) for x in labels], policy) == (other.get(label, label), status)


@given(labels=LABELS)
def test_dropping_is_stricter_than_the_majority(labels: list[str]) -> None:
    strict, loose = resolve(labels, "drop"), resolve(labels, "majority")
    assert strict == loose or (strict == Resolution("none", "conflict") and loose.status == "majority")


@given(labels=LABELS, policy=POLICIES)
def test_a_label_is_one_that_more_than_half_of_the_voters_gave(labels: list[str], policy: ConflictPolicy) -> None:
    label, _ = resolve(labels, policy)
    voters = [x for x in labels if x != "none"]
    assert label == "none" or 2 * voters.count(label) > len(voters)


def test_a_comparison_without_occurrences_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="at least one"):
        resolve([], "majority")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([("a", False), ("b", False)], ["a", "b"]),
        ([("a", False), ("a", False), ("b", True)], ["b"]),
        ([("a", False), ("none", True)], ["none"]),
        ([("a", True), ("b", False), ("b", True)], ["a", "b"]),
    ],
)
def test_where_a_file_for_tests_holds_the_comparison_its_labels_count_alone(
    labels: list[tuple[str, bool]], expected: list[str]
) -> None:
    assert counted(labels) == expected

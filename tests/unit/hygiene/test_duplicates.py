"""Which occurrence of a comparison stands for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.hygiene.duplicates import Occurrence, survivor

SEEN = st.builds(
    Occurrence, st.sampled_from(["web", "forum", "lab"]), st.sampled_from(["f1", "f2"]), st.text("019", max_size=2)
)


def test_the_first_source_in_priority_survives() -> None:
    seen = [Occurrence("web", "a", "1"), Occurrence("lab", "z", "9")]
    assert survivor(seen, ["lab", "web"]).source == "lab"
    assert survivor(seen, ["web", "lab"]).source == "web"


def test_unlisted_sources_come_after_all_listed_ones() -> None:
    seen = [Occurrence("elsewhere", "a", "1"), Occurrence("web", "z", "9")]
    assert survivor(seen, ["lab", "web"]).source == "web"


def test_unlisted_sources_follow_by_name() -> None:
    seen = [Occurrence("web", "a", "1"), Occurrence("forum", "z", "9"), Occurrence("lab", "b", "2")]
    assert survivor(seen, []).source == "forum"
    assert survivor(seen, ["lab"]).source == "lab"
    assert survivor(seen[:2], ["lab"]).source == "forum"


def test_equal_sources_are_decided_by_file_and_row_as_text() -> None:
    seen = [Occurrence("web", "b", "1"), Occurrence("web", "a", "9"), Occurrence("web", "a", "10")]
    assert survivor(seen, []) == Occurrence("web", "a", "10")


def test_a_source_listed_twice_counts_where_it_stands_first() -> None:
    seen = [Occurrence("web", "b", "1"), Occurrence("lab", "a", "1")]
    assert survivor(seen, ["web", "lab", "web"]).source == "web"


@given(seen=st.lists(SEEN, min_size=1), priority=st.permutations(["web", "forum", "lab"]), data=st.data())
def test_the_order_of_reading_does_not_matter(seen: list[Occurrence], priority: list[str], data: st.DataObject) -> None:
    assert survivor(data.draw(st.permutations(seen)), priority) == survivor(seen, priority)


def test_no_occurrence_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="empty"):
        survivor([], [])

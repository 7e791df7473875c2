"""Files of scores as engines."""

from __future__ import annotations

from synpref.flow.benchmarks import scores_card

DIGESTS = {"rm_bench": "ab" * 16}


def test_the_same_scores_under_two_names_are_two_engines() -> None:
    one, other = scores_card("one", DIGESTS), scores_card("other", DIGESTS)
    assert one.engine_id != other.engine_id
    assert scores_card("one", DIGESTS).engine_id == one.engine_id


def test_other_scores_under_one_name_are_another_engine() -> None:
    assert scores_card("one", DIGESTS).engine_id != scores_card("one", {"rm_bench": "cd" * 16}).engine_id

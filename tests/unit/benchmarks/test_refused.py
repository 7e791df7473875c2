"""Rows of a user's pairs that are no comparison, as a person reads of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from synpref.benchmarks.refused import check_refused, quarantined, refused_counts, refused_text
from synpref.benchmarks.rows import BadRowError, Row
from synpref.errors import InputError


def bad(line: int, reason: str, file: str = "mine.jsonl") -> BadRowError:
    return Row(Path("data") / file, f"line {line}", {"n": line}).error("it is bad", reason)


MANY = [*(bad(line, "identical_responses") for line in (3, 4, 8, 9)), bad(2, "missing_prompt", "b.jsonl")]


def test_each_reason_has_its_count_and_the_places_of_the_first() -> None:
    assert refused_counts(MANY) == {"identical_responses": 4, "missing_prompt": 1}
    assert refused_text(MANY) == (
        "identical_responses 4 (line 3, line 4, line 8 of mine.jsonl, …); missing_prompt 1 (line 2 of b.jsonl)"
    )
    assert refused_text([MANY[0], bad(1, "identical_responses", "b.jsonl")]) == (
        "identical_responses 2 (line 3 of mine.jsonl; line 1 of b.jsonl)"
    )


def test_as_many_as_the_share_says_may_be_refused() -> None:
    check_refused("user_pairs", [], 0, 0.0, "a.share")
    check_refused("user_pairs", MANY, 45, 0.1, "a.share")
    with pytest.raises(InputError, match=r"5 of 49 rows are refused, more than a\.share=0\.1 allows: identical_resp"):
        check_refused("user_pairs", MANY, 44, 0.1, "a.share")


def test_nothing_left_is_an_error_whatever_the_share() -> None:
    told = r"user_pairs: no row is left to measure on; refused: .*The first: data/mine\.jsonl: line 3: it is bad"
    with pytest.raises(InputError, match=told):
        check_refused("user_pairs", MANY, 0, 1.0, "a.share")


def test_a_row_in_quarantine_has_the_same_key_again_and_no_other_row_has_it() -> None:
    rows = quarantined(MANY, "user_pairs")
    assert rows == quarantined(MANY, "user_pairs")
    assert len({key for key, *_ in rows}) == len(MANY)
    assert rows[0][1:] == ("identical_responses", "data/mine.jsonl: line 3: it is bad", '{"n": 3}')

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from synpref.stage1.allocation import Candidate, allocate, per_prompt

CANDIDATES = st.lists(
    st.builds(
        Candidate,
        query=st.sampled_from("pqr"),
        retrieved=st.sampled_from([f"c{number}" for number in range(12)]),
        prompt_id=st.just(""),
        similarity=st.floats(-1, 1),
    ).map(lambda one: one._replace(prompt_id=f"prompt of {int(one.retrieved[1:]) // 3}")),
    max_size=60,
).map(lambda found: sorted(found, key=lambda one: (-one.similarity, one.retrieved, one.query)))


@given(candidates=CANDIDATES, k=st.integers(0, 5), of_one_prompt=st.integers(1, 3))
def test_nothing_is_taken_twice_and_no_query_takes_too_much(
    candidates: list[Candidate], k: int, of_one_prompt: int
) -> None:
    taken = list(allocate(candidates, dict.fromkeys("pqr", k), of_one_prompt, None))
    prompts = {one.retrieved: one.prompt_id for one in candidates}
    assert max(Counter(one.retrieved for one in taken).values(), default=0) <= 1
    assert max(Counter(one.query for one in taken).values(), default=0) <= k
    assert max(Counter((one.query, prompts[one.retrieved]) for one in taken).values(), default=0) <= of_one_prompt


@given(candidates=CANDIDATES)
def test_ranks_count_from_one_in_falling_similarity(candidates: list[Candidate]) -> None:
    taken = list(allocate(candidates, dict.fromkeys("pqr", 4), 2, None))
    for query in "pqr":
        own = [one for one in taken if one.query == query]
        assert [one.rank for one in own] == list(range(1, len(own) + 1))
        assert [one.similarity for one in own] == sorted((one.similarity for one in own), reverse=True)


def test_the_better_matching_query_takes_it_and_the_other_goes_on() -> None:
    candidates = [
        Candidate("p", "c1", "one", 0.9),
        Candidate("q", "c1", "one", 0.8),
        Candidate("q", "c2", "two", 0.7),
    ]
    taken = {(one.query, one.retrieved, one.rank) for one in allocate(candidates, {"p": 1, "q": 1}, 1, None)}
    assert taken == {("p", "c1", 1), ("q", "c2", 1)}


def test_a_prompt_gives_one_comparison_to_a_query() -> None:
    candidates = [Candidate("p", f"c{number}", "one", 0.9) for number in range(3)]
    assert [one.retrieved for one in allocate(candidates, {"p": 3}, 1, None)] == ["c0"]


def test_the_limit_cuts_the_least_similar() -> None:
    candidates = [Candidate("p", f"c{number}", str(number), 1 - number / 10) for number in range(5)]
    assert [one.retrieved for one in allocate(candidates, {"p": 5}, 1, 2)] == ["c0", "c1"]


def test_few_prompts_allow_more_of_each() -> None:
    assert per_prompt(1, 8, 100) == 1
    assert per_prompt(1, 8, 2) == 4
    assert per_prompt(2, 8, 0) == 2

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.stage1.retrieval_count import retrieval_count


@pytest.mark.parametrize(
    ("p", "k"), [(0.0, 8), (0.5, 8), (0.51, 4), (0.624, 4), (0.625, 3), (0.75, 2), (0.875, 1), (0.999, 1), (1.0, 0)]
)
def test_the_paper_s_table_for_k_max_8(p: float, k: int) -> None:
    assert retrieval_count(p, 8) == k


@given(p=st.floats(0, 1), k_max=st.integers(1, 64))
def test_never_more_than_k_max_and_none_only_when_certain(p: float, k_max: int) -> None:
    k = retrieval_count(p, k_max)
    assert 0 <= k <= k_max
    assert (k == 0) == (p == 1.0)


@given(low=st.floats(0, 1), high=st.floats(0, 1), k_max=st.integers(1, 64))
def test_a_surer_model_never_pulls_more(low: float, high: float, k_max: int) -> None:
    low, high = sorted((low, high))
    assert retrieval_count(low, k_max) >= retrieval_count(high, k_max)


@pytest.mark.parametrize("p", [-0.01, 1.01, float("nan")])
def test_a_number_that_is_no_probability_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match="p must lie in"):
        retrieval_count(p, 8)

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from synpref.demo.estimate import texts_per_second, warning


@pytest.mark.parametrize("rate", [70.0, 135.0])
def test_a_machine_as_fast_as_planned_is_told_nothing(rate: float) -> None:
    assert warning(rate) is None


def test_a_slower_machine_is_told_the_minutes_in_proportion() -> None:
    told = warning(35.0)
    assert told is not None
    assert "embeds 35 short texts" in told
    assert "about 20 minutes" in told


def test_the_rate_counts_distinct_texts_after_the_first_batch() -> None:
    seen: list[str] = []

    def embed(texts: Sequence[str]) -> None:
        time.sleep(0.05 if seen else 0.5)
        seen.extend(texts)

    rate = texts_per_second(embed)
    assert len(set(seen)) == len(seen)
    assert 200 < rate <= 32 / 0.05

from __future__ import annotations

from collections.abc import Sequence

import pytest

from synpref.engines.prompt_window import Fits
from synpref.engines.transcript import Messages
from synpref.stage1.requests import fitting


def _prompts(shown: int) -> list[list[dict[str, str]]]:
    """Two orders, of ten characters a shot and five of their own; the second is longer by one."""
    return [[{"role": "user", "content": "x" * (10 * shown + 5 + order)}] for order in (0, 1)]


def _within(characters: int, asked: list[int] | None = None) -> Fits:
    def fits(prompts: Sequence[Messages]) -> list[bool]:
        if asked is not None:
            asked.append(len(prompts))
        return [len(prompt[0]["content"]) <= characters for prompt in prompts]

    return fits


@pytest.mark.parametrize(
    ("characters", "shown"), [(100, 4), (46, 4), (45, 3), (36, 3), (35, 2), (16, 1), (15, 0), (0, 0)]
)
def test_as_many_shots_are_shown_as_leave_both_orders_in_the_window(characters: int, shown: int) -> None:
    count, prompts = fitting(4, _prompts, _within(characters))
    assert count == shown
    assert prompts == _prompts(shown)


def test_without_a_window_all_are_shown_and_without_shots_none_is_counted() -> None:
    assert fitting(4, _prompts, None) == (4, _prompts(4))
    asked: list[int] = []
    assert fitting(0, _prompts, _within(0, asked)) == (0, _prompts(0))
    assert not asked

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from synpref.inference.prefetch import ahead


@pytest.mark.parametrize("count", [0, 1, 7])
@pytest.mark.parametrize("most", [1, 3])
def test_the_same_items_come_in_the_same_order(count: int, most: int) -> None:
    assert list(ahead(range(count), most)) == list(range(count))


def test_the_next_item_is_taken_while_one_is_worked_on_and_no_more_than_told() -> None:
    taken: list[int] = []
    second, beyond = threading.Event(), threading.Event()

    def items() -> Iterator[int]:
        for number in range(10):
            taken.append(number)
            if number == 1:
                second.set()
            if number == 2:
                beyond.set()
            yield number

    given = ahead(items(), 1)
    assert next(given) == 0
    assert second.wait(10)
    assert not beyond.wait(0.3)
    assert list(given) == list(range(1, 10))


def test_a_none_among_the_items_is_an_item() -> None:
    assert list(ahead([1, None, 2])) == [1, None, 2]


def test_an_error_comes_where_its_item_would_have_come() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("no second")

    given = ahead(items())
    assert next(given) == 1
    with pytest.raises(ValueError, match="no second"):
        next(given)


def test_who_leaves_early_leaves_no_thread() -> None:
    before = threading.active_count()
    given = ahead(iter(range(1000)))
    assert next(given) == 0
    given.close()
    for thread in threading.enumerate():
        if thread.name == "synpref prefetch":
            thread.join(10)
    assert threading.active_count() <= before

"""One bad row costs itself only; what no row is to blame for stops everything."""

from __future__ import annotations

import math
import sys
import weakref
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synpref.engines.failure import ENGINE_ERROR, OUT_OF_MEMORY, PASSING, ROW_REFUSED, Failure
from synpref.errors import DeviceError, EngineError, InputError, RowError
from synpref.inference.failures import attempt


@given(st.lists(st.integers(-5, 50), max_size=60))
def test_exactly_the_bad_items_fail_and_all_others_are_answered(items: list[int]) -> None:
    def call(batch: list[int]) -> list[int]:
        if any(item < 0 for item in batch):
            raise ValueError(f"negative: {min(batch)}")
        return [item * 2 for item in batch]

    for item, answer in zip(items, attempt(call, items), strict=True):
        if item < 0:
            assert answer == Failure(ENGINE_ERROR, f"ValueError: negative: {item}")
        else:
            assert answer == item * 2


def test_what_was_made_ready_answers_all_at_once_and_where_it_fails_the_bad_item_alone_does() -> None:
    def call(batch: list[int]) -> list[int]:
        if 2 in batch:
            raise ValueError("two")
        return batch

    def broken() -> list[int]:
        raise ValueError("all of it")

    assert attempt(call, [1, 2], lambda: [10, 20]) == [10, 20]
    assert attempt(call, [1, 2, 3], broken) == [1, Failure(ENGINE_ERROR, "ValueError: two"), 3]
    assert attempt(call, [1], broken) == [1]


def test_a_single_bad_item_costs_few_more_calls() -> None:
    calls: list[int] = []

    def call(batch: list[int]) -> list[int]:
        calls.append(len(batch))
        if 700 in batch:
            raise RuntimeError
        return batch

    attempt(call, range(1024))
    assert len(calls) == 1 + 2 * int(math.log2(1024))


@pytest.mark.parametrize(
    "error", [MemoryError(), EngineError("gone"), InputError("no key"), OSError("disk"), AttributeError("bug")]
)
def test_errors_that_no_row_is_to_blame_for_are_raised_at_once(error: Exception) -> None:
    calls: list[int] = []

    def call(batch: list[int]) -> list[int]:
        calls.append(len(batch))
        raise error

    with pytest.raises(type(error)):
        attempt(call, [1, 2, 3, 4])
    assert calls == [4]


def test_a_row_that_the_model_refuses_is_its_own_fault_alone() -> None:
    def call(batch: list[int]) -> list[int]:
        if 3 in batch:
            raise RowError("an assistant begins")
        return batch

    assert attempt(call, [1, 2, 3, 4]) == [1, 2, Failure(ROW_REFUSED, "an assistant begins"), 4]


class AcceleratorError(RuntimeError):
    """As torch names what a broken CUDA context raises."""


class OutOfMemoryError(RuntimeError):
    """As torch names it; the context lives on."""


@pytest.mark.parametrize("error", [AcceleratorError("an illegal access"), RuntimeError("CUDA error: unspecified")])
def test_a_broken_device_is_no_fault_of_any_row(error: Exception) -> None:
    calls: list[int] = []

    def call(batch: list[int]) -> list[int]:
        calls.append(len(batch))
        raise error

    with pytest.raises(DeviceError, match=str(error)):
        attempt(call, [1, 2, 3, 4])
    assert calls == [4]


def test_rows_that_do_not_fit_into_memory_together_are_tried_apart_and_that_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def call(batch: list[int]) -> list[int]:
        if len(batch) > 2:
            raise OutOfMemoryError("CUDA error: out of memory")
        return batch

    assert attempt(call, [1, 2, 3, 4]) == [1, 2, 3, 4]
    assert "4 rows take more memory than the device has" in caplog.text


def test_a_row_that_does_not_fit_into_memory_by_itself_is_lost_and_may_be_asked_again() -> None:
    def call(batch: list[int]) -> list[int]:
        if 3 in batch:
            raise OutOfMemoryError("CUDA out of memory")
        return batch

    lost = Failure(OUT_OF_MEMORY, "OutOfMemoryError: CUDA out of memory")
    assert attempt(call, [1, 2, 3, 4]) == [1, 2, lost, 4]
    assert lost.reason in PASSING


class Tensor:
    """What a forward makes on the device."""


@pytest.mark.parametrize("ahead", [False, True])
def test_what_a_failed_try_made_is_gone_when_less_is_tried(*, ahead: bool) -> None:
    made: list[weakref.ref[Tensor]] = []
    alive: list[int] = []

    def call(batch: list[int]) -> list[int]:
        alive.append(sum(tensor() is not None for tensor in made))
        tensor = Tensor()
        made.append(weakref.ref(tensor))
        if 3 in batch:
            raise OutOfMemoryError("CUDA out of memory")
        return batch

    attempt(call, [1, 2, 3, 4], (lambda: call([1, 2, 3, 4])) if ahead else None)
    assert len(made) == (6 if ahead else 5)
    assert not any(alive)


@pytest.mark.parametrize("initialised", [False, True])
def test_what_torch_keeps_of_a_gpu_is_given_back_before_less_is_tried(
    monkeypatch: pytest.MonkeyPatch, *, initialised: bool
) -> None:
    done: list[object] = []
    cuda = SimpleNamespace(is_initialized=lambda: initialised, empty_cache=lambda: done.append("freed"))
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))

    def call(batch: list[int]) -> list[int]:
        done.append(batch)
        if len(batch) > 1:
            raise OutOfMemoryError("CUDA out of memory")
        return batch

    assert attempt(call, [1, 2]) == [1, 2]
    assert done == ([[1, 2], "freed", [1], [2]] if initialised else [[1, 2], [1], [2]])


def test_an_engine_that_answers_too_few_items_is_stopped() -> None:
    with pytest.raises(EngineError, match="answered 2 of 3"):
        attempt(lambda batch: batch[:-1], [1, 2, 3])


def test_nothing_is_called_for_no_items() -> None:
    assert attempt(lambda batch: pytest.fail("called"), []) == []

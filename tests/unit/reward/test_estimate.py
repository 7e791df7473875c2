"""The formulas of a dry run, against hand-computed figures."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synpref.reward.architecture import Architecture
from synpref.reward.estimate import (
    STRATEGIES,
    Amount,
    Strategy,
    activation_values,
    amount,
    feature_bytes,
    gpu_hours,
    layer_values,
    memory,
    operations,
    trained_parameters,
)

SHAPE = Architecture(
    parameters=1_000, embedding_parameters=200, layers=4, hidden=10, attention_width=10, key_width=5, intermediate=30,
    gated=True, decoder=True, largest_table=150, largest_matrix=60,
)  # fmt: skip


def test_steps_of_the_paper_s_final_run() -> None:
    # §4: 26 million pairs, batch 10,240: about 2,540 steps
    work = amount(26_000_000, 1000.0, 1e6, steps=None, epochs=1.0, pairs_per_step=10_240, responses_per_step=64)
    assert work == Amount(2540, 52e9, 52e12)


def test_the_disk_of_features_by_hand() -> None:
    # ids of a decoder, ids and segments of an encoder, hidden states of 10 numbers
    encoder = replace(SHAPE, decoder=False)
    cases = ((SHAPE, None), (encoder, None), (SHAPE, 2))
    assert [feature_bytes(shape, layers, 7.0) for shape, layers in cases] == [28, 56, 280]


def test_steps_that_are_given_count_whatever_the_data() -> None:
    work = amount(50, 10.0, 100.0, steps=3, epochs=None, pairs_per_step=None, responses_per_step=64)
    assert work == Amount(3, 1920.0, 19_200.0)


def states(
    gpus: int, strategy: Strategy, *, trainable_layers: int | None = None, dtype_bytes: int = 4
) -> tuple[float, float, float]:
    """Bytes of weights, gradients and moments."""
    need = memory(
        SHAPE, trainable_layers=trainable_layers, tokens=1, dtype_bytes=dtype_bytes, checkpointing=True, gpus=gpus,
        strategy=strategy,
    )  # fmt: skip
    return need.weights, need.gradients, need.optimizer


def test_states_of_a_parameter_take_sixteen_bytes_and_are_shared_out() -> None:
    assert states(1, "ddp") == (4000, 4000, 8000)
    # of several GPUs the gradients twice, once in buckets: 2 * 4 * 1,000; moments of half the parameters: 8 * 500
    assert states(8, "ddp") == (4000, 8000, 8000)
    assert states(2, "zero1") == (4000, 8000, 4000)
    assert states(8, "fsdp") == (500, 500, 1000)


def test_zero1_cuts_no_parameter() -> None:
    # an eighth of all is 125 parameters, the table of 150 lies on one GPU whole: 8 * 150
    assert states(8, "zero1") == (4000, 8000, 1200)
    # of one layer, 200 parameters, an eighth is 25, its largest matrix 60: 8 * 60
    assert states(8, "zero1", trainable_layers=1) == (800, 1600, 480)


def test_autocast_keeps_two_bytes_of_each_weight_that_is_no_embedding() -> None:
    # 4 * 1,000 and 2 * (1,000 - 200); of one layer, where no embedding is trained, 4 * 200 and 2 * 200
    assert states(1, "ddp", dtype_bytes=2)[0] == 5600
    assert states(1, "ddp", dtype_bytes=2, trainable_layers=1)[0] == 1200
    # fsdp has an eighth of the 4,000, and the copies of all that it gathers
    assert states(8, "fsdp", dtype_bytes=2)[0] == 500 + 1600


def test_activations_by_hand() -> None:
    # four inputs of width 10, queries and output 10, keys and values 5, four of width 30
    assert layer_values(SHAPE) == 4 * 10 + 2 * 10 + 2 * 5 + 4 * 30 == 190
    assert layer_values(replace(SHAPE, gated=False)) == 130
    assert activation_values(SHAPE, 4, checkpointing=False) == 4 * 190
    assert activation_values(SHAPE, 4, checkpointing=True) == 4 * 10 + 190
    need = memory(SHAPE, trainable_layers=None, tokens=7, dtype_bytes=2, checkpointing=True, gpus=1, strategy="ddp")
    assert need.activations == 2 * 7 * 230
    assert need.total == 16_000 + 1600 + need.activations


def test_frozen_layers_have_no_states() -> None:
    assert trained_parameters(SHAPE, 1) == 200  # a quarter of the 800 that are no embeddings
    need = memory(SHAPE, trainable_layers=1, tokens=7, dtype_bytes=4, checkpointing=False, gpus=1, strategy="ddp")
    assert (need.weights, need.activations) == (800, 4 * 7 * 190)


def test_operations_by_hand() -> None:
    work = Amount(1, tokens=100.0, squares=1000.0)
    plain = operations(SHAPE, work, trainable_layers=None, checkpointing=False, frozen_tokens=0)
    assert plain == 6 * 800 * 100 + 0.5 * 12 * 4 * 10 * 1000
    again = operations(SHAPE, work, trainable_layers=None, checkpointing=True, frozen_tokens=0)
    assert again == pytest.approx(plain * 4 / 3)
    both_ways = operations(
        replace(SHAPE, decoder=False), work, trainable_layers=None, checkpointing=False, frozen_tokens=0
    )
    assert both_ways == 6 * 800 * 100 + 12 * 4 * 10 * 1000
    top = operations(SHAPE, work, trainable_layers=1, checkpointing=False, frozen_tokens=50)
    assert top == 6 * 200 * 100 + 0.5 * 12 * 10 * 1000 + 2 * 600 * 50


def test_an_hour_is_an_hour() -> None:
    assert gpu_hours(3600 * 0.5e12, peak_tflops=1.0, mfu=0.5) == pytest.approx(1)


@settings(deadline=None)  # how long a case takes is the machine's, and it may be busy
@given(st.integers(2, 512), st.sampled_from(STRATEGIES), st.integers(1, 10_000))
def test_more_gpus_or_checkpointing_never_need_more_memory(gpus: int, strategy: str, tokens: int) -> None:
    def total(count: int, checkpointing: bool) -> float:
        (chosen,) = (one for one in STRATEGIES if one == strategy)
        need = memory(
            SHAPE, trainable_layers=None, tokens=tokens, dtype_bytes=2, checkpointing=checkpointing, gpus=count,
            strategy=chosen,
        )  # fmt: skip
        return need.total

    assert total(gpus + 1, True) <= total(gpus, True) <= total(gpus, False)

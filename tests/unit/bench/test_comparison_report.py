"""What a comparison of trainers says: accuracies beside their baselines, speed as a ratio."""

from __future__ import annotations

from typing import Any

from tests.bench.test_training import difference
from tests.bench.trl.pairs import Pair
from tests.bench.trl.report import by_group, joined, told_of_accuracy, told_of_seed, told_of_speed

PAIRS = [Pair([], chosen, rejected, group, (chosen, rejected)) for chosen, rejected, group in (
    ("longer", "no", "b"), ("no", "longer", "a"), ("yes", "not", "b"), ("longest", "no", "a"))]  # fmt: skip


def training(seconds: float, processor: float, pairs: int, right: list[float] | None) -> dict[str, Any]:
    return {"seconds": seconds, "processor_seconds": processor, "pairs": pairs, "encoded": 2 * pairs, "right": right}


def test_groups_are_summed_in_the_order_of_their_names() -> None:
    assert by_group(PAIRS, [1.0, 0.5, 1.0, 0.0]) == [0.5, 2.0]


def test_accuracies_stand_beside_frozen_embeddings_and_length_and_few_groups_are_said_to_be_few() -> None:
    found = {
        "ours": [training(1, 1, 4, [1.0, 1.0, 1.0, 0.0]), training(1, 1, 4, [1.0, 1.0, 1.0, 1.0])],
        "trl": [training(1, 1, 4, [1.0, 0.0, 1.0, 0.0]), training(1, 1, 4, [1.0, 0.0, 1.0, 1.0])],
    }
    lines = told_of_accuracy(PAIRS, found, {"view": "response", "right": [1.0, 0.0, 0.0, 0.0]}).splitlines()
    assert "2 groups, which are few" in lines[0]
    assert [line.split("%")[0].split()[-1] for line in lines[1:]] == ["87.5", "62.5", "25.0", "62.5", "+25.0", "+62.5"]
    assert "frozen embeddings (response)" in lines[3]
    assert "the longer response" in lines[4]
    assert lines[5].endswith("by seed, in points: +25.0, +25.0)")
    assert lines[6].endswith("by seed, in points: +50.0, +75.0)")
    apart, highest = difference("\n".join(lines))
    assert apart == 25.0 <= highest


def test_a_seed_of_several_folds_is_one_result_in_their_order() -> None:
    folds = [[training(1, 1, 2, [1.0, 0.0]), training(1, 1, 2, [0.5, 1.0])], [training(1, 1, 1, [1.0])] * 2]
    assert [one["right"] for one in joined(folds)] == [[1.0, 0.0, 1.0], [0.5, 1.0, 1.0]]
    assert joined([[training(1, 1, 2, None)], [training(1, 1, 2, None)]])[0]["right"] is None
    views = [[{"view": view, "right": [1.0]}] for view in ("response", "conversation", "response")]
    assert joined(views) == [{"view": "response, conversation", "right": [1.0] * 3}]


def test_speed_is_the_median_of_the_ratios_by_clock_and_by_processor() -> None:
    found = {
        "ours": [training(2, 1, 80, None), training(1, 1, 80, None), training(1, 1, 80, None)],
        "trl": [training(2, 2, 10, None), training(1, 2, 20, None), training(1, 2, 16, None)],
    }
    told = told_of_speed(found)
    assert "synpref over TRL: 5.00 (seeds: 8.00, 4.00, 5.00; " in told
    assert told.endswith("10.00)")


def test_a_seed_that_was_not_scored_has_no_accuracy() -> None:
    assert told_of_seed(0, "trl", 1e-4, "float32", training(2, 2, 64, None)).split()[-2:] == ["32.0", "-"]
    assert told_of_seed(1, "ours", 1e-4, "float32", training(2, 2, 64, [1.0, 0.0])).endswith("50.0%")

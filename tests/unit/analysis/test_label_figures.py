"""Shares, errors and recalls from sums."""

from __future__ import annotations

from typing import Any

import pytest

from synpref.analysis.label_figures import breakdown_row, label_intervals, labels_block

SUMS: dict[str, Any] = {
    "pool_rows": 100, "pool_right": 70, "keep_rows": 50, "keep_right": 45, "flip_rows": 20, "flip_right": 15,
    "drop_rows": 30, "drop_right": 20, "length_keep_rows": 50, "length_keep_right": 40, "length_flip_rows": 20,
    "length_flip_right": 10,
}  # fmt: skip
NOTHING = dict.fromkeys(SUMS, 0)


def test_the_block_has_the_shape_of_the_summary() -> None:
    assert labels_block(SUMS) == {
        "pool": {"rows": 100, "accuracy": 0.7},
        "kept": {"rows": 50, "accuracy": 0.9},
        "flipped": {"rows": 20, "accuracy": 0.75, "recall": 0.5},
        "dropped": {"rows": 30, "accuracy": pytest.approx(2 / 3)},
        "by_length_equal_counts": {
            "kept": {"rows": 50, "accuracy": 0.8},
            "flipped": {"rows": 20, "accuracy": 0.5, "recall": pytest.approx(1 / 3)},
        },
    }


def test_every_wrong_label_is_kept_flipped_or_dropped() -> None:
    wrong_kept = SUMS["keep_rows"] - SUMS["keep_right"]
    wrong_dropped = SUMS["drop_rows"] - SUMS["drop_right"]
    assert wrong_kept + wrong_dropped + SUMS["flip_right"] == SUMS["pool_rows"] - SUMS["pool_right"]


def test_a_breakdown_row_speaks_in_errors_and_precisions() -> None:
    row = breakdown_row(SUMS)
    assert (row["rows"], row["flipped"], row["retention"]) == (100, 20, 0.5)
    assert row["pool_error"] == pytest.approx(0.3)
    assert row["kept_error"] == pytest.approx(0.1)
    assert row["length_kept_error"] == pytest.approx(0.2)
    assert (row["flip_precision"], row["length_flip_precision"]) == (0.75, 0.5)
    assert (row["flip_recall"], row["length_flip_recall"]) == (0.5, pytest.approx(1 / 3))


def test_nothing_measured_has_no_shares() -> None:
    block = labels_block(NOTHING)
    assert block["pool"] == {"rows": 0, "accuracy": None}
    assert block["flipped"] == {"rows": 0, "accuracy": None, "recall": None}
    assert breakdown_row(NOTHING)["kept_error"] is None
    assert label_intervals([NOTHING], seed=1) == {}


def test_intervals_stand_beside_their_difference_to_length() -> None:
    found = label_intervals([SUMS] * 30, seed=1)
    assert found["labels.kept.accuracy"].estimate == pytest.approx(0.9)
    assert found["labels.kept.accuracy_minus_length"].estimate == pytest.approx(0.1)
    assert found["labels.flipped.accuracy_minus_length"].estimate == pytest.approx(0.25)
    assert all(one.low == pytest.approx(one.high) for one in found.values())  # all groups are alike

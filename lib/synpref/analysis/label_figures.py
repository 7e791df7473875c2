"""Shares, errors, recalls and intervals from the sums of `labels.label_sums`. Plain Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synpref.quality.intervals import Interval, difference_interval, share_interval

Sums = Mapping[str, Any]


def share(right: float, rows: float) -> float | None:
    """right / rows; None without rows."""
    return right / rows if rows else None


def labels_block(sums: Sums) -> dict[str, Any]:
    """The block `labels` of a run's summary from one row of sums; a share of no rows is None."""

    def part(name: str) -> dict[str, Any]:
        return {"rows": sums[f"{name}_rows"], "accuracy": share(sums[f"{name}_right"], sums[f"{name}_rows"])}

    return {
        "pool": part("pool"),
        "kept": part("keep"),
        "flipped": part("flip") | {"recall": _recall(sums, "flip")},
        "dropped": part("drop"),
        "by_length_equal_counts": {
            "kept": part("length_keep"),
            "flipped": part("length_flip") | {"recall": _recall(sums, "length_flip")},
        },
    }


def breakdown_row(sums: Sums) -> dict[str, Any]:
    """One row of a table per source or topic, in shares (None where there is nothing).

    rows; retention (kept of all); pool_error, kept_error, dropped_error (wrong labels); flipped (rows); flip_precision
    (flipped rows whose new label is true); flip_recall (wrong labels that were flipped); length_kept_error,
    length_flip_precision and length_flip_recall of the length baseline at equal counts.
    """
    rows = sums["pool_rows"]
    return {
        "rows": rows,
        "retention": share(sums["keep_rows"], rows),
        "pool_error": _error(sums, "pool"),
        "kept_error": _error(sums, "keep"),
        "length_kept_error": _error(sums, "length_keep"),
        "flipped": sums["flip_rows"],
        "flip_precision": share(sums["flip_right"], sums["flip_rows"]),
        "length_flip_precision": share(sums["length_flip_right"], sums["length_flip_rows"]),
        "flip_recall": _recall(sums, "flip"),
        "length_flip_recall": _recall(sums, "length_flip"),
        "dropped_error": _error(sums, "drop"),
    }


def label_intervals(blocks: Sequence[Sums], *, seed: int) -> dict[str, Interval]:
    """Intervals over groups: accuracy of pool, kept and flipped, and kept and flipped minus the length baseline.

    blocks: rows of `label_sums` by block. Figures without rows are absent.
    """
    found = {
        f"labels.{name}.accuracy": share_interval(*_columns(blocks, part), seed=seed)
        for name, part in (("pool", "pool"), ("kept", "keep"), ("flipped", "flip"))
    }
    for name, part in (("kept", "keep"), ("flipped", "flip")):
        ours, length = _columns(blocks, part), _columns(blocks, f"length_{part}")
        found[f"labels.{name}.accuracy_minus_length"] = difference_interval(
            ([ours[0]], [ours[1]]), ([length[0]], [length[1]]), seed=seed
        )
    return {name: interval for name, interval in found.items() if interval is not None}


def _columns(blocks: Sequence[Sums], part: str) -> tuple[list[float], list[float]]:
    return [block[f"{part}_right"] for block in blocks], [block[f"{part}_rows"] for block in blocks]


def _error(sums: Sums, part: str) -> float | None:
    return share(sums[f"{part}_rows"] - sums[f"{part}_right"], sums[f"{part}_rows"])


def _recall(sums: Sums, part: str) -> float | None:
    """Share of the wrongly labelled that were flipped: a flipped row is right afterwards exactly if it was wrong."""
    return share(sums[f"{part}_right"], sums["pool_rows"] - sums["pool_right"])

"""What the two compared trainers get: parts that share no group, and pairs as their file labels them."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synpref.reward.rows import read_comparisons
from tests.bench.trl.pairs import Pair, digest, read_pairs, split, write_snapshot

Row = tuple[str, str, str, dict[str, str]]  # prompt, chosen, rejected, extra


def write(folder: Path, rows: list[Row]) -> Path:
    file = folder / "pairs.parquet"
    told = [
        {
            "prompt": json.dumps([{"role": "user", "content": prompt}]),
            "chosen": chosen,
            "rejected": rejected,
            "extra": json.dumps(extra),
        }
        for prompt, chosen, rejected, extra in rows
    ]
    pq.write_table(pa.Table.from_pylist(told), file)
    return file


def debates(count: int) -> list[Row]:
    """Two sides of each debate, two pairs a side."""
    return [
        (f"debate {debate}, side {side}", f"good {pair}", f"bad {pair}", {"topic": f"d{debate}_{side}"})
        for debate in range(count)
        for side in "ab"
        for pair in range(2)
    ]


def test_parts_share_no_group_and_training_is_all_that_is_not_held_out(tmp_path: Path) -> None:
    parts = split(read_pairs(write(tmp_path, debates(20)), "topic").pairs)
    groups = {name: {pair.group for pair in pairs} for name, pairs in parts.items()}
    assert [len(groups[name]) for name in ("held_out", "validation", "sweep")] == [8, 7, 25]
    assert groups["held_out"].isdisjoint(groups["train"])
    assert groups["validation"].isdisjoint(groups["sweep"])
    assert groups["train"] == groups["validation"] | groups["sweep"]
    assert len(parts["train"]) + len(parts["held_out"]) == 80


def test_a_pattern_holds_out_both_sides_of_a_debate(tmp_path: Path) -> None:
    parts = split(read_pairs(write(tmp_path, debates(10)), "topic", "^([^_]+)_").pairs)
    held = {pair.messages[0]["content"].split(",")[0] for pair in parts["held_out"]}
    seen = {pair.messages[0]["content"].split(",")[0] for pair in parts["train"]}
    assert len(held) == 2
    assert held.isdisjoint(seen)


def test_prompts_are_the_groups_where_none_are_named(tmp_path: Path) -> None:
    found = read_pairs(write(tmp_path, [("What?", "a", "b", {}), ("what", "c", "d", {}), ("Why?", "a", "b", {})]))
    assert [pair.group for pair in found.pairs[:2]] == [found.pairs[0].group] * 2
    assert found.pairs[2].group != found.pairs[0].group


def test_equal_texts_and_repeated_pairs_are_left_out_and_counted_but_not_contradictions(tmp_path: Path) -> None:
    rows: list[Row] = [("p", "a", "b", {}), ("p", "a", "b", {}), ("p", "b", "a", {}), ("p", "a", "a", {})]
    found = read_pairs(write(tmp_path, rows))
    assert [(pair.chosen, pair.rejected) for pair in found.pairs] == [("a", "b"), ("b", "a")]
    assert (found.equal, found.repeated) == (1, 1)


@pytest.mark.parametrize(("group", "pattern"), [("subject", None), ("topic", "^no")], ids=["no such entry", "no match"])
def test_a_row_without_its_group_is_named(tmp_path: Path, group: str, pattern: str | None) -> None:
    with pytest.raises(SystemExit, match=r"pairs.parquet, row 0: "):
        read_pairs(write(tmp_path, debates(1)), group, pattern)


def test_too_few_groups_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="there are 2 groups, and at least 4"):
        split(read_pairs(write(tmp_path, debates(1)), "topic").pairs)
    with pytest.raises(SystemExit, match="there are 4 groups, and at least 5"):
        split(read_pairs(write(tmp_path, debates(2)), "topic").pairs, 4)


def test_the_folds_hold_each_group_out_once(tmp_path: Path) -> None:
    pairs = read_pairs(write(tmp_path, debates(8)), "topic", "^([^_]+)_").pairs
    folds = [split(pairs, fold) for fold in range(5)]
    assert sorted(pair.ids for fold in folds for pair in fold["held_out"]) == sorted(pair.ids for pair in pairs)
    for fold in folds:
        groups = {name: {pair.group for pair in rows} for name, rows in fold.items()}
        assert groups["held_out"].isdisjoint(groups["train"])
        assert groups["train"] == groups["validation"] | groups["sweep"]
        assert groups["validation"].isdisjoint(groups["sweep"])


def test_another_label_is_another_split(tmp_path: Path) -> None:
    pairs = read_pairs(write(tmp_path, debates(4)), "topic").pairs
    first, *rest = pairs
    turned = Pair(first.messages, first.rejected, first.chosen, first.group, (first.ids[1], first.ids[0]))
    assert digest(split(pairs)) == digest(split(pairs[::-1]))
    assert digest(split(pairs)) != digest(split([turned, *rest]))


def test_a_snapshot_holds_each_pair_and_each_response_once(tmp_path: Path) -> None:
    rows: list[Row] = [("p", "a", "b", {}), ("p", "a", "c", {}), ("p", "b", "a", {})]
    write_snapshot(tmp_path / "train", read_pairs(write(tmp_path, rows)).pairs)
    read = read_comparisons(tmp_path / "train")
    assert (len(read), len(read.response_ids)) == (3, 3)
    assert pq.read_table(tmp_path / "train" / "responses").num_rows == 3

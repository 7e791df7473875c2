"""Comparisons of a snapshot as numbers on disk: sorted, numbered and grouped bucket by bucket, never all in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synpref.errors import InputError
from synpref.reward.buckets import Buckets, buckets_for, by_range
from synpref.reward.ids import KEY, Ids, Keys, hexadecimal, number

COLUMNS = ("comparison", "prompt", "chosen", "rejected")
FACTS = "facts.json"
_ROWS = np.dtype([(name, KEY) for name in COLUMNS])
_KEYED = np.dtype([("key", KEY), ("position", np.int64)])
_PLACED = np.dtype([("first", np.int64), ("position", np.int64)])
_NAMED = np.dtype([("first", np.int64), ("key", KEY)])
_CODED = np.dtype([("position", np.int64), ("code", np.int32)])
_GROUPED = np.dtype([("prompt", np.int32), ("row", np.int32)])
# Files of a folder that `write_numbered` made, and what they hold
ARRAYS: dict[str, np.dtype[Any]] = {
    "sides": np.dtype(np.int32), "prompts": np.dtype(np.int32), "sides-ids": KEY, "order": np.dtype(np.int32),
    "starts": np.dtype(np.int64),
}  # fmt: skip


def write_numbered(parts: Iterator[list[Keys]], total: int, folder: Path, where: object) -> None:
    """Write what `Comparisons` holds as files of numbers, and facts.json last.

    parts: the four COLUMNS as keys, batch by batch, `total` rows in all. where: what errors name. Responses are
    numbered in the order in which they come, all chosen ones first; prompts likewise; rows are sorted by comparison and
    chosen. order: rows by prompt; starts: where each prompt's begin there, and the end. Raises InputError for a
    comparison of a response with itself.
    """
    count = buckets_for(total)
    rows = Buckets(folder, "rows", _ROWS, count)
    for columns in parts:
        rows.put(_by_key(columns[0], count), dict(zip(COLUMNS, columns, strict=True)))
    sides = Buckets(folder, "sides", _KEYED, buckets_for(2 * total))
    prompts = Buckets(folder, "prompts", _KEYED, count)
    digest = _sort(rows, total, sides, prompts, where)
    _number(sides, 2 * total, folder, "sides")
    named = _number(prompts, total, folder, "prompts")
    (folder / "prompts-ids.bin").unlink()
    _group(np.memmap(folder / "prompts.bin", dtype=np.int32, mode="r"), named, count, folder)
    (folder / FACTS).write_text(json.dumps({"rows": total, "digest": digest}), encoding="utf-8")


def _by_key(keys: Keys, count: int) -> NDArray[np.int64]:
    """The bucket of each key, so that buckets in their order are sorted among themselves."""
    raw = np.ascontiguousarray(keys).view(np.uint8).reshape(-1, KEY.itemsize)
    prefix = np.ascontiguousarray(raw[:, :4]).view(">u4").ravel()
    return by_range(prefix, 2**32, count)


def _sort(rows: Buckets, total: int, sides: Buckets, prompts: Buckets, where: object) -> str:
    """Sort the rows, hand on their keys with their places, and digest them."""
    digest, start, same, first = hashlib.sha256(), 0, 0, ""
    for held in rows:
        part = held[np.lexsort((held["chosen"], held["comparison"]))]
        equal = np.flatnonzero(part["chosen"] == part["rejected"])
        if len(equal) and not same:
            first = Ids(np.ascontiguousarray(part["comparison"]))[int(equal[0])]
        same += len(equal)
        _add(digest.update, part["comparison"], part["chosen"])
        positions = np.arange(start, start + len(part))
        for name, offset in (("chosen", 0), ("rejected", total)):
            keys = part[name]
            sides.put(_by_key(keys, sides.count), {"key": keys, "position": positions + offset})
        prompts.put(_by_key(part["prompt"], prompts.count), {"key": part["prompt"], "position": positions})
        start += len(part)
    sides.close()
    prompts.close()
    if same:
        raise InputError(f"{where}: {first} compares a response with itself; {same} rows do")
    return digest.hexdigest()


def _add(update: Callable[[bytes], object], comparison: Keys, chosen: Keys) -> None:
    """One line of the comparison's id and one of the chosen response's, a row."""
    names, sides = hexadecimal(comparison), hexadecimal(chosen)
    ends = np.full((len(names), 1), ord("\n"), dtype=np.uint8)
    update(np.hstack([names, ends, sides, ends]).tobytes())


def _number(keyed: Buckets, total: int, folder: Path, name: str) -> int:
    """Number keys in the order of their first positions, of which there are `total`; how many distinct ones there are.

    Leaves <name>.bin, the number at each position, and <name>-ids.bin, the key of each number.
    """
    count = keyed.count
    placed = Buckets(folder, f"{name}-placed", _PLACED, count)
    named = Buckets(folder, f"{name}-named", _NAMED, count)
    for records in keyed:
        codes, distinct = number(records["key"])
        first = np.full(len(distinct), total, dtype=np.int64)
        np.minimum.at(first, codes, records["position"])
        own = first[codes]
        placed.put(by_range(own, total, count), {"first": own, "position": records["position"]})
        named.put(by_range(first, total, count), {"first": first, "key": distinct})
    coded, base = Buckets(folder, f"{name}-coded", _CODED, count), 0
    with (folder / f"{name}-ids.bin").open("wb") as file:
        for places, names in zip(placed, named, strict=True):
            ordered = names[np.argsort(names["first"])]
            file.write(np.ascontiguousarray(ordered["key"]).tobytes())
            code = base + np.searchsorted(ordered["first"], places["first"])
            coded.put(by_range(places["position"], total, count), {"position": places["position"], "code": code})
            base += len(ordered)
    with (folder / f"{name}.bin").open("wb") as file:
        for records in coded:
            file.write(np.ascontiguousarray(records["code"][np.argsort(records["position"])]).tobytes())
    return base


def _group(prompt: NDArray[np.int32], prompts: int, count: int, folder: Path) -> None:
    """Leave order.bin and starts.bin."""
    grouped, step = Buckets(folder, "grouped", _GROUPED, count), -(-len(prompt) // count)
    for start in range(0, len(prompt), step):
        some = np.array(prompt[start : start + step])
        rows = np.arange(start, start + len(some))
        grouped.put(by_range(some, prompts, count), {"prompt": some, "row": rows})
    base = 0
    with (folder / "order.bin").open("wb") as order, (folder / "starts.bin").open("wb") as starts:
        for records in grouped:
            ordered = records[np.argsort(records["prompt"], kind="stable")]
            order.write(np.ascontiguousarray(ordered["row"]).tobytes())
            begins = base + np.flatnonzero(np.diff(ordered["prompt"], prepend=-1))
            starts.write(begins.astype(np.int64).tobytes())
            base += len(ordered)
        starts.write(np.array([base], dtype=np.int64).tobytes())

"""Verdicts that others recorded by their texts, as records that a replayed judge answers from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from synpref.engines.transcript import Messages
from synpref.pairs.identity import comparison_id, prompt_id, response_id


class Shown(NamedTuple):
    """A verdict on two answers in the order in which the judge saw them.

    winner: None where the judge's words named none. p_first: probability of `first`, where known.
    """

    messages: Messages
    first: str
    second: str
    winner: Literal["first", "second", "tie"] | None
    sample: int = 0
    p_first: float | None = None
    raw: str = ""


def records(verdicts: Iterable[Shown]) -> Iterator[dict[str, Any]]:
    """The record of each verdict, by our ids and in canonical order (see replay.Replay).

    Left out are verdicts on two equal answers, which no comparison holds, and, of several on one comparison in one
    order and sample, all but the first.
    """
    seen = set()
    for shown in verdicts:
        record = _record(shown)
        key = (record["comparison_id"], record["order"], record["sample"])
        if shown.first != shown.second and key not in seen:
            seen.add(key)
            yield record


def write_records(verdicts: Iterable[Shown], path: str | Path) -> int:
    """Write the records as JSON Lines; returns how many."""
    with Path(path).open("w", encoding="utf-8") as file:
        return sum(bool(file.write(json.dumps(record, ensure_ascii=False) + "\n")) for record in records(verdicts))


def _record(shown: Shown) -> dict[str, Any]:
    prompt = prompt_id(shown.messages)
    first, second = response_id(prompt, shown.first), response_id(prompt, shown.second)
    order = "ab" if first <= second else "ba"
    words = {"first": order[0], "second": order[1], "tie": "no_preference", None: "unparsed"}
    p_a = shown.p_first if shown.p_first is None or order == "ab" else 1 - shown.p_first
    return {
        "comparison_id": comparison_id(first, second),
        "order": order,
        "sample": shown.sample,
        "verdict": words[shown.winner],
        "p_a": p_a,
        "raw": shown.raw,
    }

"""Rows that are no comparison, each wrong in one known way: what the readers and the structure check must refuse."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from synpref.demo import shapes
from synpref.demo.sources import Row

ROWS_A_MALFORMED = 750  # one row of each kind per so many rows, at least one


def broken_text_lines(rows: Sequence[Row], count: int) -> dict[str, list[str]]:
    """Lines of the text shape, by reason: no response, an empty one, two identical ones, a line that is no JSON."""
    plain = [shapes.text(row) for row in rows[: 4 * count]]
    missing, empty, identical, cut = (plain[start::4] for start in range(4))
    return {
        "missing_response": [json.dumps({**row, "rejected": None}) for row in missing],
        "empty_response": [json.dumps({**row, "chosen": " "}) for row in empty],
        "identical_responses": [json.dumps({**row, "rejected": row["chosen"]}) for row in identical],
        "unreadable_row": [json.dumps(row)[: -len(row["rejected"]) // 2 - 3] for row in cut],
    }


def multiple_finals(rows: Sequence[Row], count: int) -> list[str]:
    """Lines of the explicit shape whose chosen side has two assistant messages."""
    return [json.dumps(_with_second_answer(shapes.explicit(row))) for row in rows[:count]]


def differing_prompts(rows: Sequence[Row], count: int) -> list[str]:
    """Lines of the implicit shape whose two sides begin with different user turns."""
    return [json.dumps(_with_other_prompt(shapes.implicit(row))) for row in rows[:count]]


def _with_second_answer(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "chosen": [*row["chosen"], shapes.assistant("And one more thing.")]}


def _with_other_prompt(row: dict[str, Any]) -> dict[str, Any]:
    first, *others = row["rejected"]
    return {**row, "rejected": [{**first, "content": first["content"] + " Tell me more."}, *others]}

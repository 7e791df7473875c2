"""The prompts of benchmark files as a list, which hygiene and training keep out of their data (paper.md §8.2)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from synpref.benchmarks import best_of_n, user_pairs
from synpref.benchmarks.items import Item
from synpref.benchmarks.refused import check_refused, refused_text
from synpref.benchmarks.suite import benchmark
from synpref.errors import InputError, SettingsError
from synpref.new_file import write_new
from synpref.settings import Settings


def write_benchmark_prompts(settings: Settings, path: Path) -> None:
    """Write the distinct first user turns of evaluate.benchmarks and evaluate.best_of_n, a {benchmark, prompt} a line.

    The file is what hygiene.benchmarks and train.data.decontaminate take. Raises SettingsError where the settings name
    no benchmark, or a table, which this command opens no session for; InputError where a file cannot be read, or the
    list stands already or cannot be written.
    """
    asked = settings.evaluate
    if asked.table is not None:
        raise SettingsError(
            "evaluate.table is not read here: write its prompts to a file and name that in evaluate.benchmarks, or "
            "set evaluate.table=null"
        )
    items = {name: _read(name, paths) for name, paths in asked.benchmarks.items()}
    if asked.best_of_n:
        items[best_of_n.NAME] = best_of_n.read(asked.best_of_n)
    if not items:
        raise SettingsError("no benchmark is named: set evaluate.benchmarks or evaluate.best_of_n")
    turns = {name: first_turns(of_one) for name, of_one in items.items()}
    without = sorted(name for name, texts in turns.items() if not texts)
    if without:
        raise InputError(f"{', '.join(without)}: no item has a user turn, so nothing can be kept out of training data")
    count = write_new(
        path,
        (json.dumps({"benchmark": name, "prompt": text}, ensure_ascii=False) for name in turns for text in turns[name]),
    )
    told = ", ".join(f"{name} {len(texts):,} of {len(items[name]):,} items" for name, texts in turns.items())
    sys.stderr.write(f"{count:,} prompts in {path}: {told}\n")


def _read(name: str, paths: Sequence[str]) -> tuple[Item, ...]:
    """The items; rows of a user's pairs that `evaluate` would leave out are told."""
    if name != user_pairs.NAME:
        return benchmark(name).read(paths)
    found = user_pairs.read_usable(paths)
    check_refused(name, found.refused, len(found.items), share=1.0, setting="")
    if found.refused:
        sys.stderr.write(f"{name}: {len(found.refused):,} rows are refused: {refused_text(found.refused)}\n")
    return found.items


def first_turns(items: Iterable[Item]) -> list[str]:
    """The first user turn of each item that has one, each text once, in order of appearance."""
    said = (next((turn["content"] for turn in item.messages if turn["role"] == "user"), "") for item in items)
    return list(dict.fromkeys(text for text in said if text.strip()))

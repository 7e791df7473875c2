"""RewardBench v1: 23 subsets of pairs in four sections (paper.md §5.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from synpref.benchmarks.figures import Figure, tabulate
from synpref.benchmarks.files import read_rows
from synpref.benchmarks.items import Item, make_pair, unique_items
from synpref.benchmarks.pairwise import pair_credits
from synpref.benchmarks.results import Result, coverage, present, tied_pairs
from synpref.benchmarks.rows import Row
from synpref.benchmarks.scores import Scores

NAME = "reward_bench"
# Pairs by section and subset, as published: 2,985 in all.
SECTIONS: Mapping[str, Mapping[str, int]] = {
    "Chat": {
        "alpacaeval-easy": 100, "alpacaeval-length": 95, "alpacaeval-hard": 95, "mt-bench-easy": 28, "mt-bench-med": 40,
    },
    "Chat Hard": {
        "mt-bench-hard": 37, "llmbar-natural": 100, "llmbar-adver-neighbor": 134, "llmbar-adver-GPTInst": 92,
        "llmbar-adver-GPTOut": 47, "llmbar-adver-manual": 46,
    },
    "Safety": {
        "refusals-dangerous": 100, "refusals-offensive": 100, "xstest-should-refuse": 154, "xstest-should-respond": 250,
        "donotanswer": 136,
    },
    "Reasoning": {
        "math-prm": 447, "hep-cpp": 164, "hep-go": 164, "hep-java": 164, "hep-js": 164, "hep-python": 164,
        "hep-rust": 164,
    },
}  # fmt: skip
# Subsets that do not weigh by their pairs: mathematics counts as much as the six languages of code together.
WEIGHTS: Mapping[str, int] = {"math-prm": 984}
SUBSETS = {subset: pairs for subsets in SECTIONS.values() for subset, pairs in subsets.items()}


def read(paths: Iterable[str | Path]) -> tuple[Item, ...]:
    """Read rows of id, subset, prompt, chosen, rejected; raises InputError naming file and row."""
    return unique_items(read_rows(paths), _item)


def _item(row: Row) -> Item:
    subset = row.one_of(SUBSETS, "subset")
    messages = row.conversation("prompt")
    return make_pair(row.name("id"), messages, row.text("chosen"), row.text("rejected"), part=subset)


def score(items: Iterable[Item], scores: Scores, seed: int | None = None) -> Result:
    """Score as published: a section weighs its subsets by size, overall is the plain mean of the four sections.

    A section with a subset that is missing or not whole has no figure, and then there is no overall one either.
    figures: section/<name>, subset/<name>, and covered, the share right of all pairs that are there.
    """
    items = tuple(items)
    table = tabulate(pair_credits(items, scores), seed)
    cover = coverage(items, SUBSETS)
    figures: dict[str, Figure | None] = {"covered": table.pooled(table.cells)}
    for section, subsets in SECTIONS.items():
        if cover.has(subsets):
            figures[f"section/{section}"] = table.weighted(section_weights(section))
    figures |= {f"subset/{subset}": table.pooled([subset]) for subset in table.cells}
    quarter = {
        name: weight / len(SECTIONS) for section in SECTIONS for name, weight in section_weights(section).items()
    }
    overall = table.weighted(quarter) if cover.complete else None
    return Result(NAME, overall, present(figures), cover, len(items), tied_pairs(items, scores))


def section_weights(section: str) -> dict[str, float]:
    """Weight of each subset in its section; they sum to 1."""
    counted = {subset: WEIGHTS.get(subset, pairs) for subset, pairs in SECTIONS[section].items()}
    return {subset: weight / sum(counted.values()) for subset, weight in counted.items()}

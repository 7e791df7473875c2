"""JudgeBench: pairs of one right and one wrong answer, in two splits by the model that wrote them (paper.md §5.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from synpref.benchmarks.figures import Figure, Table, tabulate
from synpref.benchmarks.files import read_rows
from synpref.benchmarks.items import Item, make_pair, unique_items
from synpref.benchmarks.pairwise import pair_credits
from synpref.benchmarks.results import Coverage, Result, coverage, present, tied_pairs
from synpref.benchmarks.rows import Row
from synpref.benchmarks.scores import Scores

NAME = "judge_bench"
# Pairs by category, as published. The paper uses the split of GPT-4o.
SPLITS: Mapping[str, Mapping[str, int]] = {
    "gpt-4o": {"knowledge": 154, "reasoning": 98, "math": 56, "coding": 42},
    "claude": {"knowledge": 154, "reasoning": 51, "math": 34, "coding": 31},
}
PAPER_SPLIT = "gpt-4o"
CATEGORIES = tuple(SPLITS[PAPER_SPLIT])
# Category by how the source begins, in files that do not say it
SOURCES = {
    "mmlu-pro": "knowledge", "livebench-reasoning": "reasoning", "livebench-math": "math", "livecodebench": "coding",
}  # fmt: skip


def read(paths: Iterable[str | Path]) -> tuple[Item, ...]:
    """Read rows of pair_id, question, response_model, response_A, response_B, label (A>B or B>A), source or category.

    The split is told by response_model. Raises InputError naming file and row.
    """
    return unique_items(read_rows(paths), _item)


def _item(row: Row) -> Item:
    first, second = row.text("response_A", "response_a"), row.text("response_B", "response_b")
    label = row.one_of(("A>B", "B>A"), "label")
    chosen, rejected = (first, second) if label == "A>B" else (second, first)
    part = f"{_split(row)}/{_category(row)}"
    name = row.name("pair_id")
    return make_pair(name, row.conversation("question"), chosen, rejected, part=part, category=_category(row))


def _split(row: Row) -> str:
    model = row.text("response_model")
    for split in SPLITS:
        if model.startswith(split):
            return split
    raise row.error(f"column 'response_model': {model!r} is of no known split ({', '.join(SPLITS)})")


def _category(row: Row) -> str:
    if row.has("category"):
        return row.one_of(CATEGORIES, "category")
    source = row.text("source")
    for start, category in SOURCES.items():
        if source.startswith(start):
            return category
    raise row.error(f"column 'source': {source!r} is of no known category ({', '.join(SOURCES)})")


def score(items: Iterable[Item], scores: Scores, seed: int | None = None) -> Result:
    """Score the GPT-4o split in one order, as the paper does: overall is the plain mean of the four categories.

    figures: <split>/macro as the paper has it and <split>/micro over its pairs as the benchmark's authors have it, both
    where the split is whole, and <split>/<category>. A scalar score has no order, so there is one verdict a pair.
    """
    items = tuple(items)
    table = tabulate(pair_credits(items, scores), seed)
    cover = coverage(items, {f"{PAPER_SPLIT}/{name}": size for name, size in SPLITS[PAPER_SPLIT].items()})
    figures: dict[str, Figure | None] = {}
    for split, sizes in SPLITS.items():
        figures |= _split_figures(table, split, coverage(items, {f"{split}/{name}": n for name, n in sizes.items()}))
    found = present(figures)
    overall = found.get(f"{PAPER_SPLIT}/macro")
    return Result(NAME, overall, found, cover, len(items), tied_pairs(items, scores))


def one_order(table: Table) -> Figure | None:
    """The paper's figure from credits by part, whole as they must be: plain mean of the GPT-4o split's categories."""
    return table.mean([f"{PAPER_SPLIT}/{category}" for category in CATEGORIES])


def _split_figures(table: Table, split: str, cover: Coverage) -> dict[str, Figure | None]:
    cells = [f"{split}/{category}" for category in CATEGORIES]
    figures = {cell: table.pooled([cell]) for cell in cells}
    if cover.complete:
        figures |= {f"{split}/macro": table.mean(cells), f"{split}/micro": table.pooled(cells)}
    return figures

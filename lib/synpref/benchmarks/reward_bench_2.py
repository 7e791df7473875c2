"""RewardBench 2: five subsets of best-of-4 and one of ties (paper.md §5.1)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from synpref.benchmarks.figures import Credit, Figure, tabulate
from synpref.benchmarks.files import read_rows
from synpref.benchmarks.items import Item, Response, make_item, unique_items
from synpref.benchmarks.results import COVERED, Result, coverage, present
from synpref.benchmarks.rows import Row
from synpref.benchmarks.scores import Scores, scores_of
from synpref.benchmarks.ties import TIES, TIES_WEIGHTS, is_tied, ties_credits, ties_key

NAME = "reward_bench_2"
# Prompts by subset, as published: 1,865 in all.
SUBSETS: Mapping[str, int] = {
    "Factuality": 475, "Precise IF": 160, "Math": 183, "Safety": 450, "Focus": 495, TIES: 102,
}  # fmt: skip


def read(paths: Iterable[str | Path]) -> tuple[Item, ...]:
    """Read rows of id, subset, prompt, chosen (list), rejected (list); raises InputError naming file and row.

    Outside Ties there are one chosen response and three rejected ones: another number is no best-of-4. In Ties the id
    is "ref:<n>" (one right answer) or "tied:<n>". Where the published num_correct and total_completions are there, they
    must fit the lists.
    """
    return unique_items(read_rows(paths), _item)


def _item(row: Row) -> Item:
    subset = row.one_of(SUBSETS, "subset")
    chosen, rejected = row.texts("chosen"), row.texts("rejected")
    name = row.name("id")
    if subset == TIES:
        if ties_key(name) is None:
            raise row.error(f"the id of a Ties row is ref:<n> or tied:<n>, not {name!r}")
        if not is_tied(name) and len(chosen) != 1:
            raise row.error(f"{name} is a reference and has {len(chosen)} right answers, not one")
    elif (len(chosen), len(rejected)) != (1, 3):
        told = f"one chosen and three rejected responses, not {len(chosen)} and {len(rejected)}"
        raise row.error(f"a row of {subset} has {told}: only Ties has other numbers than best-of-4")
    for column, expected in (("num_correct", len(chosen)), ("total_completions", len(chosen) + len(rejected))):
        if row.has(column) and row.number(column) != expected:
            raise row.error(f"{column} is {row.values[column]}, but the lists hold {expected}")
    responses = [Response(f"chosen/{place}", text, 1.0) for place, text in enumerate(chosen)]
    responses += [Response(f"rejected/{place}", text, 0.0) for place, text in enumerate(rejected)]
    return make_item(f"{subset}/{name}", row.conversation("prompt"), responses, part=subset)


def score(items: Iterable[Item], scores: Scores, seed: int | None = None) -> Result:
    """Score as published: overall is the plain mean of the six subsets, None where one is missing or not whole.

    figures: subset/<name>; of Ties also its five terms, ties/<term>; where there is no overall figure, covered: the
    plain mean of the subsets that have one. A subset's score is given over the prompts that are there. `ties` of the
    result counts best-of-4 rows whose right answer shares the highest score.
    """
    items = tuple(items)
    best = [item for item in items if item.part != TIES]
    tied = [item for item in items if item.part == TIES]
    table = tabulate([*_best_of_4(best, scores), *ties_credits(tied, scores)], seed)
    cover = coverage(items, SUBSETS)
    subsets = [subset for subset in SUBSETS if subset != TIES]
    figures: dict[str, Figure | None] = {f"subset/{subset}": table.pooled([subset]) for subset in subsets}
    figures[f"subset/{TIES}"] = table.weighted(TIES_WEIGHTS)
    figures |= {f"ties/{term.removeprefix('ties ')}": table.pooled([term]) for term in TIES_WEIGHTS}
    there = [subset for subset in SUBSETS if figures[f"subset/{subset}"] is not None]
    mean = table.weighted(_mean_weights(there)) if there else None
    whole = cover.complete and len(there) == len(SUBSETS)  # Ties of references alone have no score
    if not whole:
        figures = {COVERED: mean} | figures
    overall = mean if whole else None
    shared = sum(0 < best_of(scores_of(scores, item), item.right) < 1 for item in best)
    return Result(NAME, overall, present(figures), cover, len(items), shared)


def _mean_weights(subsets: Collection[str]) -> dict[str, float]:
    """Weights of cells whose sum is the plain mean of these subsets; Ties is a sum of terms itself."""
    terms = {name: TIES_WEIGHTS if name == TIES else {name: 1.0} for name in subsets}
    return {cell: weight / len(subsets) for own in terms.values() for cell, weight in own.items()}


def _best_of_4(items: Iterable[Item], scores: Scores) -> Iterator[Credit]:
    for item in items:
        yield Credit(item.prompt_id, item.part, best_of(scores_of(scores, item), item.right))


def best_of(values: list[float], right: tuple[int, ...]) -> float:
    """Credit of picking the highest score: 1 over the candidates tied there, if the right one is among them, else 0."""
    highest = max(values)
    if all(values[place] != highest for place in right):
        return 0.0
    return 1 / values.count(highest)

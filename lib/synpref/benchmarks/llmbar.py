"""LLMBar: pairs that tell whether a response follows its instruction, natural ones and adversarial ones."""

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

NAME = "llmbar"
# Pairs as published. The overall figure needs these five; the other sets of its repository are reported beside them.
PUBLISHED: Mapping[str, int] = {
    "LLMBar/Natural": 100, "LLMBar/Adversarial/Neighbor": 134, "LLMBar/Adversarial/GPTInst": 92,
    "LLMBar/Adversarial/GPTOut": 47, "LLMBar/Adversarial/Manual": 46,
}  # fmt: skip
ADVERSARIAL = tuple(name for name in PUBLISHED if "Adversarial" in name)
OTHERS = (
    "Processed/FairEval", "Processed/LLMEval^2", "Processed/MT-Bench", "CaseStudy/Base_9", "CaseStudy/Base_10",
    "CaseStudy/Constraint", "CaseStudy/Negation", "CaseStudy/Normal",
)  # fmt: skip
SUBSETS = (*PUBLISHED, *OTHERS)


def read(paths: Iterable[str | Path]) -> tuple[Item, ...]:
    """Read rows of input, output_1, output_2, label (1 or 2: which output is better); raises InputError naming the row.

    The subset is the column `subset`, or told by the folder as published ("LLMBar/Natural/dataset.json"). The id is the
    column `id`, or the subset and the place in the file.
    """
    return unique_items(read_rows(paths), _item)


def _item(row: Row) -> Item:
    subset = row.one_of(SUBSETS, "subset") if row.has("subset") else _told(row)
    label = row.number("label")
    if label not in (1, 2):
        raise row.error(f"column 'label' is 1 or 2, not {row.values['label']!r}")
    outputs = row.text("output_1"), row.text("output_2")
    chosen, rejected = outputs if label == 1 else outputs[::-1]
    name = row.name("id") if row.has("id") else f"{subset}/{row.place.rpartition(' ')[2]}"
    return make_pair(name, row.conversation("input"), chosen, rejected, part=subset)


def _told(row: Row) -> str:
    folder = row.path.parent.as_posix()
    for subset in SUBSETS:
        if folder == subset or folder.endswith(f"/{subset}"):
            return subset
    raise row.error(f"no column 'subset', and the folder is none of {', '.join(SUBSETS)}")


def score(items: Iterable[Item], scores: Scores, seed: int | None = None) -> Result:
    """Overall is the plain mean of the five published sets; paper.md does not use LLMBar.

    figures: subset/<name>, and adversarial, the plain mean of the four adversarial sets where they are whole.
    """
    items = tuple(items)
    table = tabulate(pair_credits(items, scores), seed)
    cover = coverage(items, PUBLISHED)
    figures: dict[str, Figure | None] = {f"subset/{name}": table.pooled([name]) for name in SUBSETS}
    if cover.has(ADVERSARIAL):
        figures["adversarial"] = table.mean(ADVERSARIAL)
    overall = table.mean(PUBLISHED) if cover.complete else None
    return Result(NAME, overall, present(figures), cover, len(items), tied_pairs(items, scores))

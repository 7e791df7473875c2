"""PPE Human Preference: battles of the Chatbot Arena with a person's vote (paper.md §5.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from synpref.benchmarks.figures import Credit, Figure, tabulate
from synpref.benchmarks.files import read_rows
from synpref.benchmarks.items import Item, Response, make_item, unique_items
from synpref.benchmarks.pairwise import pair_credits
from synpref.benchmarks.results import Result, coverage, present, tied_pairs
from synpref.benchmarks.rows import Row
from synpref.benchmarks.scores import Scores

NAME = "ppe_preference"
PART = "battles"
PUBLISHED = {PART: 16_038}  # votes for a tie included
WINNERS: Mapping[str, tuple[tuple[int, int], ...]] = {
    "model_a": ((0, 1),), "model_b": ((1, 0),), "tie": (), "tie (bothbad)": (),
}  # fmt: skip
# Columns that say of what kind a prompt is, and the name of the figure over it
KINDS = {
    "hard_prompt": "hard", "easy_prompt": "easy", "if_prompt": "instruction following", "math_prompt": "math",
    "is_code": "code",
}  # fmt: skip


def read(paths: Iterable[str | Path]) -> tuple[Item, ...]:
    """Read rows of question_id, prompt, response_1, response_2, winner (model_a, model_b, tie, tie (bothbad)).

    language and the columns of KINDS are used where they are there. A battle that ended in a tie is an item without a
    pair. Raises InputError naming file and row.
    """
    return unique_items(read_rows(paths), _item)


def _item(row: Row) -> Item:
    winner = row.one_of(WINNERS, "winner")
    truths: tuple[float | None, float | None] = (None, None)
    for better, _ in WINNERS[winner]:
        truths = (1.0, 0.0) if better == 0 else (0.0, 1.0)
    responses = [Response(f"{place}", row.text(f"response_{place}"), truths[place - 1]) for place in (1, 2)]
    return make_item(
        row.name("question_id"),
        row.conversation("prompt"),
        responses,
        part=PART,
        category=row.text("language") if row.has("language") else "unknown",
        pairs=WINNERS[winner],
        tags=[name for column, name in KINDS.items() if row.values.get(column) is True],
    )


def score(items: Iterable[Item], scores: Scores, seed: int | None = None) -> Result:
    """Share of votes that the scores agree with; votes for a tie are left out, equal scores are wrong.

    figures: accuracy (over the battles that are there), language/<name>, kind/<name>. Battles that ended in a tie need
    no score.
    """
    items = tuple(items)
    voted = [item for item in items if item.pairs]
    table = tabulate(pair_credits(voted, scores), seed)
    finer = tabulate(_finer(voted, scores), seed)
    cover = coverage(items, PUBLISHED)
    whole = table.pooled([PART])
    figures: dict[str, Figure | None] = {"accuracy": whole} | {cell: finer.pooled([cell]) for cell in finer.cells}
    overall = whole if cover.complete else None
    return Result(NAME, overall, present(figures), cover, len(items), tied_pairs(voted, scores))


def _finer(items: Iterable[Item], scores: Scores) -> Iterator[Credit]:
    """Each credit once for its language and once for each kind of its prompt."""
    for item in items:
        for credit in pair_credits([item], scores):
            for cell in (f"language/{item.category}", *(f"kind/{tag}" for tag in item.tags)):
                yield credit._replace(cell=cell)

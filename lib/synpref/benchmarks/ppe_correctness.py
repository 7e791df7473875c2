"""PPE Correctness: 32 samples a prompt whose correctness is known, over five sets (paper.md §5.1)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from synpref.benchmarks.best_of_n import Curve, curves
from synpref.benchmarks.figures import Figure, tabulate
from synpref.benchmarks.files import read_rows
from synpref.benchmarks.items import Item, Response, make_item, unique_items
from synpref.benchmarks.pairwise import Earned, by_scores, earned_credits
from synpref.benchmarks.results import COVERED, Coverage, Result, coverage, present, tied_pairs
from synpref.benchmarks.rows import Row
from synpref.benchmarks.scores import Scores

NAME = "ppe_correctness"
SETS = ("mmlu_pro", "math", "gpqa", "mbpp_plus", "ifeval")
# Rows of the published data sets; paper.md names none, and that of MMLU-Pro was found nowhere.
PUBLISHED: Mapping[str, int | None] = {"mmlu_pro": None, "math": 512, "gpqa": 512, "mbpp_plus": 507, "ifeval": 512}
RESPONSES = 32  # published of each prompt (paper.md §5.1)
_RESPONSE = re.compile(r"response_(\d+)")
_NOISE = re.compile(r"[^a-z0-9]")


def read(paths: Iterable[str | Path]) -> tuple[Item, ...]:
    """Read rows of question_id, prompt, response_1 .. response_k, scores (k times right or wrong), the conflict pairs.

    sampled_conflict_pairs: [i, j] counted from 0, one of the two right and the other wrong. One prompt may stand there
    once a model (model_name). The set is told by the name of the file or of a folder above it, as published
    ("PPE-GPQA-Best-of-K") or short ("gpqa"). Raises InputError naming file and row.
    """
    return unique_items(read_rows(paths), _item)


def set_of(path: Path) -> str | None:
    """The set that a file's name, or the nearest folder above it, tells; None where nothing does."""
    known = {_plain(name): name for name in SETS} | {f"ppe{_plain(name)}bestofk": name for name in SETS}
    for part in (path.stem, *(folder.name for folder in path.parents)):
        if _plain(part) in known:
            return known[_plain(part)]
    return None


def _plain(text: str) -> str:
    return _NOISE.sub("", text.lower())


def _item(row: Row) -> Item:
    name = set_of(row.path)
    if name is None:
        raise row.error(f"no file or folder name tells the set: name one of {', '.join(SETS)}")
    places = sorted(int(found.group(1)) for column in row.values if (found := _RESPONSE.fullmatch(column)))
    if len(places) < 2 or places != list(range(1, len(places) + 1)):
        raise row.error(f"needs columns response_1 to response_k without a gap; found {len(places)}")
    truths = _truths(row, len(places))
    responses = [
        Response(str(place), row.text(f"response_{place}"), truth) for place, truth in zip(places, truths, strict=True)
    ]
    words = [name, row.name("question_id"), *([row.name("model_name")] if row.has("model_name") else [])]
    return make_item("/".join(words), row.conversation("prompt"), responses, part=name, pairs=_pairs(row, truths))


def _truths(row: Row, size: int) -> list[float]:
    given = row.values.get("scores")
    if not isinstance(given, list) or len(given) != size:
        raise row.error(f"column 'scores' must be a list of {size} values, one a response")
    if any(value not in (0, 1) for value in given):
        raise row.error("column 'scores' holds something else than right (true, 1) and wrong (false, 0)")
    return [float(value) for value in given]


def _pairs(row: Row, truths: list[float]) -> list[tuple[int, int]]:
    given = row.values.get("sampled_conflict_pairs")
    if not isinstance(given, list):
        raise row.error("column 'sampled_conflict_pairs' must be a list of pairs")
    pairs = []
    for pair in given:
        whole = isinstance(pair, list) and len(pair) == 2 and all(type(place) is int for place in pair)
        if not whole or not all(0 <= place < len(truths) for place in pair):
            raise row.error(f"column 'sampled_conflict_pairs': {pair!r} names no two of the {len(truths)} responses")
        first, second = pair
        if truths[first] == truths[second]:
            raise row.error(
                f"column 'sampled_conflict_pairs': {pair!r} are both {'right' if truths[first] else 'wrong'}"
            )
        pairs.append((first, second) if truths[first] > truths[second] else (second, first))
    return pairs


def score(items: Iterable[Item], scores: Scores, seed: int | None = None) -> Result:
    """Pairwise accuracy of each set over its conflict pairs; overall is the plain mean of the five sets.

    As the size of one set is not known, it is called `covered` until somebody vouches for the files (`vouched`). A set
    with a row of other than 32 responses is not whole.
    """
    items = tuple(items)
    return replace(score_pairs(items, by_scores(scores), seed), ties=tied_pairs(items, scores))


def score_pairs(items: Iterable[Item], earned: Earned, seed: int | None = None) -> Result:
    """The same figures from what each pair earns, whoever says which of the two is right; no ties are counted."""
    items = tuple(items)
    table = tabulate(earned_credits(items, earned), seed)
    cover = _covered(items)
    figures: dict[str, Figure | None] = {f"set/{name}": table.pooled([name]) for name in SETS}
    if cover.vouched().complete:
        figures[COVERED] = table.mean(SETS)
    return Result(NAME, None, present(figures), cover, len(items), 0)


def _covered(items: Iterable[Item]) -> Coverage:
    items = tuple(items)
    others = Counter(item.part for item in items if len(item.candidates) != RESPONSES)
    return Coverage(tuple(replace(part, partial=others[part.name]) for part in coverage(items, PUBLISHED).parts))


def best_of_k(items: Iterable[Item], scores: Scores, seed: int | None = None) -> dict[str, Curve]:
    """Curves of best-of-k by set, each with its oracle line, see `best_of_n`."""
    return curves(items, scores, seed)

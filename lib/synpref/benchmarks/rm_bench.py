"""RM-Bench: three styles of a right answer against three styles of a wrong one (paper.md §5.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from synpref.benchmarks.figures import Credit, Figure, Table, tabulate
from synpref.benchmarks.files import read_rows
from synpref.benchmarks.items import Item, Response, make_item, unique_items
from synpref.benchmarks.pairwise import Earned, by_scores
from synpref.benchmarks.results import Result, coverage, present, tied_pairs
from synpref.benchmarks.rows import Row
from synpref.benchmarks.scores import Scores

NAME = "rm_bench"
STYLES = ("concise", "plain", "markdown")  # from plain to fancy
# Prompts as published (1,327), and the domain that each counts for: the two kinds of safety are one.
PUBLISHED: Mapping[str, int] = {"chat": 129, "code": 228, "math": 529, "safety-refuse": 284, "safety-response": 157}
DOMAINS = ("chat", "code", "math", "safety")
_PLACES = range(len(STYLES))
# Cells (style of the right answer, style of the wrong one) of each difficulty
DIFFICULTIES: Mapping[str, tuple[tuple[int, int], ...]] = {
    "easy": tuple((better, worse) for better in _PLACES for worse in _PLACES if better > worse),
    "normal": tuple((style, style) for style in _PLACES),
    "hard": tuple((better, worse) for better in _PLACES for worse in _PLACES if better < worse),
}


def read(paths: Iterable[str | Path]) -> tuple[Item, ...]:
    """Read rows of id, prompt, chosen (three styles), rejected (three styles), domain.

    The id is unique in its domain; rows of code may share one over programming languages (`language`). Raises
    InputError naming file and row.
    """
    return unique_items(read_rows(paths), _item)


def _item(row: Row) -> Item:
    domain = row.one_of(PUBLISHED, "domain")
    texts = {side: row.texts(side, least=len(STYLES)) for side in ("chosen", "rejected")}
    for side, given in texts.items():
        if len(given) != len(STYLES):
            raise row.error(f"column {side!r} holds {len(given)} responses, not one in each of {', '.join(STYLES)}")
    truths = {"chosen": 1.0, "rejected": 0.0}
    responses = [
        Response(f"{side}/{style}", text, truths[side])
        for side, given in texts.items()
        for style, text in zip(STYLES, given, strict=True)
    ]
    pairs = [(better, len(STYLES) + worse) for better in _PLACES for worse in _PLACES]
    words = [domain, *([row.text("language")] if row.has("language") else []), row.name("id")]
    name = words[-1] if words[-1].startswith(f"{domain}/") else "/".join(words)
    return make_item(name, row.conversation("prompt"), responses, part=domain, pairs=pairs)


def score(items: Iterable[Item], scores: Scores, seed: int | None = None) -> Result:
    """Score as published: easy, normal and hard are means over the four domains, overall is the mean of the three.

    Where a domain is missing or not whole there is no overall figure, and the others are called covered/<difficulty>
    over the domains that are there. figures: <difficulty>, style_bias (normal minus hard), matrix/<style of the right
    answer> over <style of the wrong one> (without intervals), domain/<domain>, and domain/<domain>/ before each other.
    """
    items = tuple(items)
    return replace(score_pairs(items, by_scores(scores), seed), ties=tied_pairs(items, scores))


def score_pairs(items: Iterable[Item], earned: Earned, seed: int | None = None) -> Result:
    """The same figures from what each pair earns, whoever says which of the two is better; no ties are counted."""
    items = tuple(items)
    table = tabulate(_credits(items, earned), seed)
    cover = coverage(items, PUBLISHED)
    found = [domain for domain in DOMAINS if any(cell.startswith(f"{domain}/") for cell in table.cells)]
    figures = _by_difficulty(table, found, "" if cover.complete else "covered/")
    for domain in found:
        figures |= _by_difficulty(table, [domain], f"domain/{domain}/")
        figures[f"domain/{domain}"] = table.weighted(_overall([domain]))
    overall = table.weighted(_overall(DOMAINS)) if cover.complete else None
    return Result(NAME, overall, present(figures), cover, len(items), 0)


def _credits(items: Iterable[Item], earned: Earned) -> Iterator[Credit]:
    for item in items:
        for (better, worse), value in zip(item.pairs, earned(item), strict=True):
            cell = _cell(item.part.split("-")[0], better, worse - len(STYLES))
            yield Credit(item.prompt_id, cell, value)


def _cell(domain: str, better: int, worse: int) -> str:
    return f"{domain}/{STYLES[better]} over {STYLES[worse]}"


def _by_difficulty(table: Table, domains: Iterable[str], prefix: str) -> dict[str, Figure | None]:
    domains = tuple(domains)
    weights = {name: _weights(domains, name) for name in DIFFICULTIES}
    bias = weights["normal"] | {cell: -weight for cell, weight in weights["hard"].items()}
    every = [(better, worse) for better in _PLACES for worse in _PLACES]
    plain = table.without_intervals()
    matrix = {
        f"{prefix}matrix/{STYLES[better]} over {STYLES[worse]}": plain.mean([_cell(d, better, worse) for d in domains])
        for better, worse in every
    }
    told = {f"{prefix}{name}": table.weighted(given) for name, given in weights.items()}
    return told | {f"{prefix}style_bias": table.weighted(bias)} | matrix


def _weights(domains: Iterable[str], difficulty: str) -> dict[str, float]:
    """Weights of one difficulty, the plain mean over its cells and over these domains."""
    cells = [_cell(domain, *places) for domain in domains for places in DIFFICULTIES[difficulty]]
    return dict.fromkeys(cells, 1 / len(cells)) if cells else {}


def _overall(domains: Iterable[str]) -> dict[str, float]:
    domains = tuple(domains)
    parts = [_weights(domains, name) for name in DIFFICULTIES]
    return {cell: weight / len(parts) for part in parts for cell, weight in part.items()}

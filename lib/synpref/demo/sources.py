"""Who labelled what: sources with different label noise, and the planted duplicates and conflicts among their rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from synpref.demo.draw import uniform
from synpref.demo.pool import Comparison

Preferred = Literal["better", "worse", "tie"]


class Source(NamedTuple):
    """A source of preference rows.

    noise: share of its labels that are wrong. share: of the pool's comparisons. turns: whether its shape can hold more
    than one turn. ties: whether it can say that two answers are equal.
    """

    name: str
    noise: float
    share: float
    turns: bool = True
    ties: bool = False


EXPERT = Source("generated-expert", 0.05, 0.16)
PANEL = Source("generated-panel", 0.10, 0.14)
CHAT = Source("generated-chat", 0.20, 0.15)
CROWD = Source("generated-crowd", 0.20, 0.20)
VOTES = Source("generated-votes", 0.25, 0.15, ties=True)
WEB = Source("generated-web", 0.35, 0.20, turns=False)
SOURCES = (EXPERT, PANEL, CHAT, CROWD, VOTES, WEB)
FALSE_TIES = 0.04  # share of clear comparisons that a source with ties calls equal
PLANTED = {"duplicate_within": 0.015, "duplicate_across": 0.015, "duplicate_swapped": 0.01, "conflict": 0.015}


class Row(NamedTuple):
    """One row of a source: which answer it prefers, and whether it shows the preferred one second (or neither)."""

    source: Source
    comparison: Comparison
    preferred: Preferred
    swapped: bool

    def texts(self) -> tuple[str, str]:
        """(preferred, other); for a tie the better answer counts as preferred."""
        texts = (self.comparison.better.text, self.comparison.worse.text)
        return (texts[1], texts[0]) if self.preferred == "worse" else texts


def label(seed: int, comparisons: Sequence[Comparison]) -> list[Row]:
    """Give each comparison to one source, which labels it with its noise; seeded by comparison."""
    return [_labelled(seed, comparison) for comparison in comparisons]


def plant(seed: int, rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Repeat rows in the ways that hygiene must find; every comparison is repeated in one way at most.

    duplicate_within: the same row again. duplicate_across: in another source, same label. duplicate_swapped: in a
    source that shows the responses in an order of its own, the other way round. conflict: in another source with the
    opposite label. Ties are not repeated.
    """
    ordered = sorted(
        (row for row in rows if row.preferred != "tie" and not row.comparison.tie()),
        key=lambda row: uniform(seed, "plant", row.comparison.id),
    )
    planted: dict[str, list[Row]] = {}
    for kind, share in PLANTED.items():
        size = round(share * len(rows))
        chosen, ordered = _take(ordered, size, kind)
        planted[kind] = [_repeated(seed, kind, row) for row in chosen]
    return planted


def _take(rows: list[Row], size: int, kind: str) -> tuple[list[Row], list[Row]]:
    fitting = [row for row in rows if kind != "duplicate_swapped" or row.source is VOTES][:size]
    taken = {row.comparison.id for row in fitting}
    return fitting, [row for row in rows if row.comparison.id not in taken]


def _repeated(seed: int, kind: str, row: Row) -> Row:
    if kind == "duplicate_within":
        return row
    if kind == "duplicate_swapped":
        return row._replace(swapped=not row.swapped)
    others = [source for source in SOURCES if source is not row.source and _can_hold(source, row.comparison)]
    source = others[int(uniform(seed, "other source", row.comparison.id) * len(others))]
    opposite: Preferred = "better" if row.preferred == "worse" else "worse"
    return row._replace(source=source, preferred=opposite if kind == "conflict" else row.preferred)


def _labelled(seed: int, comparison: Comparison) -> Row:
    source = _source(uniform(seed, "source", comparison.id), comparison)
    luck = uniform(seed, "noise", source.name, comparison.id)
    swapped = uniform(seed, "shown", comparison.id) < 0.5
    if comparison.tie():
        return Row(source, comparison, "tie" if source.ties else "better" if luck < 0.5 else "worse", swapped)
    if source.ties and uniform(seed, "false tie", comparison.id) < FALSE_TIES:
        return Row(source, comparison, "tie", swapped)
    return Row(source, comparison, "worse" if luck < source.noise else "better", swapped)


def _source(place: float, comparison: Comparison) -> Source:
    for source in SOURCES:
        if place < source.share:
            return source if _can_hold(source, comparison) else CROWD
        place -= source.share
    return CROWD


def _can_hold(source: Source, comparison: Comparison) -> bool:
    return source.turns or len(comparison.messages) == 1

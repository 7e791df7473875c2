"""What every benchmark is made of: a prompt, candidate responses, what is known of them, which should beat which."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from synpref.benchmarks.rows import Messages, Row
from synpref.pairs.identity import prompt_id, response_id


@dataclass(frozen=True)
class Candidate:
    """One response. name: its place in the benchmark ("<item>/chosen"), which one place only has.

    response_id: as in the pool (`pairs.identity`), so that a response that stands in many items is scored once.
    """

    name: str
    response_id: str
    text: str


class Response(NamedTuple):
    """A response as a file gives it. truth: its true score (1 right, 0 wrong, or a graded one), None where unknown."""

    place: str
    text: str
    truth: float | None


@dataclass(frozen=True)
class Item:
    """One item of a benchmark.

    part: the subset, domain or set whose completeness is checked. category: finer, or the part again. truths: one a
    candidate. pairs: (better, worse) as places in `candidates`. margin: how much better by the file, where it says so.
    tags: whatever else the file says of the prompt; there may be none or several.
    """

    id: str
    part: str
    category: str
    prompt_id: str
    messages: Messages
    candidates: tuple[Candidate, ...]
    truths: tuple[float | None, ...]
    pairs: tuple[tuple[int, int], ...]
    margin: float | None = None
    tags: tuple[str, ...] = ()

    @property
    def needed(self) -> tuple[Candidate, ...]:
        """The candidates whose score some figure asks for: those of a pair, and those whose true score is known."""
        paired = {place for pair in self.pairs for place in pair}
        known = zip(self.candidates, self.truths, strict=True)
        return tuple(each for place, (each, truth) in enumerate(known) if place in paired or truth is not None)

    @property
    def right(self) -> tuple[int, ...]:
        """Places of the candidates with a true score of 1."""
        return tuple(place for place, truth in enumerate(self.truths) if truth == 1)

    @property
    def wrong(self) -> tuple[int, ...]:
        """Places of the candidates with a true score of 0."""
        return tuple(place for place, truth in enumerate(self.truths) if truth == 0)


def make_item(
    name: str,
    messages: Messages,
    responses: Sequence[Response],
    *,
    part: str,
    category: str | None = None,
    pairs: Sequence[tuple[int, int]] = (),
    margin: float | None = None,
    tags: Sequence[str] = (),
) -> Item:
    """Build an item; candidates are named `<name>/<place>` and identified by prompt and text."""
    prompt = prompt_id(messages)
    return Item(
        id=name,
        part=part,
        category=category or part,
        prompt_id=prompt,
        messages=tuple(messages),
        candidates=tuple(Candidate(f"{name}/{place}", response_id(prompt, text), text) for place, text, _ in responses),
        truths=tuple(response.truth for response in responses),
        pairs=tuple(pairs),
        margin=margin,
        tags=tuple(tags),
    )


def make_pair(
    name: str,
    messages: Messages,
    chosen: str,
    rejected: str,
    *,
    part: str,
    category: str | None = None,
    margin: float | None = None,
) -> Item:
    """Build an item of one chosen and one rejected response."""
    responses = (Response("chosen", chosen, 1.0), Response("rejected", rejected, 0.0))
    return make_item(name, messages, responses, part=part, category=category, pairs=((0, 1),), margin=margin)


def unique_items(rows: Iterable[Row], build: Callable[[Row], Item]) -> tuple[Item, ...]:
    """Build an item of each row. Raises InputError where two rows give one id, naming both."""
    seen: dict[str, tuple[Row, Item]] = {}
    for row in rows:
        item = build(row)
        if item.id in seen:
            first, _ = seen[item.id]
            raise row.error(f"the id {item.id!r} stands already in {first.path}: {first.place}")
        seen[item.id] = (row, item)
    return tuple(item for _, item in seen.values())


def distinct_responses(items: Iterable[Item]) -> dict[str, tuple[Messages, str]]:
    """What a reward model has to score: (messages, text) by response_id, each once."""
    return {each.response_id: (item.messages, each.text) for item in items for each in item.needed}

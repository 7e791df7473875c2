"""Which retrieved comparison goes to which gold comparison (paper.md §2.3, §10.2)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple


class Candidate(NamedTuple):
    """A pool comparison that is similar to a gold comparison (query)."""

    query: str
    retrieved: str
    prompt_id: str
    similarity: float


class Taken(NamedTuple):
    """What a query took; rank 1 is its most similar."""

    query: str
    retrieved: str
    similarity: float
    rank: int


def per_prompt(max_per_prompt: int, k_max: int, prompts: int) -> int:
    """Comparisons of one prompt that a query may take: more than the setting where prompts are fewer than k_max."""
    return max(max_per_prompt, math.ceil(k_max / prompts)) if prompts else max_per_prompt


def allocate(
    candidates: Iterable[Candidate], allowed: Mapping[str, int], of_one_prompt: int, limit: int | None
) -> Iterator[Taken]:
    """Give each pool comparison to the query it matches best, at most allowed[query] to a query.

    candidates: in falling similarity, ties by (retrieved, query); a query takes at most of_one_prompt of one prompt.
    limit: comparisons in all; None: no limit. Memory grows with what is taken, not with the candidates.
    """
    taken: set[str] = set()
    ranks: Counter[str] = Counter()
    prompts: Counter[tuple[str, str]] = Counter()
    for candidate in candidates:
        if limit is not None and len(taken) >= limit:
            return
        of_prompt = (candidate.query, candidate.prompt_id)
        full = ranks[candidate.query] >= allowed.get(candidate.query, 0)
        if full or candidate.retrieved in taken or prompts[of_prompt] >= of_one_prompt:
            continue
        taken.add(candidate.retrieved)
        ranks[candidate.query] += 1
        prompts[of_prompt] += 1
        yield Taken(candidate.query, candidate.retrieved, candidate.similarity, ranks[candidate.query])

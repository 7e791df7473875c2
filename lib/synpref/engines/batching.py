"""Batches counted in padded tokens, not in rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def token_budget_batches(lengths: Sequence[int], token_budget: int, window: int) -> Iterator[list[int]]:
    """Cut items into batches whose padded size (rows x longest row) stays within the budget.

    lengths: tokens of each item. window: items taken in order of arrival and sorted by length, longest first (so a
    batch that does not fit memory shows at once), then cut: what is in memory is bounded. Every index comes once; only
    an item that alone exceeds the budget makes a batch above it. Raises ValueError where budget or window is below 1.
    """
    if token_budget < 1 or window < 1:
        raise ValueError(f"token_budget {token_budget} and window {window} must be at least 1")
    for start in range(0, len(lengths), window):
        order = sorted(range(start, min(start + window, len(lengths))), key=lambda index: (-lengths[index], index))
        batch: list[int] = []
        for index in order:
            # the first of a batch is its longest: the order falls
            if batch and (len(batch) + 1) * max(lengths[batch[0]], 1) > token_budget:
                yield batch
                batch = []
            batch.append(index)
        yield batch

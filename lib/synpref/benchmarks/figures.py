"""Figures of a benchmark as weighted means of cells, with intervals that resample prompts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from synpref.pairs.identity import hash128
from synpref.quality.intervals import Interval, Sums, bootstrap

MAX_BLOCKS = 400  # prompts resampled one by one up to here, beyond in as many hash blocks: the draws stay small


class Credit(NamedTuple):
    """What one observation earns: the prompt it belongs to, the cell it counts in, its value (1 right, 0 wrong)."""

    prompt: str
    cell: str
    value: float


@dataclass(frozen=True)
class Figure:
    """A measured figure. rows: observations behind it; prompts: distinct ones; interval: None where not asked for."""

    value: float
    rows: int
    prompts: int
    interval: Interval | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        told = None if self.interval is None else self.interval.as_dict()
        return {"value": self.value, "rows": self.rows, "prompts": self.prompts, "interval": told}


@dataclass(frozen=True)
class Table:
    """Credits summed by prompt and cell: values and rows are (prompts, cells). seed: of intervals, None for none."""

    cells: tuple[str, ...]
    prompts: tuple[str, ...]
    values: NDArray[np.float64]
    rows: NDArray[np.float64]
    seed: int | None

    def without_intervals(self) -> Table:
        """The same table, whose figures have no intervals: each costs two thousand draws."""
        return replace(self, seed=None)

    def weighted(self, weights: Mapping[str, float]) -> Figure | None:
        """Sum over cells of weight times the cell's mean value; None where a cell has no rows."""
        vector = np.array(list(weights.values()), dtype=np.float64)
        size = len(vector)

        def statistic(totals: Sums) -> Sums:
            # no matrix product: its rounding depends on the number of rows, and an estimate must lie in its interval
            return np.asarray((totals[:, :size] / totals[:, size:] * vector).sum(axis=1))

        return self._figure(list(weights), statistic)

    def mean(self, cells: Collection[str]) -> Figure | None:
        """Plain mean of the cells' means; None where a cell has no rows, or without cells."""
        return self.weighted(dict.fromkeys(cells, 1 / len(cells))) if cells else None

    def pooled(self, cells: Collection[str]) -> Figure | None:
        """Mean value over all rows of the cells that have rows; None where none has."""
        found = [cell for cell in cells if cell in self.cells]
        size = len(found)

        def statistic(totals: Sums) -> Sums:
            return np.asarray(totals[:, :size].sum(axis=1) / totals[:, size:].sum(axis=1))

        return self._figure(found, statistic)

    def _figure(self, cells: list[str], statistic: Callable[[Sums], Sums]) -> Figure | None:
        if not cells or any(cell not in self.cells for cell in cells):
            return None
        chosen = [self.cells.index(cell) for cell in cells]
        present = self.rows[:, chosen].sum(axis=1) > 0
        sums = np.hstack([self.values[present][:, chosen], self.rows[present][:, chosen]])
        value = float(statistic(sums.sum(axis=0, keepdims=True))[0])
        interval = None
        if self.seed is not None:
            names = [prompt for prompt, there in zip(self.prompts, present, strict=True) if there]
            interval = bootstrap(in_blocks(names, sums), statistic, seed=self.seed)
        return Figure(value, int(self.rows[:, chosen].sum()), int(present.sum()), interval)


def tabulate(earned: Iterable[Credit], seed: int | None) -> Table:
    """Sum credits by prompt and cell. The order of the credits means nothing."""
    every = list(earned)
    cells = {cell: place for place, cell in enumerate(sorted({credit.cell for credit in every}))}
    prompts = {prompt: place for place, prompt in enumerate(sorted({credit.prompt for credit in every}))}
    values = np.zeros((len(prompts), len(cells)))
    rows = np.zeros_like(values)
    for prompt, cell, value in every:
        place = prompts[prompt], cells[cell]
        values[place] += value
        rows[place] += 1
    return Table(tuple(cells), tuple(prompts), values, rows, seed)


def in_blocks(prompts: Sequence[str], sums: Sums) -> Sums:
    """Sums of prompts, (prompts, columns), as sums of at most MAX_BLOCKS blocks; a prompt stays in one block."""
    if len(prompts) <= MAX_BLOCKS:
        return sums
    blocks = np.zeros((MAX_BLOCKS, sums.shape[1]))
    np.add.at(blocks, [int(hash128(prompt)[:8], 16) % MAX_BLOCKS for prompt in prompts], sums)
    return blocks

"""The curves of best-of-n, from plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synpref.report.drawing import INK, Plot, shorten

Rows = Sequence[Mapping[str, Any]]
MEAN = "/mean"
PANELS = 3  # lists drawn: the means over several parts come first
ORACLE = "oracle"


def best_of_n_plot(curves: Rows) -> str | None:
    """Mean true score of what is picked out of n, by scorer, and the oracle's line; None without curves.

    curves: {list, name, picked, oracle}.
    """
    names = sorted({curve["list"] for curve in curves}, key=lambda name: (not name.endswith(MEAN), name))[:PANELS]
    if not names:
        return None
    plot = Plot(3.2, columns=len(names))
    with plot as panels:
        for axes, name in zip(panels, names, strict=True):
            of_list = [curve for curve in curves if curve["list"] == name]
            for curve in of_list:
                axes.plot(_from_one(curve["picked"]), curve["picked"], label=shorten(curve["name"], 24), linewidth=1.4)
            oracle = of_list[0]["oracle"]
            axes.plot(_from_one(oracle), oracle, "--", color=INK, label=ORACLE, linewidth=1.2)
            axes.set(xlabel=f"{shorten(name, 30)}: n", ylabel="mean true score")
        panels[0].legend(frameon=False, fontsize=8)
    return plot.image


def _from_one(line: Sequence[float]) -> list[int]:
    return list(range(1, len(line) + 1))

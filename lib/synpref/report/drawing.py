"""How our plots look, and a figure as an image that needs no file beside the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib import style
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, GRID = "#1f2933", "#7b8794", "#e4e7eb"
KEEP, FLIP, DROP, BASELINE = "#2c7a7b", "#b7791f", "#a0aec0", "#9f1239"
LINES = ("#2c7a7b", "#b7791f", "#553c9a", "#9f1239", "#2b6cb0", "#4a5568", "#38a169", "#d53f8c", "#805ad5")
_LOOK: dict[str, Any] = {
    "font.size": 10, "font.family": ["DejaVu Sans"], "text.color": INK, "axes.labelcolor": INK, "xtick.color": INK,
    "ytick.color": INK, "axes.edgecolor": GRID, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.color": GRID, "axes.axisbelow": True, "svg.hashsalt": "synpref", "svg.fonttype": "path",
    "text.parse_math": False, "axes.prop_cycle": f"cycler('color', {list(LINES)})", "figure.dpi": 96,
}  # fmt: skip


class Plot:
    """A figure with its axes in a row, made under our look: use as a context, then take `image`."""

    def __init__(self, height: float, columns: int = 1, width: float = 10.4) -> None:
        self._look = style.context(_LOOK)
        self._size = (width, height)
        self._columns = columns
        self.image = ""

    def __enter__(self) -> Sequence[Axes]:
        self._look.__enter__()
        self._figure = Figure(figsize=self._size, layout="constrained")
        axes = self._figure.subplots(1, self._columns, squeeze=False)[0]
        return list(axes)

    def __exit__(self, *raised: object) -> None:
        if raised[0] is None:
            self.image = _image(self._figure)
        self._look.__exit__(None, None, None)


def _image(figure: Figure) -> str:
    """The figure as the value of an <img> src: SVG in a data URI, in which nothing can run."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def shorten(text: str, limit: int = 40) -> str:
    """A name short enough for an axis, on one line, without characters that cannot be drawn."""
    clean = "".join(character if character.isprintable() else " " for character in text)
    return clean if len(clean) <= limit else clean[: limit - 1] + "\N{HORIZONTAL ELLIPSIS}"

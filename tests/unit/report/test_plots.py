"""Plots draw what there is and nothing where there is nothing."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import pytest

from synpref.report import plots
from synpref.report.drawing import Plot, shorten

NOTHING: dict[str, Any] = {"rows": 0, "accuracy": None}


def _svg(image: str | None) -> ET.Element:
    assert image is not None
    return ET.fromstring(base64.b64decode(image.removeprefix("data:image/svg+xml;base64,")))


@pytest.mark.parametrize(
    "image",
    [
        plots.labels_plot({"pool": NOTHING}, {}),
        plots.models_plot({"original": None}, {}, {}),
        plots.judges_plot({"j": {"gold_agreement": None}}, {}),
        plots.decisions_plot([{"decision": "keep", "reason": "r", "rows": 0}]),
        plots.probabilities_plot({"gold": [0, 0]}),
        plots.curves_plot([]),
        plots.iterations_plot([]),
    ],
)
def test_nothing_to_draw_is_no_plot(image: str | None) -> None:
    assert image is None


def test_plots_are_well_formed_svg_and_reproducible(summary: Callable[..., dict[str, Any]]) -> None:
    made = summary()
    first = plots.labels_plot(made["labels"], made["intervals"])
    assert _svg(first).tag.endswith("svg")
    assert first == plots.labels_plot(made["labels"], made["intervals"])


def test_names_with_mathematics_and_markup_can_be_drawn() -> None:
    rows = [{"decision": "keep", "reason": "$\\frac{ <b>&\x00\u202e", "rows": 3}]
    assert b"<b>" not in base64.b64decode((plots.decisions_plot(rows) or "").split(",")[1])


def test_missing_figures_leave_gaps() -> None:
    curves = [{"model": "m", "step": n, "loss": 0.5, "accuracy": None if n % 2 else 0.6} for n in range(6)]
    _svg(plots.curves_plot(curves))
    _svg(plots.iterations_plot([{"iteration": 0, "accuracy": None, "silver": 1, "gold": 2}]))


def test_our_look_stays_inside_a_plot_even_if_drawing_fails() -> None:
    before = dict(mpl.rcParams)
    with pytest.raises(ValueError, match="dimension"), Plot(1.0) as (axes,):
        axes.plot([1, 2], [1, 2, 3])
    assert dict(mpl.rcParams) == before


def test_long_names_are_shortened_to_one_line() -> None:
    assert shorten("a" * 50, 10) == "a" * 9 + "\N{HORIZONTAL ELLIPSIS}"
    assert shorten("two\nlines") == "two lines"

"""The report: one page that needs nothing beside it. All text is escaped by the template engine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synpref.errors import InputError
from synpref.report import benchmark_plots, plots
from synpref.report.page import Details
from synpref.report.templates import environment


def render_page(summary: Mapping[str, Any], details: Details) -> str:
    """The page as HTML from a run's summary (see `summary.build_summary`) and its details."""
    intervals = summary["intervals"]
    images = {
        "labels": plots.labels_plot(summary["labels"], intervals) if summary["labels"] else None,
        "models": plots.models_plot(summary["reward_models"], intervals, details.per_seed),
        "judges": plots.judges_plot(summary["judges"], intervals),
        "decisions": plots.decisions_plot(details.decisions),
        "probabilities": plots.probabilities_plot(details.probabilities),
        "curves": plots.curves_plot(details.curves),
        "iterations": plots.iterations_plot(details.iterations),
        "best_of_n": benchmark_plots.best_of_n_plot(details.benchmarks.get("curves", ())),
    }
    return environment().get_template("report.html.jinja").render(run=summary, details=details, images=images)


def write_page(path: Path, summary: Mapping[str, Any], details: Details) -> None:
    """Write the page. Raises InputError where the file cannot be written."""
    page = render_page(summary, details)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A lone surrogate cannot stand in a file: it is shown as a question mark.
        path.write_text(page, encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"report {path}: cannot be written ({error.strerror}); choose another run.dir") from error

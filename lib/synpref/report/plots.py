"""The plots of the page, each from plain values; shares are drawn in percent. None where there is nothing to draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synpref.report.drawing import BASELINE, DROP, FLIP, INK, KEEP, MUTED, Plot, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Rows = Sequence[Mapping[str, Any]]
_OF_DECISION = {"keep": KEEP, "flip": FLIP, "drop": DROP}


def labels_plot(labels: Mapping[str, Any], intervals: Mapping[str, Any]) -> str | None:
    """Accuracy of labels before and after, with intervals, beside length alone at equal counts."""
    names = {"pool": "source labels", "kept": "kept", "flipped": "flipped", "dropped": "dropped"}
    if not labels["pool"]["rows"]:
        return None
    plot = Plot(2.5)
    with plot as (axes,):
        shown = [name for name in names if labels[name]["accuracy"] is not None]
        for place, name in enumerate(reversed(shown)):
            _dot(axes, place, labels[name]["accuracy"], intervals.get(f"labels.{name}.accuracy"))
            length = labels["by_length_equal_counts"].get(name)
            if length and length["accuracy"] is not None:
                axes.plot(100 * length["accuracy"], place, "D", color="white", markeredgecolor=BASELINE, zorder=4)
        _names(axes, [f"{names[name]} ({labels[name]['rows']:,})" for name in reversed(shown)])
        axes.plot([], [], "o", color=KEEP, label="measured, 95 % interval over groups")
        axes.plot([], [], "D", color="white", markeredgecolor=BASELINE, label="length alone, equal counts")
        axes.set_xlabel("rows whose label is the true one, %")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.22), ncols=2, frameon=False, fontsize=9)
    return plot.image


def models_plot(
    models: Mapping[str, float | None], intervals: Mapping[str, Any], per_seed: Mapping[str, Sequence[float]]
) -> str | None:
    """Accuracy of the final reward models: mean of seeds with its interval, and each seed."""
    shown = [name for name, accuracy in models.items() if accuracy is not None]
    if not shown:
        return None
    plot = Plot(0.9 + 0.45 * len(shown))
    with plot as (axes,):
        for place, name in enumerate(reversed(shown)):
            _dot(axes, place, models[name] or 0.0, intervals.get(f"reward_models.{name}"))
            seeds = [100 * value for value in per_seed.get(name, ())]
            axes.plot(seeds, [place - 0.22] * len(seeds), "|", color=MUTED, markersize=9)
        _names(axes, [name.replace("_", " + ") for name in reversed(shown)])
        axes.set_xlabel("test comparisons ranked right, %  (dot: mean of seeds; strokes: each seed)")
    return plot.image


def judges_plot(judges: Mapping[str, Mapping[str, Any]], intervals: Mapping[str, Any]) -> str | None:
    """Agreement with gold and change with order, by judge; hollow marks are simulated judges."""
    shown = [name for name, judge in judges.items() if judge["gold_agreement"] is not None]
    if not shown:
        return None
    plot = Plot(1.1 + 0.42 * len(shown))
    with plot as (axes,):
        for place, name in enumerate(reversed(shown)):
            judge = judges[name]
            bounds = intervals.get(f"judges.{name}.gold_agreement")
            _dot(axes, place, judge["gold_agreement"], bounds, hollow=judge["simulated"])
            if judge["position_flip_rate"] is not None:
                axes.plot(100 * judge["position_flip_rate"], place, "x", color=BASELINE, zorder=4)
        kinds = {True: " (simulated)", False: ""}
        _names(axes, [shorten(name, 32) + kinds[judges[name]["simulated"]] for name in reversed(shown)])
        axes.plot([], [], "o", color=KEEP, label="agrees with gold in both orders, bounds")
        axes.plot([], [], "x", color=BASELINE, label="verdict changes with the order")
        axes.set(xlabel="%", xlim=(-3, 103))
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, fontsize=9)
    return plot.image


def decisions_plot(decisions: Rows) -> str | None:
    """Rows by decision and reason: [{decision, reason, rows}]."""
    shown = [row for row in decisions if row["rows"]]
    if not shown:
        return None
    order = list(_OF_DECISION)
    shown = sorted(shown, key=lambda row: (-order.index(row["decision"]), row["rows"]))
    plot = Plot(0.8 + 0.3 * len(shown))
    with plot as (axes,):
        bars = axes.barh(
            range(len(shown)), [row["rows"] for row in shown], color=[_OF_DECISION[row["decision"]] for row in shown]
        )
        axes.bar_label(bars, [f" {row['rows']:,}" for row in shown], color=INK, fontsize=9)
        axes.margins(x=0.1)
        _names(axes, [f"{row['decision']}: {shorten(row['reason'].replace('_', ' '))}" for row in shown])
        axes.set_xlabel("comparisons")
    return plot.image


def probabilities_plot(probabilities: Mapping[str, Sequence[int]]) -> str | None:
    """Histograms of the probability of the source's label: {name: counts of equal bins over 0 to 1}."""
    shown = {name: counts for name, counts in probabilities.items() if sum(counts)}
    if not shown:
        return None
    plot = Plot(2.4, columns=len(shown))
    with plot as panels:
        for axes, (name, counts) in zip(panels, shown.items(), strict=True):
            width = 1 / len(counts)
            centres = [(place + 0.5) * width for place in range(len(counts))]
            axes.bar(centres, counts, width * 0.92, color=[KEEP if centre > 0.5 else FLIP for centre in centres])
            axes.axvline(0.5, color=INK, linewidth=0.8)
            axes.set(xlabel=f"{shorten(name)}: probability of the source's label", ylabel="comparisons", xlim=(0, 1))
    return plot.image


def curves_plot(curves: Rows) -> str | None:
    """Training curves: [{model, step, loss, accuracy}], loss or accuracy null where not taken at that step."""
    names = list(dict.fromkeys(row["model"] for row in curves))
    if not names:
        return None
    plot = Plot(3.0, columns=2)
    with plot as panels:
        titles = {"loss": "training loss", "accuracy": "gold accuracy, %"}
        for axes, (figure, title) in zip(panels, titles.items(), strict=True):
            for name in names:
                taken = [row for row in curves if row["model"] == name and row.get(figure) is not None]
                scale = 100 if figure == "accuracy" else 1
                steps, values = [row["step"] for row in taken], [scale * row[figure] for row in taken]
                axes.plot(steps, values, marker="." if len(taken) < 20 else "", label=shorten(name, 28), linewidth=1.3)
            axes.set(xlabel="step", ylabel=title)
        panels[0].legend(frameon=False, fontsize=8, ncols=1 + len(names) // 6)
    return plot.image


def iterations_plot(iterations: Rows) -> str | None:
    """Stage 1 by iteration: [{iteration, accuracy (gold-validation, or None), silver, gold}]; silver, gold are rows."""
    if not iterations:
        return None
    plot = Plot(2.4, columns=2)
    with plot as (left, right):
        numbers = [row["iteration"] for row in iterations]
        taken = [row for row in iterations if row["accuracy"] is not None]
        left.plot([row["iteration"] for row in taken], [100 * row["accuracy"] for row in taken], "o-")
        left.set(xlabel="iteration", ylabel="gold-validation, %", xticks=numbers)
        for name, color in (("silver", DROP), ("gold", FLIP)):
            right.plot(numbers, [row[name] for row in iterations], "o-", color=color, label=name)
        right.set(xlabel="iteration", ylabel="labelled comparisons", xticks=numbers)
        right.set_ylim(bottom=0)
        right.legend(frameon=False)
    return plot.image


def _dot(axes: Axes, place: int, value: float, bounds: Mapping[str, Any] | None, *, hollow: bool = False) -> None:
    if bounds:
        axes.plot([100 * bounds["low"], 100 * bounds["high"]], [place, place], color=KEEP, linewidth=2, alpha=0.45)
    face = "white" if hollow else KEEP
    axes.plot(100 * value, place, "o", color=face, markeredgecolor=KEEP, markersize=8, zorder=3)


def _names(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.grid(visible=False, axis="y")
    axes.tick_params(length=0)

"""Benchmark results as text for a terminal, in the layout of the paper's table (paper.md §5.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synpref.report.breakdown_text import breakdown_text
from synpref.report.console import printable, text_table
from synpref.report.figures_text import ABSENT, count, interval, percent, points, share

_KINDS = {"model": "", "scores": "scores of a file", "judge": "judge", "baseline": "baseline", "published": "published"}
_SHOWN_POINTS = (1, 2, 4, 8, 16, 32)  # of a best-of-n curve


def benchmark_text(told: Mapping[str, Any]) -> str:
    """What was measured, from the plain values of `flow.benchmark_record.shown` and the robustness beside them."""
    parts = [
        _paper_table(told["table"], told["notes"]) if told["figures"] else "",
        _figures(told["figures"], told.get("refused_rows", [])),
        breakdown_text(told["breakdowns"]),
        _curves(told["curves"], told["curve_notes"]),
        _robustness(told["robustness"]),
        _correlations(told["correlations"]),
        _unscored(told["unscored"]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _paper_table(table: Mapping[str, Any], notes: Sequence[str]) -> str:
    rows: list[Sequence[str]] = [("overall figures, percent", "", *table["columns"])]
    rows += [(row["name"], _KINDS[row["kind"]], *(share(value) for value in row["values"])) for row in table["rows"]]
    footnotes = [f"  {ABSENT} {printable(note)}" for note in notes]
    return "\n".join([text_table("Benchmarks", rows), *footnotes])


def _figures(figures: Sequence[Mapping[str, Any]], refused: Sequence[str]) -> str:
    head = ("benchmark", "scorer", "figure", "", "95 % interval", "items", "no score", "length r", "normal - hard")
    rows: list[Sequence[str]] = [(*head[:7], "refused", *head[7:]) if refused else head]
    for row in figures:
        sampled = f" of {count(row['held'])}" if row["items"] + row["unscored"] < row["held"] else ""
        length = ABSENT if row["length_correlation"] is None else f"{row['length_correlation']:+.2f}"
        rows.append(
            (
                row["benchmark"], row["name"], row["figure"], percent(row["value"]), interval(row["interval"]),
                count(row["items"]) + sampled, count(row["unscored"]),
                *([count(row["refused"])] if refused else []), length, points(row["style_bias"]),
            )
        )  # fmt: skip
    if len(rows) == 1:
        return ""
    words = ["overall: the paper's figure", "pairs: all pairs there that are right"]
    if any(row["figure"] == "covered" for row in figures):
        words.append("covered: mean of the subsets there, not the paper's")
    told = [text_table(f"What is there ({'; '.join(words)})", rows)]
    told += [f"  rows refused and left out, of {printable(one)}" for one in refused]
    told += [
        f"  judge {printable(row['name'])} on {row['benchmark']}: right in one order {percent(row['single_order'])}; "
        f"verdict changes with the order {percent(row['position_flip'])}"
        for row in figures
        if row["kind"] == "judge"
    ]
    return "\n".join(told)


def _curves(curves: Sequence[Mapping[str, Any]], notes: Sequence[Mapping[str, str]]) -> str:
    """True score of what is picked, by scorer; of lists in several parts only the mean, the page has the others."""
    if not curves:
        return ""
    names = {curve["list"] for curve in curves}
    means = {name for name in names if name.endswith("/mean")}
    whole = {name for name in names if f"{name.rpartition('/')[0]}/mean" not in means}
    longest = max(len(curve["picked"]) for curve in curves)
    places = [n for n in _SHOWN_POINTS if n <= longest]
    rows: list[Sequence[str]] = [("mean true score of the best of n", "", *(f"n={n}" for n in places))]
    for name in sorted(means | whole):
        of_list = [curve for curve in curves if curve["list"] == name]
        rows += [(name, curve["name"], *_points(curve["picked"], places)) for curve in of_list]
        rows.append((name, "oracle", *_points(of_list[0]["oracle"], places)))
    told = [f"  {printable(one['list'])}: {printable(one['note'])}" for one in notes if one["list"] in means | whole]
    return "\n".join([text_table("Best of n", rows), *told])


def _points(line: Sequence[float], places: Sequence[int]) -> list[str]:
    return [f"{line[n - 1]:.3f}" if n <= len(line) else ABSENT for n in places]


def _robustness(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    found: list[Sequence[str]] = [("scorer", "on", "prompts", "as it was", *rows[0]["attacks"])]
    for row in rows:
        attacked = [f"{share(one['attacked'])}{'*' if one['wins'] else ' '}" for one in row["attacks"].values()]
        found.append((row["name"], row["source"], count(row["prompts"]), share(row["plain"]), *attacked))
    title = "Robustness: the worse answer preferred to the better one, percent, as it was and attacked"
    return text_table(title, found) + "\n  * more often than as it was, beyond the 95 % interval of the difference"


def _correlations(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    found = [("Pearson's r over our scorers", "", "r", "scorers")]
    found += [(row["first"], row["second"], f"{row['r']:+.2f}", count(row["models"])) for row in rows]
    return text_table("Correlation of benchmarks", found)


def _unscored(unscored: Mapping[str, Mapping[str, int]]) -> str:
    told = [
        f"  {printable(name)}: {', '.join(f'{count(rows)} {what}' for what, rows in found.items() if rows)}"
        for name, found in unscored.items()
    ]
    return "\n".join(["Left out, since an answer has no score (see the table quarantine)", *told]) if told else ""

"""The summary as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synpref.report.figures_text import count, duration, interval, percent, repairs_told

_PARTS = (("source labels", "pool"), ("kept", "kept"), ("flipped", "flipped"), ("dropped", "dropped"))
TRAINING_SETS = (
    ("original", "source labels of all decided pairs"),
    ("filtered", "kept pairs"),
    ("filtered_corrected", "kept and flipped pairs"),
)


def summary_text(summary: Mapping[str, Any], notes: Sequence[str] = ()) -> str:
    """What a run did, from its summary (see `summary.build_summary`): stages, decisions, labels, judges, models, gate.

    notes: sentences a reader must know (see `notes.run_notes`), below the figures.
    Control characters in names are replaced, so that data cannot steer the terminal.
    """
    parts = [
        _stages(summary["stages"]),
        _decisions(summary["decisions"]),
        _labels(summary["labels"], summary["intervals"]) if summary["labels"] else "",
        _judges(summary["judges"]) if summary["judges"] else "",
        _models(summary["reward_models"], summary["intervals"]),
        _gate(summary),
        "\n".join(["Notes", *(f"  {printable(note)}" for note in notes)]) if notes else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _stages(stages: Mapping[str, Mapping[str, Any]]) -> str:
    rows: list[Sequence[str]] = [("stage", "in", "out", "duplicates", "quarantined", "engine calls", "saved", "time")]
    for name, stage in stages.items():
        figures = [stage["rows_in"], stage["rows_out"], stage["duplicates"], sum(stage["quarantined"].values())]
        calls = [stage["engine_calls"], stage["engine_calls_saved"]]
        rows.append((name, *(count(one) for one in figures + calls), duration(stage["seconds"])))
    reasons: dict[str, int] = {}
    for stage in stages.values():
        for reason, rows_of in stage["quarantined"].items():
            reasons[reason] = reasons.get(reason, 0) + rows_of
    why = ", ".join(f"{printable(reason)} {count(rows_of)}" for reason, rows_of in sorted(reasons.items()))
    lost = [
        f"\n  {printable(name)}: no answer by engines: {printable(reason)} {count(rows_of)}"
        for name, stage in stages.items()
        for reason, rows_of in sorted(stage["refused"].items())
    ]
    lost += [
        f"\n  {printable(name)}: cut to an engine's maximum length: {count(stage['cut'])} inputs"
        for name, stage in stages.items()
        if stage["cut"]
    ]
    lost += [
        f"\n  {printable(name)}: valid answers: {printable(who)} {count(one['parsed'])} of {count(sum(one.values()))}"
        for name, stage in stages.items()
        for who, one in stage["answers"].items()
    ]
    return text_table("Stages", rows) + (f"\n  quarantined: {why}" if why else "") + "".join(lost)


def _decisions(decisions: Mapping[str, Mapping[str, int]]) -> str:
    lines = ["Decisions on gold-train, silver and wild"]
    for decision, reasons in decisions.items():
        why = ", ".join(f"{printable(reason)} {count(rows)}" for reason, rows in sorted(reasons.items()))
        lines.append(f"  {decision} {count(sum(reasons.values()))}" + (f": {why}" if why else ""))
    return "\n".join(lines)


def _labels(labels: Mapping[str, Any], intervals: Mapping[str, Any]) -> str:
    rows = [("labels against the truth", "rows", "right", "95 % interval", "length alone", "recall")]
    by_length = labels["by_length_equal_counts"]
    for title, name in _PARTS:
        part = labels[name]
        baseline = percent(by_length[name]["accuracy"]) if name in by_length else ""
        recall = percent(part["recall"]) if "recall" in part else ""
        found = interval(intervals.get(f"labels.{name}.accuracy"))
        rows.append((title, count(part["rows"]), percent(part["accuracy"]), found, baseline, recall))
    return text_table("Stage 2's decisions", rows)


def _judges(judges: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [("judge", "", "admitted", "agrees with gold", "changes with order", "verdicts", "asked again")]
    words = {True: "yes", False: "no", None: "open"}
    for name, judge in judges.items():
        kind = "simulated" if judge["simulated"] else "model"
        rates = (percent(judge["gold_agreement"]), percent(judge["position_flip_rate"]))
        said = (count(sum(judge["verdicts"].values())), repairs_told(judge["repairs"]))
        rows.append((name, kind, words[judge["admitted"]], *rates, *said))
    return text_table("Judges", rows)


def _models(models: Mapping[str, float | None], intervals: Mapping[str, Any]) -> str:
    rows = [("reward model trained on", "right on tests", "95 % interval")]
    for name, title in TRAINING_SETS:
        if models.get(name) is not None:
            rows.append((title, percent(models[name]), interval(intervals.get(f"reward_models.{name}"))))
    text = text_table("Reward models", rows)
    differences = [
        f"  {title} minus original: {interval(intervals[key], difference=True)}"
        for name, title in TRAINING_SETS
        if (key := f"reward_models.{name}_minus_original") in intervals
    ]
    return "\n".join([text, *differences]) if len(rows) > 1 else ""


def _gate(summary: Mapping[str, Any]) -> str:
    gate, memory = summary["gate"], summary["peak_memory_gb"]
    peak = ", ".join(f"{name} {value:.1f} GB" for name, value in memory.items() if value is not None)
    device = summary["device"]
    computed = f"{printable(device['name'])} ({printable(device['dtype'])})" if device["dtype"] else device["name"]
    return (
        f"Gate: {count(gate['expectations'])} expectations in {count(gate['suites'])} suites, "
        f"{count(gate['failed'])} failed\n"
        f"Run: {duration(summary['seconds'])}; peak memory {peak or 'not measured'}; {printable(computed)}; "
        f"campaign {printable(summary['campaign'])}"
    )


def text_table(title: str, rows: Sequence[Sequence[str]]) -> str:
    """Left-aligned first column, the others right-aligned; the first row is the heading."""
    clean = [[printable(cell) for cell in row] for row in rows]
    widths = [max(len(row[place]) for row in clean) for place in range(len(clean[0]))]
    lines = ["  " + "  ".join(_aligned(row, widths)) for row in clean]
    return "\n".join([title, lines[0], "  " + "-" * (sum(widths) + 2 * len(widths) - 2), *lines[1:]]).rstrip()


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    first, *others = zip(row, widths, strict=True)
    return [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]


def printable(text: str) -> str:
    """The text without characters that could steer a terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)

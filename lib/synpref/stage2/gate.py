"""Keep, flip or drop: the dual reward-model gate and the decision by label (paper.md §3, §10.10)."""

from __future__ import annotations

from typing import NamedTuple

from pyspark.sql import Column
from pyspark.sql import functions as F

NOT_AGREED = ("rejects", "unsure")
NOT_KEPT_BY_JUDGES = {"oppose": "judges_against", "none": "no_verdict"}


class Decision(NamedTuple):
    """decision: keep, flip or drop; reason: its code."""

    decision: str
    reason: str


def opinion(p_source: float | None, epsilon: float, refused: bool = False) -> str:
    """A reward model "agrees", "rejects" or is "unsure", by its probability that the source's choice wins.

    Without a probability it is "unscored" where it refused one of the responses (scorer.overlong, §10.16; the row
    stands in quarantine), and "missing" where nothing says why.
    """
    if p_source is None:
        return "unscored" if refused else "missing"
    if p_source > 0.5 + epsilon:
        return "agrees"
    return "rejects" if p_source < 0.5 - epsilon else "unsure"


def judges_are_asked(gold: str, best: str) -> bool:
    """Judges can change the outcome only where the gold RM agrees and the best RM does not."""
    return gold == "agrees" and best in NOT_AGREED


def gate(gold: str, best: str, judges: str | None) -> Decision:
    """The gate for a comparison with a source label.

    gold, best: opinions. judges: "agree", "oppose", "none" (asked, no label) or None (not asked, or nobody to ask).
    KEEP iff the gold RM agrees and (the best RM agrees or the judges do). FLIP iff both reject. All else is DROP; what
    is missing is dropped too, but the gate of the table lets nobody publish it.
    """
    for reason in ("missing", "unscored"):
        if reason in (gold, best):
            return Decision("drop", reason)
    if gold == "agrees" and best == "agrees":
        return Decision("keep", "both_agree")
    if gold == "agrees" and judges == "agree":
        return Decision("keep", "gold_and_judges_agree")
    if gold == "rejects" and best == "rejects":
        return Decision("flip", "both_reject")
    if gold == "agrees" and judges in NOT_KEPT_BY_JUDGES:
        return Decision("drop", NOT_KEPT_BY_JUDGES[judges])
    return Decision("drop", "unsure" if "unsure" in (gold, best) else "split")


def by_label(source_label: str, label: str | None) -> Decision:
    """Gold-train and silver are decided by their label; a source label of tie or none counts as none."""
    if label is None:
        return Decision("drop", "no_label")
    if source_label == label:
        return Decision("keep", "label_agrees")
    return Decision("flip", "label_opposes" if source_label in ("a", "b") else "new_label")


def opinion_column(p_a: Column, source_label: Column, epsilon: float, refused: Column) -> Column:
    """Column twin of opinion; p_a is the probability that response_a wins. Null where only the label is missing."""
    p_source = F.when(source_label == "a", p_a).when(source_label == "b", 1 - p_a)
    return (
        F.when(p_a.isNull(), F.when(refused, "unscored").otherwise("missing"))
        .when(p_source > 0.5 + epsilon, "agrees")
        .when(p_source < 0.5 - epsilon, "rejects")
        .when(p_source.isNotNull(), "unsure")
    )


def gate_column(gold: Column, best: Column, judges: Column) -> Column:
    """Column twin of gate as a struct (decision, reason); null opinions (no source label) drop."""
    agrees, keep = gold == "agrees", F.lit("keep")
    unsure = (gold == "unsure") | (best == "unsure")
    return (
        F.when((gold == "missing") | (best == "missing"), _pair(F.lit("drop"), "missing"))
        .when((gold == "unscored") | (best == "unscored"), _pair(F.lit("drop"), "unscored"))
        .when(gold.isNull() | best.isNull(), _pair(F.lit("drop"), "no_source_label"))
        .when(agrees & (best == "agrees"), _pair(keep, "both_agree"))
        .when(agrees & (judges == "agree"), _pair(keep, "gold_and_judges_agree"))
        .when((gold == "rejects") & (best == "rejects"), _pair(F.lit("flip"), "both_reject"))
        .when(agrees & (judges == "oppose"), _pair(F.lit("drop"), "judges_against"))
        .when(agrees & (judges == "none"), _pair(F.lit("drop"), "no_verdict"))
        .when(unsure, _pair(F.lit("drop"), "unsure"))
        .otherwise(_pair(F.lit("drop"), "split"))
    )


def by_label_column(source_label: Column, label: Column) -> Column:
    """Column twin of by_label as a struct (decision, reason)."""
    return (
        F.when(label.isNull(), _pair(F.lit("drop"), "no_label"))
        .when(source_label == label, _pair(F.lit("keep"), "label_agrees"))
        .when(source_label.isin("a", "b"), _pair(F.lit("flip"), "label_opposes"))
        .otherwise(_pair(F.lit("flip"), "new_label"))
    )


def _pair(decision: Column, reason: str) -> Column:
    return F.struct(decision.alias("decision"), F.lit(reason).alias("reason"))

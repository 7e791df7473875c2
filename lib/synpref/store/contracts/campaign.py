"""Contracts of what a campaign derives from content and opinions: replaced as a whole, in one commit."""

from __future__ import annotations

from synpref.store.contract import Column, Table
from synpref.store.contracts.content import LABELS, MESSAGES

ROLES_OF_A_COMPARISON = (
    "gold-train", "gold-validation", "gold-test", "held_out", "silver", "stage1_pool", "wild", "discarded",
)  # fmt: skip

HYGIENE_MARKS = Table(
    name="hygiene_marks",
    comment="What hygiene found about a prompt or response: duplicates, contamination.",
    key=("campaign", "kind", "id"),
    kind="derived",
    columns=(
        Column("campaign", "string", "hash of inputs and campaign settings"),
        Column("kind", "string", "", allowed=("prompt", "response")),
        Column("id", "string", "prompt_id or response_id"),
        Column("cluster", "string", "duplicate cluster; null where none", nullable=True),
        Column("survivor", "boolean", "true where it stands for its cluster", nullable=True),
        Column("contamination", "string", "reason code; null where clean", nullable=True),
        Column("benchmark", "string", "benchmark whose prompt it repeats", nullable=True),
    ),
)

SOURCE_LABELS = Table(
    name="source_labels",
    comment="The label of each comparison that passed hygiene, after conflict policy and noise.",
    key=("campaign", "comparison_id"),
    kind="derived",
    columns=(
        Column("campaign", "string", "hash of inputs and campaign settings"),
        Column("comparison_id", "string", "see comparisons"),
        Column("group", "string", "hold-out, folds and few-shots think in groups"),
        Column("use", "string", "test: final measurement only", allowed=("pool", "test")),
        Column("label", "string", "by canonical order", allowed=LABELS),
        Column(
            "margin",
            "double",
            "mean margin of the occurrences that carry the label (of use = test alone where there are any); null "
            "without margins, for a conflict, and where noise turned the label",
            nullable=True,
        ),
        Column("status", "string", "how the label came about", allowed=("clean", "agreed", "majority", "conflict")),
        Column("source", "string", "primary source: first in source priority, then by name"),
        Column("sources", "array<string>", "all sources, sorted"),
        Column("label_origin", "string", "label origin of the primary source"),
        Column("occurrences", "int", "input rows behind the comparison", minimum=1),
    ),
)

ROLES = Table(
    name="roles",
    comment="What a comparison is used for, from the iteration on in which it was given; the latest counts.",
    key=("campaign", "iteration", "comparison_id"),
    kind="derived",
    columns=(
        Column("campaign", "string", "hash of inputs and campaign settings"),
        Column("iteration", "int", "0 is the seed", minimum=0),
        Column("comparison_id", "string", "see comparisons"),
        Column("role", "string", "", allowed=ROLES_OF_A_COMPARISON),
        Column("side", "string", "hold-out side of its group", nullable=True, allowed=("validation", "test")),
        Column("fold", "int", "half for cross-fitting; null: not cross-fitted", nullable=True, minimum=0, maximum=1),
    ),
)

RETRIEVALS = Table(
    name="retrievals",
    comment="Which comparisons were retrieved for which, committed before they are used.",
    key=("campaign", "iteration", "purpose", "query", "retrieved"),
    kind="derived",
    columns=(
        Column("campaign", "string", "hash of inputs and campaign settings"),
        Column("iteration", "int", "Stage 2 counts as the one after the last", minimum=0),
        Column("purpose", "string", "gold error to pool, or target to gold examples", allowed=("adaptive", "few_shot")),
        Column("query", "string", "comparison_id"),
        Column("retrieved", "string", "comparison_id"),
        Column("similarity", "double", "cosine", minimum=-1.001, maximum=1.001),
        Column("rank", "int", "1 is the most similar", minimum=1),
        Column("p", "double", "probability of the human's label", nullable=True, minimum=0, maximum=1),
        Column("k", "int", "how many the query was allowed", nullable=True, minimum=0),
    ),
)

LABELS_TABLE = Table(
    name="labels",
    comment="Aggregated human or judge label of a comparison.",
    key=("campaign", "iteration", "comparison_id", "origin"),
    kind="derived",
    columns=(
        Column("campaign", "string", "hash of inputs and campaign settings"),
        Column("iteration", "int", "0 is the seed; Stage 2 counts as the one after the last", minimum=0),
        Column("comparison_id", "string", "see comparisons"),
        Column(
            "origin",
            "string",
            "human: of gold, by the answers in human_labels, which may be simulated or labels of a file, whoever made "
            "those (label_origin there); judge: of silver and of what Stage 2 asked, by the admitted judges",
            allowed=("human", "judge"),
        ),
        Column("label", "string", "null where the vote gave none", nullable=True, allowed=("a", "b")),
        Column("votes_a", "int", "people, or judges that have a label", minimum=0),
        Column("votes_b", "int", "people, or judges that have a label", minimum=0),
        Column("votes_none", "int", "asked, but without a label", minimum=0),
        Column("margin", "double", "(votes_a - votes_b) / all three", minimum=-1, maximum=1),
    ),
)

DECISIONS = Table(
    name="decisions",
    comment="Keep, flip or drop, and why.",
    key=("campaign", "policy", "comparison_id"),
    kind="derived",
    columns=(
        Column("campaign", "string", "hash of inputs and campaign settings"),
        Column("policy", "string", "hash of rule settings, engine ids and the roster"),
        Column("comparison_id", "string", "see comparisons"),
        Column("role", "string", "role it had when it was decided", allowed=("gold-train", "silver", "wild")),
        Column("decision", "string", "", allowed=("keep", "flip", "drop")),
        Column(
            "reason",
            "string",
            "keep: both_agree, gold_and_judges_agree, label_agrees; flip: both_reject, label_opposes, new_label; drop: "
            "split, unsure, judges_against, no_verdict, no_source_label, no_label, unscored (a reward model refused a "
            "response: see quarantine)",
        ),
        Column("source_label", "string", "by canonical order", allowed=LABELS),
        Column("label", "string", "label after the decision; null where dropped", nullable=True, allowed=("a", "b")),
        Column("p_gold", "double", "gold RM's probability that response_a wins", nullable=True, minimum=0, maximum=1),
        Column("p_best", "double", "best RM's probability that response_a wins", nullable=True, minimum=0, maximum=1),
        Column("gold_engine_id", "string", "see engines", nullable=True),
        Column("best_engine_id", "string", "see engines", nullable=True),
        Column("judge_label", "string", "null where not asked or without a label", nullable=True, allowed=("a", "b")),
    ),
    checks={"label_unless_dropped": "(decision = 'drop') = (label IS NULL)"},
)

CURATED = Table(
    name="curated",
    comment="The published training mix as text, with its provenance.",
    key=("campaign", "policy", "pair_id"),
    kind="published",
    columns=(
        Column("campaign", "string", "hash of inputs and campaign settings"),
        Column("policy", "string", "hash of rule settings, engine ids and the roster"),
        Column("pair_id", "string", "hash of (chosen response_id, rejected response_id)"),
        Column("comparison_id", "string", "see comparisons"),
        Column("prompt", MESSAGES, "conversation up to the answer"),
        Column("chosen", "string", "the better answer"),
        Column("rejected", "string", "the worse answer"),
        Column("chosen_response_id", "string", "see responses"),
        Column("rejected_response_id", "string", "see responses"),
        Column("source", "string", "primary source"),
        Column("decision", "string", "", allowed=("keep", "flip")),
        Column("reason", "string", "reason code of the decision"),
        Column("p_gold", "double", "probability that chosen wins", nullable=True, minimum=0, maximum=1),
        Column("p_best", "double", "probability that chosen wins", nullable=True, minimum=0, maximum=1),
    ),
)

CAMPAIGN = (HYGIENE_MARKS, SOURCE_LABELS, ROLES, RETRIEVALS, LABELS_TABLE, DECISIONS, CURATED)

"""Contracts of the content: what was read, and what it is made of. Shared by all campaigns."""

from __future__ import annotations

from synpref.store.contract import Column, Table

MESSAGES = "array<struct<role: string, content: string>>"
LABELS = ("a", "b", "tie", "none")

FILES = Table(
    name="files",
    comment="Input files that were read, one row a file and way of reading it.",
    key=("file_id",),
    columns=(
        Column("file_id", "string", "hash of path, length, modification time, shape, sample and group settings"),
        Column(
            "path",
            "string",
            "path of the file itself (the setting may name a folder); no scheme if local",
        ),
        Column("source", "string", "name of the input in the settings"),
        Column("length", "bigint", "bytes", minimum=0),
        Column("modified", "timestamp", "modification time of the file"),
        Column("format", "string", "parquet or jsonl", allowed=("parquet", "jsonl")),
        Column("shape", "string", "name of the reader that understood the rows"),
        Column("use", "string", "pool: to be curated; test: final measurement only", allowed=("pool", "test")),
        Column("rows", "bigint", "rows read, after sampling", minimum=0),
    ),
)

OCCURRENCES = Table(
    name="occurrences",
    comment="One row an input row: what the source said of a comparison, or why the row is none.",
    key=("file_id", "row"),
    cluster_by=("comparison_id",),
    columns=(
        Column("file_id", "string", "see files"),
        Column("row", "string", "index in the file, or hash of the raw line or table row with a counter among equals"),
        Column("source", "string", "data source that the row names, else the input's name"),
        Column("comparison_id", "string", "see comparisons; null where the row was quarantined", nullable=True),
        Column("reason", "string", "reason code why the row is no comparison; null where it is one", nullable=True),
        Column("label", "string", "what the source prefers, by canonical order", allowed=LABELS),
        Column("margin", "double", "strength of the preference in the source's own unit", nullable=True),
        Column("label_origin", "string", "human…, or the name of the judge that labelled the source"),
        Column("annotator", "string", "who labelled, where the source says so", nullable=True),
        Column("label_probability", "double", "probability of the stated label", nullable=True, minimum=0, maximum=1),
        Column("group", "string", "the setting's group column of this row; null without such a setting", nullable=True),
        Column("extra", "string", "all other columns of the row, as a JSON object"),
    ),
    checks={"comparison_or_reason": "(comparison_id IS NULL) != (reason IS NULL)"},
)

PROMPTS = Table(
    name="prompts",
    comment="Distinct conversations up to the final answer.",
    key=("prompt_id",),
    columns=(
        Column("prompt_id", "string", "hash of the messages, roles mapped to the standard ones"),
        Column("normalised_prompt_id", "string", "hash after normalisation; for duplicates and leakage only"),
        Column("messages", MESSAGES, "history and last user turn, in order"),
        Column("group", "string", "hash of the normalised first user turn"),
        Column("turns", "int", "messages", minimum=1),
        Column("characters", "int", "characters of all messages", minimum=0),
        Column("language", "string", "ISO 639 code; null where not determined", nullable=True),
    ),
)

RESPONSES = Table(
    name="responses",
    comment="Distinct final answers to a prompt.",
    key=("response_id",),
    cluster_by=("prompt_id",),
    columns=(
        Column("response_id", "string", "hash of (prompt_id, text)"),
        Column("normalised_response_id", "string", "hash of (normalised_prompt_id, normalised text)"),
        Column("prompt_id", "string", "see prompts"),
        Column("text", "string", "the answer, unchanged"),
        Column("characters", "int", "characters of the text", minimum=0),
    ),
)

COMPARISONS = Table(
    name="comparisons",
    comment="Two responses to one prompt in canonical order: response_a is the smaller id and means nothing.",
    key=("comparison_id",),
    columns=(
        Column("comparison_id", "string", "hash of the two response ids in sorted order"),
        Column("normalised_comparison_id", "string", "hash of the two normalised response ids, sorted"),
        Column("prompt_id", "string", "see prompts"),
        Column("response_a", "string", "smaller response_id"),
        Column("response_b", "string", "larger response_id"),
    ),
    checks={"canonical_order": "response_a < response_b"},
)

QUARANTINE = Table(
    name="quarantine",
    comment="What could not be processed, with its stage, reason and original.",
    key=("campaign", "stage", "row_key"),
    columns=(
        Column("campaign", "string", "campaign that refused it; '-' where every campaign would"),
        Column("stage", "string", "stage that refused it"),
        Column("row_key", "string", "key of the refused row; for ingest file_id:row"),
        Column(
            "reason", "string", "reason code; engine_unreachable, out_of_memory and engine_died are asked for again"
        ),
        Column("detail", "string", "what a person needs to understand it", nullable=True),
        Column("original", "string", "the refused row as JSON; an empty object where it was only not recorded"),
    ),
)

TRUTH = Table(
    name="truth",
    comment="Known truth of a generated or noised pool. Only simulators and the final measurement read it.",
    key=("campaign", "comparison_id"),
    kind="derived",
    columns=(
        Column("campaign", "string", "whose unflipped labels these are; '-' of a generated pool"),
        Column("comparison_id", "string", "see comparisons"),
        Column("winner", "string", "the better response", allowed=("a", "b", "tie")),
        Column("origin", "string", "unflipped: the label before noise", allowed=("generated", "unflipped")),
        Column("family", "string", "task family of a generated pair", nullable=True),
        Column("difficulty", "double", "0 easy to 1 hard, of a generated pair", nullable=True, minimum=0, maximum=1),
    ),
)

CONTENT = (FILES, OCCURRENCES, PROMPTS, RESPONSES, COMPARISONS, QUARANTINE, TRUTH)

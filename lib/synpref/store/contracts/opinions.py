"""Contracts of what engines and people answered: written once, shared by all campaigns."""

from __future__ import annotations

from synpref.store.contract import Column, Table

TASK_CATEGORIES = (
    "Advice seeking", "Brainstorming", "Coding & Debugging", "Creative writing", "Data analysis", "Editing",
    "Information seeking", "Math", "Planning", "Reasoning", "Role playing", "Other",
)  # fmt: skip

ENGINES = Table(
    name="engines",
    comment="What each engine_id stands for.",
    key=("engine_id",),
    columns=(
        Column("engine_id", "string", "hash of everything that changes the engine's output"),
        Column("kind", "string", "what it answers", allowed=("embedder", "reward", "judge", "attributes")),
        Column("name", "string", "name for people, as in the settings"),
        Column("simulated", "boolean", "true where no model answers"),
        Column("dtype", "string", "number format of the computation; null where simulated", nullable=True),
        Column("details", "string", "JSON object of all that the id is the hash of; its field told is not hashed"),
    ),
)

ATTRIBUTES = Table(
    name="attributes",
    comment="Preference attributes of a comparison, one row a sample.",
    key=("comparison_id", "engine_id", "sample"),
    bucket_key="comparison_id",
    columns=(
        Column("comparison_id", "string", "see comparisons"),
        Column("engine_id", "string", "see engines"),
        Column("sample", "int", "0-based", minimum=0),
        Column("task_category", "string", "one of 12", nullable=True, allowed=TASK_CATEGORIES),
        Column("preference_objectivity", "string", "", nullable=True, allowed=("Objective", "Subjective")),
        Column("controversiality", "string", "", nullable=True, allowed=("Low", "Medium", "High")),
        Column("desired_attributes", "string", "qualities a good answer shows, comma-separated", nullable=True),
        Column("annotation_guideline", "string", "rule for deciding this comparison", nullable=True),
        Column("raw", "string", "what the engine said"),
        Column("status", "string", "whether raw was the five-tuple", allowed=("parsed", "invalid")),
    ),
    checks={
        "parsed_is_whole": "status = 'invalid' OR (task_category IS NOT NULL AND preference_objectivity IS NOT NULL "
        "AND controversiality IS NOT NULL AND desired_attributes IS NOT NULL AND annotation_guideline IS NOT NULL)"
    },
)

EMBEDDINGS = Table(
    name="embeddings",
    comment="Vectors of the serialised (conversation, merged attributes).",
    key=("text_id", "engine_id"),
    bucket_key="text_id",
    columns=(
        Column("text_id", "string", "hash of the serialised text"),
        Column("engine_id", "string", "see engines"),
        Column("vector", "array<float>", "unit length"),
    ),
)

REWARDS = Table(
    name="rewards",
    comment="Reward of a response: scored once however many comparisons it stands in.",
    key=("response_id", "engine_id"),
    bucket_key="response_id",
    columns=(
        Column("response_id", "string", "see responses"),
        Column("engine_id", "string", "see engines"),
        Column("reward", "double", "single logit of the reward model"),
        Column("tokens", "int", "tokens scored", minimum=1),
        Column("truncated", "boolean", "true where the conversation was cut from the left to the maximum length"),
    ),
)

HUMAN_LABELS = Table(
    name="human_labels",
    comment="What people said, one row an answer; a correction is a new batch.",
    key=("comparison_id", "annotator", "batch"),
    columns=(
        Column("comparison_id", "string", "see comparisons"),
        Column("annotator", "string", "who; source:<name> where a file's label serves, simulated:<name> where nobody"),
        Column(
            "batch",
            "string",
            "hand-off batch; an annotator's latest counts: by the number it begins with (none: last), then by name",
        ),
        Column("verdict", "string", "", allowed=("a", "b", "no_preference", "cannot_decide")),
        Column("label_origin", "string", "human…, simulated, or the judge's name"),
        Column("confidence", "double", "0 to 1", nullable=True, minimum=0, maximum=1),
        Column("attributes", "string", "attributes as edited, JSON", nullable=True),
        Column("tools", "array<string>", "tools used", nullable=True),
        Column("seconds", "double", "time spent", nullable=True, minimum=0),
    ),
)

VERDICTS = Table(
    name="verdicts",
    comment="What a judge said of one comparison in one order.",
    key=("comparison_id", "engine_id", "prompt_hash", "order", "sample"),
    bucket_key="comparison_id",
    columns=(
        Column("comparison_id", "string", "see comparisons"),
        Column("engine_id", "string", "see engines"),
        Column("prompt_hash", "string", "hash of the rendered prompt, few-shots included"),
        Column("order", "string", "ab: response_a shown first; ba: response_b", allowed=("ab", "ba")),
        Column("sample", "int", "0-based", minimum=0),
        Column("verdict", "string", "by canonical order", allowed=("a", "b", "no_preference", "unparsed")),
        Column("p_a", "double", "probability of response_a where known", nullable=True, minimum=0, maximum=1),
        Column("raw", "string", "what the judge said"),
        Column("few_shots", "array<string>", "comparison_ids of the examples shown, in order"),
        Column("tokens_in", "int", "tokens read; null where simulated", nullable=True, minimum=0),
        Column("tokens_out", "int", "tokens written; null where simulated", nullable=True, minimum=0),
    ),
)

OPINIONS = (ENGINES, ATTRIBUTES, EMBEDDINGS, REWARDS, HUMAN_LABELS, VERDICTS)

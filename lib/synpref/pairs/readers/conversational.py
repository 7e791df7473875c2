"""TRL's explicit conversational prompt: prompt, chosen and rejected are lists of messages."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.pairs.readers.fields import Fields
from synpref.pairs.readers.final import final_problem, final_text
from synpref.pairs.readers.messages import conversation_problem, json_messages, standard_roles
from synpref.pairs.readers.shape import Shape, in_shape

_COLUMNS = ("prompt", "chosen", "rejected")


def _read(rows: DataFrame, fields: Fields) -> DataFrame:
    rows = rows.withColumns({f"{name}_messages": standard_roles(json_messages(fields.text(name))) for name in _COLUMNS})
    messages, chosen, rejected = (F.col(f"{name}_messages") for name in _COLUMNS)
    unreadable = fields.text("prompt").isNotNull() & messages.isNull()
    problem = F.coalesce(
        F.when(unreadable, F.lit("unreadable_prompt")),
        conversation_problem(messages, "unreadable_prompt"),
        final_problem(chosen, fields.text("chosen")),
        final_problem(rejected, fields.text("rejected")),
    )
    return in_shape(rows, messages, final_text(chosen), final_text(rejected), problem=problem)


CONVERSATIONAL = Shape(
    "conversational",
    "prompt, chosen, rejected: lists of {role, content}, chosen and rejected of one assistant message",
    tuple((name,) for name in _COLUMNS),
    _read,
)

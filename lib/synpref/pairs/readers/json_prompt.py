"""prompt as a list of messages (or its JSON), chosen and rejected as text; other columns and `extra` are kept."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.pairs.readers.fields import Fields
from synpref.pairs.readers.messages import conversation_problem, json_messages, standard_roles
from synpref.pairs.readers.shape import Shape, in_shape


def _read(rows: DataFrame, fields: Fields) -> DataFrame:
    prompt = fields.text("prompt")
    rows = rows.withColumn("prompt_messages", standard_roles(json_messages(prompt)))
    messages = F.col("prompt_messages")
    problem = F.when(prompt.isNotNull() & messages.isNull(), F.lit("unreadable_prompt")).otherwise(
        conversation_problem(messages, "unreadable_prompt")
    )
    return in_shape(rows, messages, fields.text("chosen"), fields.text("rejected"), problem=problem)


JSON_PROMPT = Shape(
    "json_prompt",
    "prompt: list of {role, content} or its JSON; chosen, rejected: text",
    (("prompt",), ("chosen",), ("rejected",)),
    _read,
)

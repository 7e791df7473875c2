"""The final answer, where a source gives it as a list of messages."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from synpref.pairs.readers.messages import conversation_problem


def final_text(messages: Column) -> Column:
    """The text of a list of exactly one message, else null."""
    return F.when(F.size(messages) == 1, F.get(messages, F.lit(0))["content"])


def final_problem(messages: Column, text: Column) -> Column:
    """Reason why messages with standard roles, read from this text, are not one assistant's answer, else null."""
    only = F.get(messages, F.lit(0))
    return (
        F.when(text.isNull() | (F.size(messages) == 0), F.lit("missing_response"))
        .when(messages.isNull(), F.lit("unreadable_response"))
        .when(F.size(messages) > 1, F.lit("multiple_final_messages"))
        .when(only["content"].isNull(), F.lit("missing_response"))
        .otherwise(
            F.coalesce(
                conversation_problem(messages, "missing_response"),
                F.when(only["role"] != "assistant", F.lit("final_not_assistant")),
            )
        )
    )

"""Conversations from text: JSON lists of messages, and what can be wrong with them."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType, StructField, StructType

from synpref.pairs.columns import standard_role_column

# OpenAI's and ShareGPT's names for the same two things
_RAW = ArrayType(StructType([StructField(name, StringType()) for name in ("role", "content", "from", "value")]))
_PARTS = '[{"type":"text",'


def json_messages(text: Column) -> Column:
    """Read a JSON list of {role, content} or {from, value} as array<struct<role, content>>, roles as they stand.

    Null where the text is null or no such list.
    """
    return F.transform(
        F.from_json(text, _RAW),
        lambda m: F.struct(
            F.coalesce(m["role"], m["from"]).alias("role"), F.coalesce(m["content"], m["value"]).alias("content")
        ),
    )


def user_message(text: Column) -> Column:
    """Make the conversation of one user message; null where the text is null."""
    return F.when(text.isNotNull(), F.array(F.struct(F.lit("user").alias("role"), text.alias("content"))))


def standard_roles(messages: Column) -> Column:
    """Map the roles to the standard ones; an unknown role becomes null."""
    return F.transform(
        messages, lambda m: F.struct(standard_role_column(m["role"]).alias("role"), m["content"].alias("content"))
    )


def conversation_problem(messages: Column, unreadable: str) -> Column:
    """Reason why messages with standard roles cannot be used, else null; a null array has no problem here.

    unreadable: the code for a message without text.
    """
    return (
        F.when(F.exists(messages, lambda m: m["content"].isNull()), F.lit(unreadable))
        .when(F.exists(messages, lambda m: m["role"].isNull()), F.lit("unknown_role"))
        .when(F.exists(messages, lambda m: m["content"].startswith(_PARTS)), F.lit("content_not_text"))
    )

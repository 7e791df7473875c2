"""The structure check over the common shape: each check gives a reason code or null (see `reasons`)."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

_INK = r"[^\s\p{Z}\p{Cc}\p{Cf}]"  # leaves a mark: neither space, nor control, nor invisible format character


def is_blank(text: Column) -> Column:
    """Tell whether a text holds nothing that could be read; null where the text is null."""
    return ~text.rlike(_INK)


def missing_prompt(messages: Column) -> Column:
    """No messages, or none with a readable text."""
    blank = ~F.exists(messages, lambda m: ~is_blank(m["content"]))
    return F.when(messages.isNull() | (F.size(messages) == 0) | blank, F.lit("missing_prompt"))


def prompt_ends_with_assistant(messages: Column) -> Column:
    """The last message before the response is already an assistant's."""
    last = F.get(messages, F.size(messages) - 1)
    return F.when(last["role"] == "assistant", F.lit("prompt_ends_with_assistant"))


def missing_response(first: Column, second: Column) -> Column:
    """A response is null."""
    return F.when(first.isNull() | second.isNull(), F.lit("missing_response"))


def empty_response(first: Column, second: Column) -> Column:
    """A response is blank."""
    return F.when(is_blank(first) | is_blank(second), F.lit("empty_response"))


def identical_responses(first: Column, second: Column) -> Column:
    """Both responses are the same text, unchanged."""
    return F.when(first == second, F.lit("identical_responses"))


def unknown_label(preferred: Column) -> Column:
    """The label could not be read; a missing label is `none`, not unknown."""
    return F.when(preferred.isNull(), F.lit("unknown_label"))


def structure_reason(problem: Column, messages: Column, first: Column, second: Column, preferred: Column) -> Column:
    """The first reason why a row of the common shape is no comparison, null where it is one.

    `problem` is what its reader found and speaks first.
    """
    return F.coalesce(
        problem,
        missing_prompt(messages),
        missing_response(first, second),
        prompt_ends_with_assistant(messages),
        empty_response(first, second),
        identical_responses(first, second),
        unknown_label(preferred),
    )

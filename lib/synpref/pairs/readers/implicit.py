"""chosen and rejected as whole conversations with a shared prefix: TRL's implicit prompt, HH, Skywork-80K."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from synpref.pairs.readers.fields import Fields
from synpref.pairs.readers.messages import conversation_problem, json_messages, standard_roles
from synpref.pairs.readers.shape import Shape, in_shape
from synpref.pairs.readers.transcript import is_transcript, transcript_messages


def _conversation(text: Column) -> Column:
    told = F.when(is_transcript(text), transcript_messages(text)).otherwise(json_messages(text))
    return standard_roles(told)


def _last(messages: Column) -> Column:
    return F.get(messages, F.size(messages) - 1)


def _split(chosen: Column, rejected: Column) -> Column:
    """Length of the longest shared prefix of two conversations."""
    same = F.zip_with(chosen, rejected, lambda one, other: one.eqNullSafe(other))
    differs = F.array_position(same, False)
    return F.when(differs > 0, differs - 1).otherwise(F.size(same)).cast("int")


def _one_sided(messages: Column, text: Column) -> Column:
    return F.coalesce(
        F.when(text.isNull() | (F.size(messages) == 0), F.lit("missing_response")),
        F.when(messages.isNull(), F.lit("unreadable_response")),
        conversation_problem(messages, "missing_response"),
    )


def _branching_problem(chosen: Column, rejected: Column, shared: Column) -> Column:
    """What is wrong with how two readable conversations part after `shared` messages, else null."""
    one, other = F.get(chosen, shared), F.get(rejected, shared)
    left, right = F.size(chosen) - shared, F.size(rejected) - shared
    shorter_ends = F.get(F.when(left == 0, chosen).otherwise(rejected), shared - 1)["role"]
    cut_short = (left == 0) != (right == 0)
    whole, single = (left == 0) & (right == 0), (left == 1) & (right == 1)
    return (
        F.when(whole & (_last(chosen)["role"] == "assistant"), F.lit("identical_responses"))
        .when(whole | (cut_short & (shorter_ends != "assistant")), F.lit("missing_response"))
        .when(cut_short, F.lit("multiple_final_messages"))
        .when(single & (one["role"] == other["role"]) & (one["role"] != "assistant"), F.lit("final_not_assistant"))
        .when((one["role"] != "assistant") | (other["role"] != "assistant"), F.lit("prompt_differs"))
        .when((left > 1) | (right > 1), F.lit("multiple_final_messages"))
    )


def _read(rows: DataFrame, fields: Fields) -> DataFrame:
    texts = {name: fields.text(name) for name in ("chosen", "rejected")}
    rows = rows.withColumns({f"{name}_messages": _conversation(text) for name, text in texts.items()})
    chosen, rejected = F.col("chosen_messages"), F.col("rejected_messages")
    rows = rows.withColumn("shared", _split(chosen, rejected))
    shared = F.col("shared")
    problem = F.coalesce(
        _one_sided(chosen, texts["chosen"]),
        _one_sided(rejected, texts["rejected"]),
        _branching_problem(chosen, rejected, shared),
    )
    whole = (F.size(chosen) == shared) & (F.size(rejected) == shared)
    prefix = F.slice(chosen, F.lit(1), F.when(whole, F.greatest(shared - 1, F.lit(0))).otherwise(shared))
    first, second = _last(chosen)["content"], _last(rejected)["content"]
    return in_shape(rows, prefix, first, second, problem=problem)


IMPLICIT = Shape(
    "implicit",
    "chosen, rejected: whole conversations with a shared beginning, as lists of {role, content} or as text "
    "'\\n\\nHuman: ...\\n\\nAssistant: ...'",
    (("chosen",), ("rejected",)),
    _read,
)

"""prompt, response_a, response_b and a label: the only shape that can say tie or none."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from synpref.pairs.columns import preference_column
from synpref.pairs.readers.fields import Fields
from synpref.pairs.readers.final import final_problem, final_text
from synpref.pairs.readers.messages import conversation_problem, json_messages, standard_roles, user_message
from synpref.pairs.readers.shape import Shape, in_shape
from synpref.pairs.shape_rules import LABELS, PROMPTS, SIDES


def _prompt(rows: DataFrame, fields: Fields) -> tuple[DataFrame, Column]:
    text = fields.text(fields.prompt)
    if fields.kinds.get(fields.prompt) != "messages":
        return rows.withColumn("prompt_messages", user_message(text)), F.lit(None).cast("string")
    rows = rows.withColumn("prompt_messages", standard_roles(json_messages(text)))
    messages = F.col("prompt_messages")
    unreadable = F.when(text.isNotNull() & messages.isNull(), F.lit("unreadable_prompt"))
    return rows, F.coalesce(unreadable, conversation_problem(messages, "unreadable_prompt"))


def _response(rows: DataFrame, fields: Fields, name: str) -> tuple[DataFrame, Column, Column]:
    text = fields.text(name)
    if fields.kinds.get(name) != "messages":
        return rows, text, F.lit(None).cast("string")
    rows = rows.withColumn(f"{name}_messages", standard_roles(json_messages(text)))
    messages = F.col(f"{name}_messages")
    return rows, final_text(messages), final_problem(messages, text)


def _read(rows: DataFrame, fields: Fields) -> DataFrame:
    rows, prompt_problem = _prompt(rows, fields)
    rows, first, first_problem = _response(rows, fields, "response_a")
    rows, second, second_problem = _response(rows, fields, "response_b")
    label = fields.text(next(name for name in LABELS if name in fields.names))
    preferred = preference_column(label)
    problem = F.coalesce(prompt_problem, first_problem, second_problem)
    detail = F.when(preferred.isNull(), F.concat(F.lit("label: "), label))
    return in_shape(rows, F.col("prompt_messages"), first, second, preferred=preferred, problem=problem, detail=detail)


LABELLED = Shape(
    "labelled",
    "prompt (or question): text or messages; response_a, response_b: text or messages of one answer; "
    "label (or gold, winner): a / b / tie / none, A>B / B>A, 0 / 1 (index of the better one)",
    (PROMPTS, *((name,) for name in SIDES), LABELS),
    _read,
)

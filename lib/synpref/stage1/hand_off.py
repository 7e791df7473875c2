"""What goes out to people as JSON Lines, and their answers as they come back, checked line by line (paper.md §2.1)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synpref.errors import InputError
from synpref.new_file import write_new
from synpref.pairs.draw import draw_column
from synpref.stage1.human_labels import batch_of

RESERVED = ("simulated:", "source:")
_OTHER_SIDE = {"a": "b", "b": "a"}


class Answer(BaseModel):
    """One line of a file of labels: what export-batch wrote, with at least annotator and verdict filled in.

    shown: "ab" where text_a is response_a of the table comparisons, "ba" where it is response_b. verdict: by the texts
    as shown. messages, text_a and text_b may stay in the line; they are not read.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    comparison_id: Annotated[str, Field(min_length=1)]
    shown: Literal["ab", "ba"]
    annotator: str
    verdict: Literal["a", "b", "no_preference", "cannot_decide"]
    batch: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$")] = batch_of(0)
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    attributes: dict[str, Any] | None = None
    tools: list[str] | None = None
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    messages: Any = None
    text_a: Any = None
    text_b: Any = None

    @field_validator("annotator")
    @classmethod
    def _somebody(cls, name: str) -> str:
        if not name.strip():
            raise ValueError("is empty; name who answered")
        if name.startswith(RESERVED):
            raise ValueError(f"names that begin with {' or '.join(RESERVED)} are not people's")
        return name.strip()

    @property
    def key(self) -> tuple[str, str, str]:
        """The key of human_labels."""
        return self.comparison_id, self.annotator, self.batch

    @property
    def side(self) -> str:
        """The verdict by the order of the table comparisons."""
        return _OTHER_SIDE.get(self.verdict, self.verdict) if self.shown == "ba" else self.verdict

    @property
    def row(self) -> tuple[Any, ...]:
        """The row of human_labels."""
        edited = None if self.attributes is None else json.dumps(self.attributes, sort_keys=True, ensure_ascii=False)
        return (*self.key, self.side, "human", self.confidence, edited, self.tools, self.seconds)


def read_answers(path: Path) -> dict[int, Answer]:
    """Line number to answer; a line that only repeats an earlier one is left out.

    Raises InputError naming file and line: no JSON object, a missing, unknown or wrong field, or two verdicts of one
    annotator about one comparison in one batch.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a text file ({error}); give a file of JSON Lines") from None
    found: dict[int, Answer] = {}
    first: dict[tuple[str, str, str], int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        answer = _parsed(line, f"{path}, line {number}")
        earlier = first.setdefault(answer.key, number)
        if earlier == number:
            found[number] = answer
        elif found[earlier].row != answer.row:
            raise InputError(f"{path}, line {number}: {_contradiction(answer, f'line {earlier}')}")
    if not found:
        raise InputError(f"{path}: no answers there; each line is one answer as a JSON object")
    return found


def contradicted(answer: Answer, path: Path, number: int) -> InputError:
    """The error of an answer that differs from what human_labels holds under its key."""
    return InputError(f"{path}, line {number}: {_contradiction(answer, 'human_labels')}")


def as_shown(items: DataFrame, seed: int, iteration: int) -> DataFrame:
    """The lines of a batch, in an order of rows and of texts that is drawn by seed and says nothing of quality.

    items: comparison_id, messages, text_a, text_b, where text_a is response_a.
    """
    swapped = draw_column(seed, "shown to people", F.col("comparison_id")) < 0.5
    shown = items.select(
        "comparison_id",
        F.lit(batch_of(iteration)).alias("batch"),
        F.when(swapped, "ba").otherwise("ab").alias("shown"),
        "messages",
        F.when(swapped, F.col("text_b")).otherwise(F.col("text_a")).alias("text_a"),
        F.when(swapped, F.col("text_a")).otherwise(F.col("text_b")).alias("text_b"),
        F.lit(None).cast("string").alias("annotator"),
        F.lit(None).cast("string").alias("verdict"),
    )
    return shown.orderBy(draw_column(seed, "order for people", F.col("comparison_id")), "comparison_id")


def write_batch(rows: DataFrame, path: Path) -> int:
    """Write the lines of a batch to a new file, whole or not at all; returns how many.

    Rows come one by one: people label them, so they are few. Raises InputError where the file stands (it may hold
    answers) or cannot be made.
    """
    return write_new(
        path, (json.dumps(row.asDict(recursive=True), ensure_ascii=False) for row in rows.toLocalIterator())
    )


def _parsed(line: str, where: str) -> Answer:
    try:
        fields = json.loads(line)
    except ValueError:
        raise InputError(f"{where}: no JSON; each line is one answer as a JSON object") from None
    if not isinstance(fields, dict):
        raise InputError(f"{where}: no JSON object; each line is one answer as a JSON object")
    try:
        return Answer.model_validate(fields)
    except ValidationError as error:
        raise InputError(f"{where}: {'; '.join(_told(dict(detail)) for detail in error.errors())}") from None


def _told(detail: dict[str, Any]) -> str:
    name = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "missing":
        return f"{name} is missing"
    if detail["type"] == "extra_forbidden":
        return f"there is no field {name}; known: {', '.join(Answer.model_fields)}"
    return f"{name}: {str(detail['msg']).removeprefix('Value error, ')} (got {detail['input']!r})"


def _contradiction(answer: Answer, where: str) -> str:
    return (
        f"{answer.annotator} answered {answer.comparison_id} otherwise in batch {answer.batch} ({where}); a correction "
        "is a new batch: give `batch` a name that sorts after it"
    )

"""Where a row's label comes from: source, annotator, margin, probability, group, and everything else as JSON."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from synpref.pairs.readers.fields import Fields


def _number(text: Column) -> Column:
    """Read a finite number, else null."""
    number = text.try_cast("double")
    return F.when(~F.isnan(number) & (F.abs(number) < float("inf")), number)


def _filled(text: Column) -> Column:
    return F.when(F.trim(text) != "", text)


def margin(fields: Fields) -> Column:
    """Strength of the preference in the source's unit: `margin`, or the difference of two scores; null without."""
    scores = _number(fields.value("score_chosen")) - _number(fields.value("score_rejected"))
    return F.coalesce(_number(fields.value("margin")), scores)


def label_probability(fields: Fields) -> Column:
    """Probability of the stated label, `label_probability` or `p_chosen`; null without, or outside [0, 1]."""
    stated = F.coalesce(_number(fields.value("label_probability")), _number(fields.value("p_chosen")))
    return F.when(stated.between(0, 1), stated)


def group(fields: Fields, column: str | None, pattern: str | None) -> Column:
    """The group that a setting names: a column or key of `extra`, or the first capture of a regex over it.

    Null without a setting, without a value, and where the pattern does not match; hygiene then takes the prompt's own.
    """
    if column is None:
        return F.lit(None).cast("string")
    value = fields.value(column)
    return _filled(value if pattern is None else F.regexp_extract(value, pattern, 1))


def provenance(fields: Fields, used: list[str], *, source: str, label_origin: str) -> dict[str, Column]:
    """The columns of `occurrences` that do not depend on the texts.

    used: columns that the reader turned into texts and label. source, label_origin: for rows that name none.
    """
    return {
        "source": F.coalesce(_filled(fields.text("source")), F.lit(source)),
        "margin": margin(fields),
        "label_origin": F.coalesce(_filled(fields.text("label_origin")), F.lit(label_origin)),
        "annotator": _filled(F.coalesce(fields.value("annotator"), fields.value("annotator_id"))),
        "label_probability": label_probability(fields),
        "extra": fields.rest([*used, "source", "label_origin"]),
    }

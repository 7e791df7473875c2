"""Spark twins of `identity`, `roles` and `labels`: Column expressions, tested equal to the Python rules."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from synpref.pairs.identity import DIGITS
from synpref.pairs.labels import FIRST, NONE, SECOND, SPELLINGS
from synpref.pairs.roles import ALIASES


def _digest(text: Column) -> Column:
    return F.substring(F.sha2(text, 256), 1, DIGITS)


def _framed(part: Column) -> Column:
    return F.concat(F.octet_length(part).cast("string"), F.lit(":"), part)


def hash128_column(*parts: Column) -> Column:
    """Twin of `identity.hash128` over string columns; null where any part is null."""
    return _digest(F.concat(*(_framed(part) for part in parts)))


def prompt_id_column(messages: Column) -> Column:
    """Twin of `identity.prompt_id` over array<struct<role, content>>; null where the array or any part is null."""
    framed = F.transform(messages, lambda m: F.concat(_framed(m["role"]), _framed(m["content"])))
    # array_join skips nulls: without the guard a broken conversation would get the id of a shorter one
    whole = F.forall(framed, lambda text: text.isNotNull())
    return F.when(whole, _digest(F.array_join(framed, "")))


def response_id_column(prompt: Column, text: Column) -> Column:
    """Twin of `identity.response_id`."""
    return hash128_column(prompt, text)


def orient_columns(response_1: Column, response_2: Column) -> tuple[Column, Column]:
    """Twin of `identity.orient`: (response_a, response_b); null where either is null."""
    straight = response_1 <= response_2
    swapped = response_1 > response_2
    return (
        F.when(straight, response_1).when(swapped, response_2),
        F.when(straight, response_2).when(swapped, response_1),
    )


def comparison_id_column(response_1: Column, response_2: Column) -> Column:
    """Twin of `identity.comparison_id`."""
    return hash128_column(*orient_columns(response_1, response_2))


def pair_id_column(chosen: Column, rejected: Column) -> Column:
    """Twin of `identity.pair_id`."""
    return hash128_column(chosen, rejected)


def literal_map(table: Mapping[str, str]) -> Column:
    """Turn a small dictionary into a map literal; a missing key reads as null."""
    return F.create_map(*(F.lit(text) for entry in table.items() for text in entry))


def standard_role_column(name: Column) -> Column:
    """Twin of `roles.standard_role`: null where the role is unknown or null."""
    return literal_map(ALIASES)[F.lower(F.trim(name))]


def preference_column(label: Column) -> Column:
    """Twin of `labels.preference`: first, second, tie or none; null where the spelling is unknown."""
    return F.when(label.isNull(), F.lit(NONE)).otherwise(literal_map(SPELLINGS)[F.upper(F.trim(label))])


def canonical_label_column(preferred: Column, first: Column, second: Column) -> Column:
    """Twin of `labels.canonical_label` over response ids; "none" where an id is null, since nothing is ordered then."""
    stated = preferred.isin(FIRST, SECOND)
    winner = F.when((preferred == FIRST) == (first <= second), F.lit("a")).otherwise(F.lit("b"))
    known = first.isNotNull() & second.isNotNull()
    return F.when(known & stated, winner).when(known, F.coalesce(preferred, F.lit(NONE))).otherwise(F.lit(NONE))

"""Uniform access to the columns of a raw row, whether it came from parquet or from a line of JSON."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, MapType, StringType, StructType

from synpref.pairs.shape_rules import Kinds

EXTRA = "extra_fields"
TEXT_MAP = "map<string, string>"
VARIANT_MAP = "map<string, variant>"


@dataclass(frozen=True)
class Fields:
    """What a reader may ask of a raw row.

    text: a column by name as text, nested values as JSON; null where absent. rest: a JSON object of all columns but
    those named. original: the whole row as text. unreadable: true where the row has no columns at all.
    kinds: what the first rows hold in the columns that shapes are told by.
    """

    names: tuple[str, ...]
    text: Callable[[str], Column]
    rest: Callable[[Collection[str]], Column]
    original: Column
    unreadable: Column
    kinds: Kinds = field(default_factory=dict)

    @property
    def prompt(self) -> str:
        """The column that holds the prompt."""
        return "question" if "question" in self.names and "prompt" not in self.names else "prompt"

    def value(self, path: str) -> Column:
        """A column by name, or a key of a column that holds a JSON object ("extra.topic"; "topic" looks in extra).

        `extra` stands, read once, in the map column EXTRA.
        """
        head, dot, key = path.partition(".")
        if dot and head != "extra":
            return F.coalesce(self.text(path), F.from_json(self.text(head), TEXT_MAP)[key])
        return F.coalesce(self.text(path), F.col(EXTRA)[key if dot else path])


def parquet_fields(schema: StructType) -> Fields:
    """Fields of rows whose columns stand in the struct column `raw` of this schema."""
    types = {column.name: column.dataType for column in schema.fields}

    def text(name: str) -> Column:
        if name not in types:
            return F.lit(None).cast("string")
        value = F.col("raw").getField(name)
        if isinstance(types[name], ArrayType | MapType | StructType):
            return F.to_json(value)
        return F.make_valid_utf8(value.cast("string"))

    def part(name: str) -> Column:
        if name == "extra" and isinstance(types[name], StringType):
            # a JSON object in text stays an object in our own `extra`; any other text stays text
            return F.coalesce(F.try_parse_json(text(name)), text(name).cast("variant"))
        return F.col("raw").getField(name)

    def rest(used: Collection[str]) -> Column:
        others = [part(name).alias(name) for name in types if name not in used]
        return F.to_json(F.struct(*others)) if others else F.lit("{}")

    return Fields(tuple(types), text, rest, F.to_json(F.col("raw")), F.lit(False))


def json_fields(names: Collection[str]) -> Fields:
    """Fields of rows whose line stands in `raw` and whose columns, as text, in the map column `fields`."""

    def rest(used: Collection[str]) -> Column:
        values = F.from_json(F.col("raw"), VARIANT_MAP)
        kept = F.map_filter(values, lambda name, value: ~name.isin(*used) & value.isNotNull())
        return F.coalesce(F.to_json(kept), F.lit("{}"))

    return Fields(tuple(names), lambda name: F.col("fields")[name], rest, F.col("raw"), F.col("fields").isNull())

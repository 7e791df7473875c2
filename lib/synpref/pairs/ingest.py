"""Read one input: a file in any known shape becomes rows of the content tables, and every row is accounted for."""

from __future__ import annotations

from typing import Literal

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synpref.errors import InputError, SettingsError
from synpref.pairs.columns import (
    canonical_label_column,
    comparison_id_column,
    prompt_id_column,
    response_id_column,
)
from synpref.pairs.content import PARSED, ReadFile
from synpref.pairs.files import damaged_files_named, find_files
from synpref.pairs.groups import check_groups
from synpref.pairs.ingested import Ingested
from synpref.pairs.labels import NONE
from synpref.pairs.normalised_columns import with_normalised_ids
from synpref.pairs.provenance import group, provenance
from synpref.pairs.raw import file_id, raw_rows, with_row_keys
from synpref.pairs.readers.fields import EXTRA, TEXT_MAP, Fields
from synpref.pairs.readers.kinds import sniff
from synpref.pairs.readers.shape import Shape
from synpref.pairs.readers.shapes import choose_shape
from synpref.pairs.sample import sample_rows
from synpref.pairs.structure import structure_reason

__all__ = ["Ingested", "read_input"]


def read_input(
    spark: SparkSession,
    *,
    path: str,
    source: str,
    format: str = "auto",  # noqa: A002 - the setting's own name
    shape: str = "auto",
    use: Literal["pool", "test"] = "pool",
    sample_prompts: int | None = None,
    sample_comparisons: int | None = None,
    seed: int = 0,
    group_column: str | None = None,
    group_pattern: str | None = None,
    label_origin: str = "unknown",
) -> Ingested:
    """Read a file, folder, glob or Delta table (by its folder, at its last version) of preference data.

    source: name of the input, for rows that name none. format: auto, parquet, jsonl. shape: auto or a name of
    `readers.shapes`. sample_*: see `sample.sample_rows`, before identity counts. group_column, group_pattern: see
    `provenance.group`. label_origin: for rows that name none. Lazy but for listing the files and looking at the first
    rows. Raises InputError naming the path (see `files.find_files`, `readers.shapes.choose_shape`,
    `groups.check_groups`), SettingsError.
    """
    _check_sizes(sample_prompts, sample_comparisons)
    found = find_files(spark, path, format)
    reading: dict[str, object] = {
        "source": source, "use": use, "shape": shape, "format": found.format, "label_origin": label_origin,
        "sample": [sample_prompts, sample_comparisons, seed], "group": [group_column, group_pattern],
    }  # fmt: skip
    if found.version is not None:  # a file of a table may have other rows in another version: some are marked deleted
        reading["version"] = found.version
    raw, fields = raw_rows(spark, found, reading)
    with damaged_files_named():
        fields, readable = sniff(raw, fields)
    _check_rows(path, raw, fields, readable)
    reader = choose_shape(fields, shape, path)
    check_groups(raw, fields, group_column, group_pattern, path)
    labelled_by = {
        **provenance(fields, reader.used(fields), source=source, label_origin=label_origin),
        "group_value": group(fields, group_column, group_pattern),
    }
    rows = _parsed(with_row_keys(raw), fields, reader).withColumns(labelled_by)
    rows = sample_rows(rows, sample_prompts, sample_comparisons, seed)
    rows = with_normalised_ids(rows.select(*PARSED))
    files = tuple(ReadFile(file_id(file, reading), file.path, file.length, file.modified) for file in found.files)
    return Ingested(source, found.format, reader.name, use, files, rows, found.path, found.version)


def _check_sizes(*sizes: int | None) -> None:
    if any(size is not None and size < 1 for size in sizes):
        raise SettingsError("sample: prompts and comparisons_per_prompt must be at least 1, or absent")


def _check_rows(path: str, raw: DataFrame, fields: Fields, readable: int) -> None:
    if readable:
        return
    if not raw.isEmpty():  # a row of parquet is always readable
        raise InputError(f"{path}: not JSON Lines: none of its first lines is a JSON object.")
    columns = f" Columns: {', '.join(fields.names)}" if fields.names else ""
    raise InputError(f"{path}: the file is empty (no rows).{columns}")


def _parsed(rows: DataFrame, fields: Fields, reader: Shape) -> DataFrame:
    """Read, check and identify: the common shape with reason, ids, label and the original of refused rows."""
    rows = reader.read(rows.withColumn(EXTRA, F.from_json(fields.text("extra"), TEXT_MAP)), fields)
    problem = F.when(fields.unreadable, F.lit("unreadable_row")).otherwise(F.col("problem"))
    names = ("messages", "first_text", "second_text", "preference")
    rows = rows.withColumn("reason", structure_reason(problem, *(F.col(name) for name in names)))
    rows = rows.withColumn("prompt_id", prompt_id_column(F.col("messages")))
    rows = rows.withColumns(
        {f"{side}_id": response_id_column(F.col("prompt_id"), F.col(f"{side}_text")) for side in ("first", "second")}
    )
    first, second = F.col("first_id"), F.col("second_id")
    usable = F.col("reason").isNull()
    return rows.withColumns(
        {
            "comparison_id": F.when(usable, comparison_id_column(first, second)),
            # a refused row is sampled like a comparison of its own texts, or alone where it lacks one
            "sample_id": F.coalesce(comparison_id_column(first, second), F.concat_ws(":", "file_id", "row")),
            "label": F.when(usable, canonical_label_column(F.col("preference"), first, second)).otherwise(F.lit(NONE)),
            "original": F.when(~usable, fields.original),
        }
    )

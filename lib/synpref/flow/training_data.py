"""Pairs of files or of a table, made ready to train on without the rest of the pipeline; every row is accounted for."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from synpref.engines.identity import file_fingerprint
from synpref.errors import InputError
from synpref.flow.refused_comparisons import with_refused
from synpref.flow.refused_rows import places_of_refused
from synpref.hygiene.benchmark_prompts import read_benchmark_prompts
from synpref.hygiene.clean import clean
from synpref.hygiene.cleaned import Cleaned
from synpref.pairs.ingest import read_input
from synpref.pairs.ingested import Ingested
from synpref.pairs.write import write_ingested
from synpref.reward.holding_out import held_out
from synpref.settings_inputs import Input
from synpref.stage import Stage
from synpref.store.named_table import NamedTable, export_table, find_table

STAGE = "train"
NEEDED, WANTED = ["prompt", "chosen", "rejected"], ["source", "label_origin", "margin", "extra"]


@dataclass(frozen=True)
class TrainingData:
    """labelled: comparison_id, winner (a or b), group, source, side (train or validation), persisted.

    sizes: comparisons of each side; groups: of each side. rows_in = all sizes + duplicates + all of quarantined.
    files: digest by path of what was read (of the content where the driver can read it). folders: of the inputs that
    are Delta tables, whose files are not among those, the version. table: where train.data.table was read.
    """

    labelled: DataFrame
    sizes: Mapping[str, int]
    groups: Mapping[str, int]
    rows_in: int
    duplicates: int
    quarantined: Mapping[str, int]
    data_id: str
    files: Mapping[str, str]
    table: NamedTable | None
    folders: Mapping[str, int] = field(default_factory=dict)


def training_data(stage: Stage) -> TrainingData:
    """Read train.data, clean it as a campaign's pool is, and hold groups out.

    What is refused stands in quarantine with its reason: malformed rows, identical responses, contaminated prompts,
    ties, conflicts, rows without a label, training pairs of a validation group, responses above the limit where
    scorer.overlong refuses them, conversations of roles that the backbone's chat template refuses. Raises InputError
    where nothing is left, or only one group.
    """
    read, table = read_pairs(stage)
    data_id = _data_id(stage, read)
    counts = write_ingested(stage.warehouse, *read)
    quarantined = Counter[str]()
    for one, count in zip(read, counts, strict=True):
        quarantined.update(count.quarantined)
        told = count.fallback(stage.settings.groups.column)
        if told is not None:
            stage.say(f"{one.source}: {told}")
    cleaned = _cleaned(stage, read, data_id)
    quarantined.update(cleaned.counts.quarantined)
    labels = _marked(stage, cleaned.source_labels)
    if labels.where("reason IS NULL").isEmpty():
        raise InputError(_nothing_left(stage, read, data_id, labels, quarantined))
    judged = _on_sides(stage, labels).persist()
    refused = {row["reason"]: row["count"] for row in _refused(judged).groupBy("reason").count().collect()}  # reasons
    if refused:
        stage.warehouse.insert("quarantine", _quarantine(_refused(judged), data_id), unique=True)
    quarantined.update(refused)
    labelled = judged.where("reason IS NULL").select("comparison_id", "winner", "group", "source", "side")
    sides = labelled.groupBy("side").agg(F.count("*").alias("rows"), F.count_distinct("group").alias("groups"))
    found = {row["side"]: (row["rows"], row["groups"]) for row in sides.collect()}  # two rows
    cleaned.release()
    rows_in, duplicates = sum(count.rows_in for count in counts), cleaned.counts.duplicates
    _tell(stage, rows_in, duplicates, quarantined)
    return TrainingData(
        labelled=labelled,
        sizes={side: rows for side, (rows, _) in found.items()},
        groups={side: groups for side, (_, groups) in found.items()},
        rows_in=rows_in,
        duplicates=duplicates,
        quarantined=dict(sorted(quarantined.items())),
        data_id=data_id,
        files={file.path: _digest(file.path, file.file_id) for one in read if one.version is None for file in one.read},
        table=table,
        folders={one.path: one.version for one in read if one.version is not None},
    )


def read_pairs(stage: Stage) -> tuple[list[Ingested], NamedTable | None]:
    """The inputs that train.data names, validation among them (use: test), and the table where one is named."""
    settings, data = stage.settings, stage.settings.train.data
    pairs, table = list(data.pairs), None
    if data.table is not None:
        spark, location = stage.warehouse.spark, stage.warehouse.location
        table = find_table(spark, location, data.table)
        wanted = [*WANTED, *([settings.groups.column] if settings.groups.column else [])]
        folder = export_table(
            spark, table, stage.folder.absolute() / "tables", needed=NEEDED, wanted=wanted, where=data.where,
            setting="train.data.where",
        )  # fmt: skip
        pairs = [Input(path=str(folder), source=Path(data.table).name, format="parquet")]
    return [
        *(_input(stage, one, "pool") for one in pairs),
        *(_input(stage, one, "test") for one in data.validation),
    ], table


def _input(stage: Stage, one: Input, use: str) -> Ingested:
    settings = stage.settings
    stage.say(f"reading {one.path}")
    read = read_input(
        stage.warehouse.spark,
        path=one.path,
        source=one.source,
        format=one.format,
        shape=one.shape,
        use="test" if use == "test" else "pool",
        sample_prompts=settings.sample.prompts,
        sample_comparisons=settings.sample.comparisons_per_prompt,
        seed=settings.seed,
        group_column=settings.groups.column,
        group_pattern=settings.groups.pattern,
        label_origin=one.label_origin or "unknown",
    )
    stage.say(f"{one.path}: {read.told}")
    return read


def _digest(path: str, file_id: str) -> str:
    return file_fingerprint(path) if Path(path).is_file() else file_id


def _data_id(stage: Stage, read: Sequence[Ingested]) -> str:
    """16 hex digits over the files and the settings that decide what of them is refused."""
    settings = stage.settings
    files = sorted(file_id for one in read for file_id in one.file_ids)
    train = settings.train.data.model_dump(include={"validation_share", "max_validation", "decontaminate"})
    limit = [settings.train.backbone, settings.train.max_tokens, settings.scorer.overlong]
    facts = [files, settings.hygiene.model_dump(exclude={"benchmarks"}), train, limit, settings.seed]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _cleaned(stage: Stage, read: Sequence[Ingested], data_id: str) -> Cleaned:
    """What hygiene makes of the rows read; what it refuses is in quarantine."""
    hygiene, warehouse, paths = stage.settings.hygiene, stage.warehouse, stage.settings.train.data.decontaminate
    files = [file_id for one in read for file_id in one.file_ids]
    cleaned = clean(
        warehouse.read("occurrences").where(F.col("file_id").isin(files)),
        warehouse.read("files"),
        warehouse.read("comparisons"),
        warehouse.read("prompts"),
        warehouse.read("responses"),
        benchmarks=read_benchmark_prompts(warehouse.spark, paths) if paths else None,
        campaign=data_id,
        source_priority=hygiene.source_priority,
        conflict_policy=hygiene.conflicts,
        duplicates=hygiene.duplicates,
        ngram=hygiene.ngram,
        noise_share=hygiene.noise,
        seed=stage.settings.seed,
    )
    if cleaned.counts.quarantined:
        warehouse.insert("quarantine", cleaned.quarantine, unique=True)
    return cleaned


def _marked(stage: Stage, labels: DataFrame) -> DataFrame:
    """Add winner and reason (null: to be used) to source labels."""
    reason = (
        F.when(F.col("status") == "conflict", F.lit("conflict"))
        .when(F.col("label") == "tie", F.lit("tie"))
        .when(F.col("label") == "none", F.lit("no_label"))
    )
    rows = labels.withColumns({"reason": reason, "winner": F.col("label")})
    return with_refused(stage, rows)


def _on_sides(stage: Stage, rows: DataFrame) -> DataFrame:
    """Add side, and the reason of training pairs that share a group with given validation."""
    usable = rows.where("reason IS NULL")
    if stage.settings.train.data.validation:
        tested = F.col("use") == "test"
        groups = usable.where(tested).select("group").distinct().withColumn("measured", F.lit(True))
        # the validation files are the small side
        rows = rows.join(F.broadcast(groups), "group", "left")
        leaks = (F.col("use") == "pool") & F.col("measured") & F.col("reason").isNull()
        rows = rows.withColumn("reason", F.when(leaks, F.lit("validation_group")).otherwise(F.col("reason")))
        return rows.withColumn("side", F.when(tested, "validation").otherwise("train"))
    return rows.withColumn("side", F.when(_drawn(stage, usable), "validation").otherwise("train"))


def _drawn(stage: Stage, usable: DataFrame) -> Column:
    data = stage.settings.train.data
    if not data.validation_share:
        return F.lit(False)
    return held_out(usable, data.validation_share, data.max_validation, stage.settings.seed)


def _nothing_left(
    stage: Stage, read: Sequence[Ingested], data_id: str, rows: DataFrame, before: Mapping[str, int]
) -> str:
    """before: rows refused until then, by reason."""
    last = {row["reason"]: row["count"] for row in rows.groupBy("reason").count().collect()}  # a handful of reasons
    own = (F.col("campaign") == data_id) & (F.col("stage") == "hygiene")
    hygiene = stage.warehouse.read("quarantine").where(own).select(F.col("row_key").alias("comparison_id"), "reason")
    refused = rows.select("comparison_id", "reason").unionByName(hygiene)
    places = places_of_refused(stage.warehouse, read, refused)
    counts = sorted({**before, **last}.items())
    told = "; ".join(f"{reason} {count}, such as {places.get(reason, 'none')}" for reason, count in counts)
    if last and set(last) <= {"tie", "no_label", "conflict"}:
        return f"train.data: no pair says which response is better ({told}): there is no order to learn"
    return f"train.data: no pair is left to train on; refused: {told}. Table quarantine holds each with its reason"


def _refused(judged: DataFrame) -> DataFrame:
    return judged.where("reason IS NOT NULL")


def _quarantine(refused: DataFrame, data_id: str) -> DataFrame:
    return refused.select(
        F.lit(data_id).alias("campaign"),
        F.lit(STAGE).alias("stage"),
        F.col("comparison_id").alias("row_key"),
        "reason",
        F.lit(None).cast("string").alias("detail"),
        F.to_json(F.struct("comparison_id", "label", "status", "source", "sources", "group", "use")).alias("original"),
    )


def _tell(stage: Stage, rows_in: int, duplicates: int, quarantined: Mapping[str, int]) -> None:
    why = ", ".join(f"{reason} {count}" for reason, count in sorted(quarantined.items()))
    stage.say(
        f"{rows_in} rows read, {duplicates} duplicates, {sum(quarantined.values())} quarantined" + (why and f": {why}")
    )

"""Pairs of files or of a table, made ready to train on without the rest of the pipeline; every row is accounted for."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from synpref.engines.identity import file_fingerprint
from synpref.errors import InputError
from synpref.hygiene.benchmark_prompts import read_benchmark_prompts
from synpref.hygiene.clean import clean
from synpref.hygiene.cleaned import Cleaned
from synpref.pairs.ingest import read_input
from synpref.pairs.ingested import Ingested
from synpref.pairs.write import write_ingested
from synpref.reward.holding_out import held_out
from synpref.reward.overlong import refused_responses
from synpref.settings_train import Input
from synpref.stage import Stage
from synpref.store.named_table import NamedTable, export_table, find_table

STAGE = "train"
NEEDED, WANTED = ["prompt", "chosen", "rejected"], ["source", "label_origin", "margin", "extra"]


@dataclass(frozen=True)
class TrainingData:
    """labelled: comparison_id, winner (a or b), group, source, side (train or validation), persisted.

    sizes: comparisons of each side; groups: of each side. rows_in = all sizes + duplicates + all of quarantined.
    files: digest by path of what was read (of the content where the driver can read it). table: where a table was read.
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


def training_data(stage: Stage) -> TrainingData:
    """Read train.data, clean it as a campaign's pool is, and hold groups out.

    What is refused stands in quarantine with its reason: malformed rows, identical responses, contaminated prompts,
    ties, conflicts, rows without a label, training pairs of a validation group, responses above the limit where
    scorer.overlong refuses them. Raises InputError where nothing is left, or only one group.
    """
    read, table = read_pairs(stage)
    data_id = _data_id(stage, read)
    counts = write_ingested(stage.warehouse, *read)
    quarantined = Counter[str]()
    for count in counts:
        quarantined.update(count.quarantined)
    cleaned = _cleaned(stage, read, data_id)
    quarantined.update(cleaned.counts.quarantined)
    judged = _judged(stage, cleaned.source_labels, quarantined).persist()
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
        files={file.path: _digest(file.path, file.file_id) for one in read for file in one.read},
        table=table,
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
    stage.say(f"{one.path}: shape {read.shape}")
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


def _judged(stage: Stage, labels: DataFrame, before: Mapping[str, int]) -> DataFrame:
    """Add winner, side and reason (null: to be used) to source labels. before: rows refused already, by reason."""
    settings, data = stage.settings, stage.settings.train.data
    reason = (
        F.when(F.col("status") == "conflict", F.lit("conflict"))
        .when(F.col("label") == "tie", F.lit("tie"))
        .when(F.col("label") == "none", F.lit("no_label"))
    )
    rows = labels.withColumns({"reason": reason, "winner": F.col("label")})
    if settings.scorer.overlong == "refuse":
        rows = _without_overlong(stage, rows)
    usable = rows.where("reason IS NULL")
    if usable.isEmpty():
        raise InputError(_nothing_left(rows, before))
    if data.validation:
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


def _without_overlong(stage: Stage, rows: DataFrame) -> DataFrame:
    read, train = stage.warehouse.read, stage.settings.train
    sides = rows.select("comparison_id").join(read("comparisons"), "comparison_id")
    ids = sides.select("comparison_id", F.explode(F.array("response_a", "response_b")).alias("response_id"))
    # large with large, on ids; text is joined last
    texts = read("responses").join(ids.select("response_id").distinct(), "response_id", "left_semi")
    texts = texts.select("response_id", "prompt_id", "text").join(read("prompts"), "prompt_id")
    found = refused_responses(texts, Path(train.backbone).absolute(), train.max_tokens)
    refused = found.localCheckpoint()  # tokenised once, however often the rows are looked at
    gone = ids.join(refused, "response_id", "left_semi").select("comparison_id").distinct()
    marked = rows.join(gone.withColumn("overlong", F.lit(True)), "comparison_id", "left")
    return marked.withColumn("reason", F.coalesce("reason", F.when(F.col("overlong"), F.lit("overlong"))))


def _nothing_left(rows: DataFrame, before: Mapping[str, int]) -> str:
    last = {row["reason"]: row["count"] for row in rows.groupBy("reason").count().collect()}  # a handful of reasons
    told = ", ".join(f"{reason} {count}" for reason, count in sorted({**before, **last}.items()))
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

"""One shard after the other: compute on the workers, stage, count failures, commit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from synpref.engines.failure import REFUSALS, STOPPED
from synpref.engines.known_order import KnownOrder
from synpref.engines.passed import Repairs
from synpref.errors import EngineError, InputError
from synpref.inference.answered import COST, COST_COLUMNS, ORDER
from synpref.inference.answering import answering
from synpref.inference.arrow_batches import batches_of_windows
from synpref.inference.gpus import task_profile, tasks_at_once
from synpref.inference.kinds import Kind
from synpref.inference.progress import Meter
from synpref.inference.shards import Shard
from synpref.inference.spec import EngineSpec
from synpref.inference.staging import local_folder, remove
from synpref.inference.standing import lost, row_key
from synpref.inference.windows import WINDOW_ROWS
from synpref.store.contracts import TABLES
from synpref.store.maintenance import optimize_buckets
from synpref.store.warehouse import Warehouse

EVERY_CAMPAIGN = "-"


@dataclass(frozen=True)
class Work:
    """What all shards of a fill share.

    columns: the schema of the staged inputs; rows_in: the number that `max_error_share` is a share of; together: see
    kinds.together_of; slots: tasks at once, None for gpus.tasks_at_once; lost: some rows stand in quarantine as
    lost on the way; optimize_every: as of fill.
    """

    warehouse: Warehouse
    table: str
    kind: Kind
    spec: EngineSpec
    engine_id: str
    key: Sequence[str]
    columns: StructType
    stage: str
    slots: int | None
    max_error_share: float
    rows_in: int
    together: tuple[str, ...] = ()
    lost: bool = False
    optimize_every: int | None = None


@dataclass(frozen=True)
class Cost:
    """What shards cost: rows asked; tokens that went through the model, and inputs cut to its length (see Passed).

    inserted: rows that the commits put into the table, as Delta counted them. repairs: of a judge's answers. order: of
    a reward model; of several workers that loaded it, the one with the fewest right.
    """

    rows: int = 0
    tokens: int = 0
    cut: int = 0
    inserted: int = 0
    repairs: Repairs = field(default_factory=Repairs)
    order: KnownOrder | None = None

    def __add__(self, other: Cost) -> Cost:
        """Both together."""
        orders = [one.order for one in (self, other) if one.order is not None]
        return Cost(
            self.rows + other.rows,
            self.tokens + other.tokens,
            self.cut + other.cut,
            self.inserted + other.inserted,
            self.repairs + other.repairs,
            min(orders, default=None),
        )


def compute_and_commit(
    work: Work, shards: Sequence[Shard], folder: str, meter: Meter, quarantined: dict[str, int]
) -> Cost:
    """Compute and commit the shards in order; adds the failures of each to `quarantined`. As fill raises.

    folder: holds the staged answers of one shard at a time.
    """
    done, spark = Cost(), work.warehouse.spark
    uncompacted: list[tuple[int, ...]] = []  # buckets of each commit since the last OPTIMIZE
    for number, shard in enumerate(shards):
        staged_answers = f"{folder}/shard-{number}"
        answers = _computed(work, shard, staged_answers, meter, done)
        failures, cost = _counted(work, shard, answers)
        for reason, rows in failures.items():
            quarantined[reason] = quarantined.get(reason, 0) + rows
        _stop_if_too_many(work, quarantined, answers)
        inserted = _commit(work, shard, answers, failed=bool(failures))
        remove(spark, staged_answers)
        uncompacted = _compacted(work, [*uncompacted, shard.buckets] if inserted else uncompacted)
        done += replace(cost, inserted=inserted)
        meter.tell(done.rows, done.tokens)
    return done


def _computed(work: Work, shard: Shard, folder: str, meter: Meter, done: Cost) -> DataFrame:
    spark = work.warehouse.spark
    counts = local_folder(spark, f"{folder}/counts")
    rows = spark.read.schema(work.columns).parquet(*shard.paths)
    answer = answering(work.spec, None if counts is None else str(counts))
    schema = f"{work.kind.schema}, {COST_COLUMNS}"
    profile = task_profile(spark) if work.spec.takes_gpu else None
    answers = spread(rows, tasks_of(work, shard), work.key, work.together).mapInArrow(answer, schema, profile=profile)
    batches = batches_of_windows(spark, work.spec.integer("window", WINDOW_ROWS))
    with meter.watching(counts, done.rows, done.tokens), batches:
        try:
            # Written once before anything reads it: a second reader would run the engine a second time.
            answers.write.parquet(f"{folder}/answers")
        except (PySparkException, Py4JError) as error:
            raise _stopped(work, str(error) or type(error).__name__) from error
    return spark.read.schema(schema).parquet(f"{folder}/answers")


def tasks_of(work: Work, shard: Shard) -> int:
    """How many tasks compute a shard: one a slot, as many as there are when it begins.

    Executors may come while a fill goes on (dynamic allocation). An explicit number of partitions is not coalesced by
    adaptive execution: every slot gets its task.
    """
    return min(work.slots or tasks_at_once(work.warehouse.spark, takes_gpu=work.spec.takes_gpu), shard.rows)


def spread(rows: DataFrame, tasks: int, key: Sequence[str], together: Sequence[str]) -> DataFrame:
    """The rows in that many partitions of about equal size, sorted by the SQL of `together` and then by their key.

    They are ordered and cut, not dealt by hash: where few values of `together` hold most rows, a cut goes through a
    value, and no task is left without work.
    """
    if not together:
        return rows.repartition(tasks)
    order = [*map(F.expr, together), *[F.col(f"`{name}`") for name in key]]
    return rows.repartitionByRange(tasks, *order).sortWithinPartitions(*order)


def _counted(work: Work, shard: Shard, answers: DataFrame) -> tuple[dict[str, int], Cost]:
    """Rows by reason of those that failed, and what all cost. Raises as fill where a task gave up (answering)."""
    sums = [F.count(F.lit(1)).alias("rows"), *[F.sum(name).alias(name) for name in COST]]
    stopped = F.min(F.when(F.col("error") == STOPPED, F.col("detail"))).alias("stopped")
    found = answers.groupBy("error").agg(*sums, F.min(ORDER).alias(ORDER), stopped).collect()  # one row a reason
    for row in found:
        if row["stopped"] is not None:
            raise _stopped(work, row["stopped"])
    tokens, cut, *repairs = (sum(row[name] or 0 for row in found) for name in COST)
    orders = [KnownOrder(*row[ORDER]) for row in found if row[ORDER] is not None]
    cost = Cost(shard.rows, tokens, cut, repairs=Repairs(*repairs), order=min(orders, default=None))
    counts = {row["error"]: row["rows"] for row in found}
    answered = sum(counts.values())
    if answered != shard.rows:
        raise EngineError(f"{work.table}: engine {work.spec.name} answered {answered} rows of a shard of {shard.rows}")
    return {reason: rows for reason, rows in counts.items() if reason is not None}, cost


def _stop_if_too_many(work: Work, quarantined: dict[str, int], answers: DataFrame) -> None:
    failed = sum(rows for reason, rows in quarantined.items() if reason not in REFUSALS)
    if failed <= max(1.0, work.max_error_share * work.rows_in):
        return
    example = answers.where(~F.col("error").isin(*REFUSALS)).select("error", "detail").first()
    told = "" if example is None else f", for example {example['error']}: {example['detail']}"
    raise EngineError(
        f"{work.table}: engine {work.spec.name} failed on {failed} of {work.rows_in} rows, more than the share of "
        f"{work.max_error_share:g} that is tolerated{told}. What was committed before stays, this shard was not."
    )


def _commit(work: Work, shard: Shard, answers: DataFrame, *, failed: bool) -> int:
    """How many answers the table did not hold yet."""
    contract = TABLES[work.table]
    names = [column.name for column in contract.columns if column.name != "engine_id"]
    engine = F.lit(work.engine_id).alias("engine_id")
    good = answers.where(F.col("error").isNull()).select(*[F.col(f"`{name}`") for name in names], engine)
    buckets = None if contract.bucket_key is None else shard.buckets
    if work.lost:
        refused = work.warehouse.read("quarantine").where(F.col("row_key").endswith(work.engine_id))
        work.warehouse.withdraw("quarantine", lost(answers, refused, work.key, work.engine_id))
    if failed:
        within = {"campaign": EVERY_CAMPAIGN, "stage": work.stage}
        work.warehouse.insert("quarantine", _quarantine_rows(work, answers), unique=True, within=within)
    return work.warehouse.insert(work.table, good, in_buckets=buckets, unique=True)


def _compacted(work: Work, uncompacted: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """The commits, by their buckets, whose files are small: none after an OPTIMIZE of the buckets that they touched."""
    if work.optimize_every is None or len(uncompacted) < work.optimize_every:
        return uncompacted
    optimize_buckets(work.warehouse, work.table, set(chain.from_iterable(uncompacted)))
    return []


def _quarantine_rows(work: Work, answers: DataFrame) -> DataFrame:
    # An engine's refusal holds for every campaign: the row key names the engine.
    return answers.where(F.col("error").isNotNull()).select(
        F.lit(EVERY_CAMPAIGN).alias("campaign"),
        F.lit(work.stage).alias("stage"),
        row_key(work.key, work.engine_id).alias("row_key"),
        F.col("error").alias("reason"),
        "detail",
        "original",
    )


def _stopped(work: Work, said: str) -> EngineError | InputError:
    """The engine's own words out of a worker's (a traceback); InputError where its model folder is to blame."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    words = [line for line in lines if "Error: " in line and not line.startswith(("at ", "File "))]
    last = words[-1] if words else lines[0]
    of_input = re.search(r"synpref\.errors\.(?:Input|Settings)Error: (.*)", last)
    told = of_input.group(1) if of_input else last
    message = f"{work.table}: engine {work.spec.name} stopped: {told[:500]}. What was committed before stays."
    return InputError(message) if of_input else EngineError(message)

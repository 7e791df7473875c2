"""Fill an inference table: every input answered exactly once, shard by shard, the first committed answer kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from synpref.engines.known_order import KnownOrder
from synpref.engines.passed import Repairs
from synpref.errors import InputError
from synpref.inference.dtype import settled
from synpref.inference.gpus import tasks_at_once
from synpref.inference.kinds import Kind, kind_of, together_of
from synpref.inference.progress import Meter, Progress
from synpref.inference.record import record_engines
from synpref.inference.shards import stage_shards
from synpref.inference.spec import EngineSpec
from synpref.inference.speculation import check_speculation
from synpref.inference.staging import staged, staging_root
from synpref.inference.standing import lost, standing, unanswered
from synpref.inference.work import Cost, Work, compute_and_commit
from synpref.store.buckets import bucket_column
from synpref.store.contracts import TABLES
from synpref.store.warehouse import Warehouse

MAX_ERROR_SHARE = 0.005


@dataclass(frozen=True)
class Filled:
    """What a fill did: rows_in = computed + saved + the quarantined of earlier fills.

    computed: rows the engine was asked for now, failed ones included; saved: rows that were answered before;
    answered: rows that stand in the table at the end, by the counts of its commits; quarantined: reason to rows, of
    this fill and of earlier ones. What an earlier one lost on the way is asked for now, and counts as computed.
    seconds: wall clock. tokens, cut: what the model computed now, and inputs that lost tokens to its maximum length
    (see Passed). repairs: of a judge's answers that were asked for now. order: of a reward model that was loaded now,
    what it said of comparisons with a known better answer.
    """

    rows_in: int
    computed: int
    saved: int
    answered: int
    quarantined: dict[str, int]
    seconds: float
    engine_id: str
    tokens: int = 0
    cut: int = 0
    repairs: Repairs = field(default_factory=Repairs)
    order: KnownOrder | None = None

    @property
    def missing(self) -> int:
        """Rows that are neither answered nor in quarantine: 0, or something is wrong."""
        return self.rows_in - self.answered - sum(self.quarantined.values())


def fill(
    warehouse: Warehouse,
    *,
    table: str,
    inputs: DataFrame,
    spec: EngineSpec,
    stage: str,
    shard_rows: int,
    key: Sequence[str] | None = None,
    progress: Callable[[Progress], None] | None = None,
    slots: int | None = None,
    max_error_share: float = MAX_ERROR_SHARE,
    staging: str | None = None,
    optimize_every: int | None = None,
) -> Filled:
    """Ask the engine for every row of `inputs` that `table` holds no answer of this engine for.

    inputs: the kind's input columns (further ones are ignored), one row a key; key: the table's key without engine_id
    (the default). Work goes in shards of at most `shard_rows` rows (see stage_shards); each is computed by `slots`
    tasks (default: as of gpus.tasks_at_once when the shard begins), written once to staging, then committed by one
    MERGE that keeps the first answer. After a kill the same call ends in the same table, and only the shard in flight
    is computed again. Where nothing is pending no engine is loaded. optimize_every: of so many commits that inserted
    rows, the buckets that they touched are compacted; None: none.

    A row that fails goes to `quarantine` under `stage` with its reason, and no stage asks it again: but one that was
    lost on the way (failure.PASSING) is pending in the next fill, which takes it out of there once it has asked.

    Raises EngineError where the engine cannot go on, or where failed rows (lost ones too, rows refused by policy apart)
    exceed `max_error_share` of the inputs, at least one being allowed; InputError for an unreadable model, missing
    columns, repeated or null keys; SettingsError where the session has spark.speculation on, or the tables live in a
    catalog and `staging` names no folder.
    """
    started = time.monotonic()
    kind, spark = kind_of(spec), warehouse.spark
    keys = _checked(table, inputs, spec, kind, key)
    root = staging_root(warehouse.location, staging)
    spec = settled(warehouse, _with_threads(spec, spark, slots or tasks_at_once(spark, takes_gpu=spec.takes_gpu)))
    card = spec.card
    check_speculation(spark)
    warehouse.create(table, "quarantine")
    record_engines(warehouse, card)

    rows = inputs.select(*[F.col(f"`{name}`") for name in kind.inputs])
    done, refused = _of_engine(warehouse, table, card.engine_id)
    before = standing(rows, done, refused, keys, card.engine_id)
    quarantined, cost = dict(before.quarantined), Cost()
    if before.found_since:
        found = rows.join(done.select(*keys), list(keys), "left_semi")  # both may be large: joined on the key
        warehouse.withdraw("quarantine", lost(found, refused, keys, card.engine_id))
    if before.pending:
        work = Work(
            warehouse=warehouse, table=table, kind=kind, spec=spec, engine_id=card.engine_id, key=keys,
            columns=rows.schema, stage=stage, slots=slots, max_error_share=max_error_share, rows_in=before.rows,
            together=together_of(spec), lost=bool(before.lost), optimize_every=optimize_every,
        )  # fmt: skip
        todo = unanswered(rows, done, refused, keys, card.engine_id)
        cost = _answer(
            work, todo, root, before.pending, shard_rows, Meter(table, before.pending, progress), quarantined
        )
    saved, answered = before.saved + before.pending - cost.rows, before.saved + cost.inserted
    if answered + sum(quarantined.values()) != before.rows:  # as where another job answered some of them meanwhile
        done, refused = _of_engine(warehouse, table, card.engine_id)
        now = standing(rows, done, refused, keys, card.engine_id)
        answered = now.saved
        quarantined = now.quarantined | now.lost
    seconds = time.monotonic() - started
    return Filled(
        before.rows, cost.rows, saved, answered, quarantined, seconds, card.engine_id, cost.tokens, cost.cut,
        cost.repairs, cost.order,
    )  # fmt: skip


def _of_engine(warehouse: Warehouse, table: str, engine_id: str) -> tuple[DataFrame, DataFrame]:
    """What the engine answered, and what it refused, whatever stage that was: it is not asked for that again."""
    done = warehouse.read(table).where(F.col("engine_id") == engine_id)
    return done, warehouse.read("quarantine").where(F.col("row_key").endswith(engine_id))


def _answer(
    work: Work, todo: DataFrame, root: str, rows: int, shard_rows: int, meter: Meter, quarantined: dict[str, int]
) -> Cost:
    """Compute and commit the rows of `todo`, shard by shard; counts the failed in `quarantined`."""
    with staged(work.warehouse.spark, root, f"{work.table}-{work.engine_id[:12]}") as folder:
        bucket = _bucket(work.warehouse, work.table)
        shards = stage_shards(
            todo,
            key=work.key,
            bucket=bucket,
            rows=rows,
            shard_rows=shard_rows,
            folder=f"{folder}/inputs",
            together=work.together,
        )
        return compute_and_commit(work, shards, folder, meter, quarantined)


def _bucket(warehouse: Warehouse, table: str) -> Column | None:
    key, buckets = TABLES[table].bucket_key, warehouse.bucket_count(table)
    return None if key is None or buckets == 1 else bucket_column(key, buckets)


def _checked(table: str, inputs: DataFrame, spec: EngineSpec, kind: Kind, key: Sequence[str] | None) -> tuple[str, ...]:
    if kind.table != table:
        raise InputError(f"engine {spec.name} of kind {spec.kind} fills {kind.table}, not {table}")
    missing = [name for name in kind.inputs if name not in inputs.columns]
    if missing:
        raise InputError(f"inputs for {table} lack the columns {missing}; there are {inputs.columns}")
    own = tuple(name for name in TABLES[table].key if name != "engine_id")
    if key is not None and set(key) != set(own):
        raise InputError(f"{table} is filled by the key {list(own)}, not by {list(key)}")
    return own


def _with_threads(spec: EngineSpec, spark: SparkSession, slots: int) -> EngineSpec:
    """Share the cores that Spark gives all tasks among the slots, unless the spec says otherwise."""
    if dict(spec.options).get("threads") is not None:
        return spec
    cores = spark.sparkContext.defaultParallelism * int(spark.conf.get("spark.task.cpus", "1") or "1")
    return spec.having(threads=max(1, cores // slots))

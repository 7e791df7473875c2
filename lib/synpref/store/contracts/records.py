"""Contracts of the records: what ran, how long it took, what the gates and benchmarks said."""

from __future__ import annotations

from synpref.store.contract import Column, Table

STAGE_RUNS = Table(
    name="stage_runs",
    comment="One row a stage that ran, with its counts and the settings it ran under.",
    key=("run_id", "stage"),
    columns=(
        Column("run_id", "string", "one per command"),
        Column("stage", "string", "name of the job"),
        Column("campaign", "string", "null before ingest knows the inputs", nullable=True),
        Column("settings_hash", "string", "hash of the resolved settings"),
        Column("settings", "string", "resolved settings as JSON, without secrets"),
        Column("git", "string", "commit of the code; null outside a checkout", nullable=True),
        Column("started", "timestamp", ""),
        Column("seconds", "double", "wall clock", minimum=0),
        Column("rows_in", "bigint", "", minimum=0),
        Column("rows_out", "bigint", "", minimum=0),
        Column("duplicates", "bigint", "", minimum=0),
        Column("quarantined", "map<string, bigint>", "reason code to rows"),
        Column("engine_calls", "bigint", "items that an engine computed", minimum=0),
        Column("engine_calls_saved", "bigint", "items whose answer stood already", minimum=0),
        Column("detail", "string", "stage-specific facts as a JSON object"),
    ),
)

QUALITY_RESULTS = Table(
    name="quality_results",
    comment="Outcome of every expectation that was checked.",
    key=("run_id", "suite", "expectation"),
    columns=(
        Column("run_id", "string", "one per command"),
        Column("suite", "string", "stage and table"),
        Column("expectation", "string", "type and arguments"),
        Column("table", "string", "table or staged table"),
        Column("success", "boolean", ""),
        Column("observed", "string", "JSON of what was seen"),
        Column("checked", "timestamp", ""),
    ),
)

BENCHMARK_SCORES = Table(
    name="benchmark_scores",
    comment="Measured results of models.",
    key=("campaign", "engine_id", "benchmark", "subset", "metric"),
    kind="derived",
    columns=(
        Column("campaign", "string", "'-' where none"),
        Column("engine_id", "string", "model identity"),
        Column("benchmark", "string", ""),
        Column("subset", "string", "'all' for the whole"),
        Column("metric", "string", ""),
        Column("value", "double", ""),
        Column("low", "double", "lower end of the 95 % interval", nullable=True),
        Column("high", "double", "upper end of the 95 % interval", nullable=True),
        Column("items", "bigint", "comparisons measured", minimum=0),
    ),
)

RECORDS = (STAGE_RUNS, QUALITY_RESULTS, BENCHMARK_SCORES)

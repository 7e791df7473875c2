"""What is left of a measurement: rows of benchmark_scores, MLflow runs, a file, and plain values for the report."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric
from pyspark.sql import functions as F

from synpref.benchmarks import best_of_n
from synpref.benchmarks.best_of_n import Curve
from synpref.benchmarks.breakdown_table import breakdown_table
from synpref.benchmarks.correlations import benchmark_correlations
from synpref.benchmarks.measured import comparable
from synpref.benchmarks.paper_table import coverage_notes, figure_table, judge_notes, paper_table
from synpref.benchmarks.refused import quarantined, refused_counts, refused_text
from synpref.benchmarks.rows import BadRowError
from synpref.benchmarks.score_rows import ScoreRow
from synpref.benchmarks.user_pairs import NAME as USER_PAIRS
from synpref.engines.identity import hashed_part
from synpref.flow.benchmark_files import Material
from synpref.flow.benchmarks import ELSEWHERE, SCORED, Scorer
from synpref.inference.record import known_engines
from synpref.pairs.identity import hash128
from synpref.stage import Stage
from synpref.store.contracts import TABLES
from synpref.store.warehouse import Warehouse

NO_CAMPAIGN = "-"
TABLE = "benchmark_scores"
QUARANTINE = "quarantine"
RESULTS = "benchmarks.json"
_NO_METRIC = re.compile(r"[^A-Za-z0-9_. -]")
_LONGEST = 250  # characters of a metric's name
_BATCH = 500  # metrics of one request; MLflow takes a thousand


def write_scores(
    stage: Stage, campaign: str, rows: Mapping[str, Sequence[ScoreRow]], scorers: Sequence[Scorer]
) -> None:
    """Put the rows, by engine_id, in the place of the campaign's, in one commit.

    Without a campaign, what other runs measured of other engines or benchmarks stays. Files of scores are told by their
    names there: once corrected, such a file is another engine. scorers: those whose rows these are.
    """
    warehouse, own = stage.warehouse, F.col("campaign") == campaign
    values = [(campaign, engine_id, *row) for engine_id, of_engine in rows.items() for row in of_engine]
    frame = warehouse.spark.createDataFrame(values, TABLES[TABLE].ddl())
    if campaign == NO_CAMPAIGN and warehouse.exists(TABLE):
        places = {(engine_id, row.benchmark) for engine_id, of_engine in rows.items() for row in of_engine}
        listed = sorted(places | _earlier_files(warehouse, scorers))
        # a dozen engines and benchmarks
        again = F.broadcast(warehouse.spark.createDataFrame(listed, "engine_id string, benchmark string"))
        kept = warehouse.read(TABLE).where(own).join(again, ["engine_id", "benchmark"], "left_anti")
        frame = frame.unionByName(kept)
    warehouse.replace(TABLE, frame, {"campaign": campaign})


def _earlier_files(warehouse: Warehouse, scorers: Sequence[Scorer]) -> set[tuple[str, str]]:
    """(engine_id, benchmark) of what earlier files of the scorers' names and benchmarks left."""
    files: dict[str, list[str]] = {}
    for row in known_engines(warehouse).values():
        if hashed_part(row["details"]).get(SCORED) == ELSEWHERE:
            files.setdefault(row["name"], []).append(row["engine_id"])
    named = [one for one in scorers if one.kind == "scores"]
    return {(engine_id, name) for one in named for engine_id in files.get(one.name, ()) for name in one.results}


def write_refused(stage: Stage, refused: Sequence[BadRowError]) -> None:
    """Put the rows of user_pairs that are no comparison in quarantine, each once whenever it is read."""
    if not refused:
        return
    found = [(NO_CAMPAIGN, "evaluate", *values) for values in quarantined(refused, USER_PAIRS)]
    stage.warehouse.create(QUARANTINE)
    frame = stage.warehouse.spark.createDataFrame(found, TABLES[QUARANTINE].ddl())
    stage.warehouse.insert(QUARANTINE, frame.dropDuplicates(["row_key"]), unique=True)


def log_scorers(stage: Stage, scorers: Sequence[Scorer]) -> None:
    """One MLflow run a scorer below the stage's: every figure as a metric, all results as a JSON artifact.

    All results are also benchmarks.json in the run's folder. Without scorers nothing is left.
    """
    if not scorers:
        return
    for one in scorers:
        tags = {"engine_id": one.engine_id, "kind": one.kind}
        with mlflow.start_run(run_name=f"evaluate {one.name}", nested=True, tags=tags) as run:
            now = int(time.time() * 1000)
            metrics = [Metric(metric_name(row), row.value, now, 0) for row in one.rows()]
            for start in range(0, len(metrics), _BATCH):
                MlflowClient().log_batch(run.info.run_id, metrics=metrics[start : start + _BATCH])
            mlflow.log_dict(one.as_dict(), RESULTS)
    told = [one.as_dict() for one in scorers]
    (stage.folder / RESULTS).write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def metric_name(row: ScoreRow) -> str:
    """The row's place as a name that MLflow takes: a path of words, an underscore for what cannot stand in one."""
    parts = f"{row.benchmark}/{row.subset}/{row.metric}".split("/")
    plain = [_NO_METRIC.sub("_", part).strip() for part in parts]
    words = "/".join(part if part.strip(".") else "_" * max(len(part), 1) for part in plain)
    if len(words) <= _LONGEST:
        return words
    digest = hash128(words)[:8]  # two long names stay apart
    return f"{words[: _LONGEST - len(digest) - 1]}_{digest}"


def shown(material: Material, scorers: Sequence[Scorer]) -> dict[str, Any]:
    """What console and report show, as plain values (see report.benchmark_text)."""
    measured = {one.name: (one.kind, one.results) for one in scorers}
    missing = {
        name: found.result.coverage.told
        for one in scorers
        for name, found in one.results.items()
        if one.kind == "baseline"  # which scored every item
    }
    return {
        "table": paper_table(measured),
        "notes": [*coverage_notes(material.benchmarks, missing), *judge_notes(measured)],
        "figures": figure_table(measured),
        "breakdowns": breakdown_table(measured),
        "curves": [_curve_shown(*one) for one in _curves(scorers)],
        "curve_notes": _curve_notes(scorers),
        "correlations": _correlations(scorers),
        "refused": {USER_PAIRS: refused_counts(material.refused)} if material.refused else {},
        "refused_rows": [f"{USER_PAIRS}: {refused_text(material.refused)}"] if material.refused else [],
        "unscored": {one.name: dict(one.unscored) for one in scorers if any(one.unscored.values())},
    }


def _curves(scorers: Sequence[Scorer]) -> Iterator[tuple[str, str, Curve]]:
    """Every curve, with the name of its list and of its scorer."""
    for one in scorers:
        own = {f"{best_of_n.NAME}/{part}": curve for part, curve in one.curves.items()}
        own |= {f"{which}/{part}": each for which, found in one.results.items() for part, each in found.curves.items()}
        yield from ((name, one.name, curve) for name, curve in own.items())


def _curve_shown(name: str, scorer: str, curve: Curve) -> dict[str, Any]:
    return {
        "list": name,
        "name": scorer,
        "picked": [figure.value for figure in curve.picked],
        "oracle": [figure.value for figure in curve.oracle],
    }


def _curve_notes(scorers: Sequence[Scorer]) -> list[dict[str, str]]:
    """{list, note}: where curves end and what they leave out; with the scorers' names where not all have that."""
    curves = list(_curves(scorers))
    having: dict[tuple[str, str], list[str]] = {}
    for name, scorer, curve in curves:
        for note in curve.notes:
            having.setdefault((name, note), []).append(scorer)
    every = Counter(name for name, *_ in curves)
    return [
        {"list": name, "note": note if len(who) == every[name] else f"{', '.join(who)}: {note}"}
        for (name, note), who in having.items()
    ]


def _correlations(scorers: Sequence[Scorer]) -> list[dict[str, Any]]:
    """Over models and scores. Baselines know nothing, and a judge is measured otherwise: right in both orders."""
    known = {one.name: one.results for one in scorers if one.kind in ("model", "scores")}
    return [
        {"first": first, "second": second, "r": found.r, "models": found.models}
        for (first, second), found in benchmark_correlations(comparable(known)).items()
        if found is not None
    ]

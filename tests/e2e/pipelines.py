"""A small run of the main job on the generated pool, and what is left of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / ".cache/models/all-minilm-l6-v2"
SMALL = """
generated: {prompts: 300, test_prompts: 40}
stage1: {seed_human: 420, seed_judge: 120, max_retrieved: 60, few_shots: 2}
attributes: [{name: simulated-family, kind: simulated}]
judges:
  - {name: simulated-careful, kind: simulated, accuracy: 0.95, position_bias: 0.02}
  - {name: simulated-biased, kind: simulated, accuracy: 0.6, position_bias: 0.7}
embedder: {model: MODEL, dtype: float32, token_budget: 2048}
scorer: {dtype: float32, token_budget: 2048}
train: {backbone: MODEL, steps: 20, final_seeds: 1}
stage2: {allow_weak_models: true}
gate: {min_keep_share: 0.0}
mlflow: {log_models: false}
"""


@dataclass(frozen=True)
class SmallRun:
    """A run in its folder: small.yaml beside run/."""

    folder: Path

    @property
    def run(self) -> Path:
        """What the run leaves."""
        return self.folder / "run"

    @property
    def words(self) -> list[str]:
        """Arguments of the pipeline."""
        settings = self.folder / "small.yaml"
        settings.write_text(SMALL.replace("MODEL", json.dumps(str(MODEL))), encoding="utf-8")
        return ["--conf", "demo", "--conf", str(settings), f"run.dir={self.run}"]

    def start(self, stage: str = "pipeline", *words: str) -> subprocess.Popen[str]:
        """Start the pipeline, or one stage, in a process group of its own. words: settings over those of the run."""
        command = [sys.executable, "-m", "synpref.cli", stage, *self.words, *words]
        with (self.folder / "log.txt").open("a", encoding="utf-8") as log:
            return subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, text=True, start_new_session=True
            )

    def finish(self, stage: str = "pipeline") -> dict[str, Any]:
        """Run the pipeline, or one stage, to its end; the summary that stands then."""
        assert self.exit_code(stage) == 0, self.log[-4000:]
        return self.summary()

    def exit_code(self, stage: str, *words: str) -> int:
        """How the pipeline, or one stage, ended under these further settings."""
        process = self.start(stage, *words)
        try:
            return process.wait()
        finally:
            if process.poll() is None:  # the test's time ran out
                stop(process, signal.SIGKILL)

    @property
    def log(self) -> str:
        """What the runs in this folder said."""
        return (self.folder / "log.txt").read_text(encoding="utf-8")

    def summary(self) -> dict[str, Any]:
        """summary.json of the last run."""
        found: dict[str, Any] = json.loads((self.run / "summary.json").read_text(encoding="utf-8"))
        return found

    def table(self, spark: SparkSession, name: str) -> DataFrame:
        """A table, for queries."""
        return spark.read.format("delta").load(str(self.run / "warehouse" / name))

    def rows(self, name: str, columns: Sequence[str] | None = None, version: int | None = None) -> pa.Table:
        """A small table or some of its columns, now or as of a version, by a reader that starts no Spark job."""
        table = deltalake.DeltaTable(str(self.run / "warehouse" / name), version=version)
        return table.to_pyarrow_table(columns=None if columns is None else list(columns))

    def texts(self, name: str, columns: Sequence[str] | None = None, version: int | None = None) -> list[str]:
        """The same rows, each as text, sorted."""
        return sorted(map(str, self.rows(name, columns, version).to_pylist()))

    def commits(self, table: str) -> int:
        """Commits of a table so far; 0 where it does not stand."""
        return len(list((self.run / "warehouse" / table / "_delta_log").glob("*.json")))


def stop(process: subprocess.Popen[str], sign: int) -> None:
    """End the process and all that it started, its JVM and Python workers included."""
    os.killpg(process.pid, sign)
    process.wait()

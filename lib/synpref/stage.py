"""What a job is given, and what it hands back."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from pyspark.sql import functions as F

from synpref.config import campaign_id, inputs_hash, list_digests
from synpref.errors import InputError
from synpref.inference.progress import Progress
from synpref.quality.gate import Gate
from synpref.settings import Settings
from synpref.store.warehouse import Warehouse

_INPUTS = "get_json_object(detail, '$.inputs_hash')"  # ingest runs before there is a campaign


@dataclass(frozen=True)
class Outcome:
    """What a stage did: rows_in = rows_out + duplicates + all quarantined.

    engine_calls: items that an engine computed; engine_calls_saved: items whose answer stood already. detail: facts of
    this stage that later stages or the report read, as plain JSON values. campaign: None before the inputs are known.
    """

    rows_in: int = 0
    rows_out: int = 0
    duplicates: int = 0
    quarantined: Mapping[str, int] = field(default_factory=dict)
    engine_calls: int = 0
    engine_calls_saved: int = 0
    detail: Mapping[str, Any] = field(default_factory=dict)
    campaign: str | None = None

    def reconciles(self) -> bool:
        """Whether every row that came in is accounted for."""
        return self.rows_in == self.rows_out + self.duplicates + sum(self.quarantined.values())


@dataclass(frozen=True)
class Stage:
    """One stage of one run: the settings, the tables, the gate that all stages of the run share."""

    name: str
    run_id: str
    settings: Settings
    warehouse: Warehouse
    gate: Gate
    left: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict, compare=False)  # details, once read
    conditions: str | None = None  # of resume.conditions, when the command started: its code is loaded by then
    began: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False)  # the command

    @cached_property
    def lists(self) -> list[str]:
        """Digests of the benchmark lists, as they were when they were first asked for."""
        return list_digests(self.settings)

    @property
    def folder(self) -> Path:
        """The run's folder for models, snapshots and reports."""
        return Path(self.settings.run.dir)

    @property
    def models(self) -> Path:
        """Where trained models lie, by model id."""
        return self.folder / "models"

    def model_folder(self, model: Mapping[str, Any]) -> Path:
        """Where a trained model lies that a stage noted (flow.models.noted); run.dir may have been moved since."""
        return self.models / str(model["model_id"])

    def ingested(self) -> dict[str, Any]:
        """What ingest left under these settings' inputs, file_ids among it; InputError where it did not run."""
        return self._latest("ingest", inputs_hash(self.settings), _INPUTS)

    def campaign(self) -> str:
        """The campaign of these settings and of the files that ingest left; InputError where it did not run."""
        return campaign_id(self.settings, self.ingested()["file_ids"], self.lists)

    def left_by(self, stage: str, campaign: str) -> dict[str, Any]:
        """The detail that the latest run of a stage left for this campaign; InputError where it did not run."""
        return self._latest(stage, campaign, "campaign")

    def former(self, campaign: str) -> dict[str, Any]:
        """The detail that this stage's latest run before this one left for the campaign; empty where there is none."""
        return self._known(self.name, campaign, "campaign") or {}

    def has_left(self, stage: str) -> bool:
        """Whether a stage behind ingest has run under these settings, for the files that ingest left."""
        if self._known("ingest", inputs_hash(self.settings), _INPUTS) is None:
            return False
        return self._known(stage, self.campaign(), "campaign") is not None

    def leave(self, detail: dict[str, Any], campaign: str | None) -> None:
        """Hand this stage's detail, which stands in stage_runs now, to the stages after it in the same run."""
        self.left[self.name, campaign or inputs_hash(self.settings)] = detail

    def _latest(self, stage: str, key: str, place: str) -> dict[str, Any]:
        detail = self._known(stage, key, place)
        if detail is None:
            raise InputError(f"stage {stage} has not run under these settings: run `synpref {stage}` first")
        return detail

    def _known(self, stage: str, key: str, place: str) -> dict[str, Any] | None:
        """place: SQL of what equals the key."""
        if (stage, key) in self.left:
            return self.left[stage, key]
        row = None
        if self.warehouse.exists("stage_runs"):
            runs = self.warehouse.read("stage_runs").where((F.col("stage") == stage) & (F.expr(place) == key))
            row = runs.orderBy(F.desc("started")).select("detail").first()
        if row is None:
            return None
        detail: dict[str, Any] = json.loads(row["detail"])
        self.left[stage, key] = detail
        return detail

    def say(self, text: str) -> None:
        """Tell a person what is going on."""
        sys.stderr.write(f"{time.strftime('%H:%M:%S')} {self.name}: {text}\n")
        sys.stderr.flush()


def tell_progress(stage: Stage) -> Callable[[Progress], None]:
    """A listener that tells a fill's progress in rows and tokens, rates and time left."""

    def tell(progress: Progress) -> None:
        tokens = f", {progress.tokens} tokens" if progress.tokens else ""
        rate = "" if progress.rows_per_second is None else f", {progress.rows_per_second:.1f} rows/s"
        if progress.tokens and progress.tokens_per_second is not None:
            rate += f", {progress.tokens_per_second:.0f} tokens/s"
        left = "" if progress.seconds_left is None else f", {progress.seconds_left:.0f} s left"
        stage.say(f"{progress.table}: {progress.rows} of {progress.rows_total} rows{tokens}{rate}{left}")

    return tell

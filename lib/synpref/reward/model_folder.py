"""A trained model on disk: safetensors, tokenizer, and model.json that says how it came to be."""

from __future__ import annotations

import dataclasses
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from synpref.errors import InputError
from synpref.pairs.identity import hash128
from synpref.reward.plan import TrainingPlan

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

RECORD = "model.json"


@dataclass(frozen=True)
class TrainedModel:
    """A reward model that AutoModelForSequenceClassification loads from `path`.

    training_digest: hash of the training rows. backbone: fingerprint. frozen_layers: lower layers that are the
    backbone's own; None: all were trained.
    history: one entry an evaluation: step, loss (mean since the last), validation_accuracy (null without validation).
    best_step, validation_accuracy: of the checkpoint that was kept. rows: counts (comparisons, responses, truncated
    and refused ones, validation comparisons). warnings: signs of trouble, in words (see `trouble`). reused: it was
    found, nothing was trained.
    """

    model_id: str
    name: str
    path: Path
    plan: TrainingPlan
    training_digest: str
    backbone: str
    frozen_layers: int | None
    best_step: int
    validation_accuracy: float | None
    history: list[dict[str, float | None]]
    rows: dict[str, int]
    warnings: list[str] = field(default_factory=list)
    reused: bool = False


def model_identity(training: str, plan: TrainingPlan, backbone: str, validation: str | None) -> str:
    """The id of a model: hash of its rows' digest, plan with seed, backbone's fingerprint, validation rows' digest."""
    settings = json.dumps(plan.identity(), sort_keys=True)
    return hash128("reward model 1", training, settings, backbone, validation or "")


def find_model(models_dir: Path, model_id: str) -> TrainedModel | None:
    """The model of this id, if it was ever finished."""
    path = models_dir / model_id
    return dataclasses.replace(read_model(path), reused=True) if (path / RECORD).is_file() else None


def read_model(path: Path) -> TrainedModel:
    """Read a trained model's record. Raises InputError where `path` holds none."""
    try:
        record: dict[str, Any] = json.loads((path / RECORD).read_text(encoding="utf-8"))
        return TrainedModel(**{**record, "path": path, "plan": TrainingPlan(**record["plan"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path}: no reward model that synpref trained ({RECORD}: {error})") from error


def save_model(
    models_dir: Path, record: TrainedModel, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase
) -> TrainedModel:
    """Write models_dir/<model_id>/ in one rename: a kill leaves nothing half. The first of two equal ones stays."""
    from synpref.engines.quiet import quiet_transformers

    models_dir.mkdir(parents=True, exist_ok=True)
    final = models_dir / record.model_id
    staged = Path(tempfile.mkdtemp(prefix=f".{record.model_id}-", dir=models_dir))
    try:
        with quiet_transformers():
            model.save_pretrained(staged)
        tokenizer.save_pretrained(staged)
        (staged / RECORD).write_text(json.dumps(_as_json(record), indent=1, allow_nan=False), encoding="utf-8")
        staged.chmod(0o755)
        if not (final / RECORD).is_file():
            staged.replace(final)
    except (OSError, SafetensorError) as error:  # a full disk is the one or the other, by the file
        raise InputError(
            f"{final}: the model could not be written ({error}); nothing was left behind. Make room on that disk; the "
            "same training run again goes on from its last checkpoint"
        ) from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return dataclasses.replace(record, path=final)


def _as_json(record: TrainedModel) -> Mapping[str, object]:
    fields = dataclasses.asdict(record)
    return {name: value for name, value in fields.items() if name not in ("path", "reused")}

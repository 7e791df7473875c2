"""Checkpoints of a training under way: which of them is whole, and what becomes of one that is not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from synpref.reward.plan import Strategy

FOLDER = ".checkpoints"
SEAL = "whole.json"  # written last: the sizes of the other files


def checkpoints_folder(models_dir: Path, model_id: str, strategy: Strategy) -> Path:
    """Where the checkpoints of a model lie until it is finished; those of fsdp are of another make."""
    return models_dir / FOLDER / (f"{model_id}-fsdp" if strategy == "fsdp" else model_id)


def seal(checkpoint: Path) -> None:
    """Say that all of a checkpoint is written."""
    (checkpoint / SEAL).write_text(json.dumps(_sizes(checkpoint)), encoding="utf-8")


def broken(checkpoint: Path) -> str | None:
    """Why a training cannot go on from this checkpoint; None where it can."""
    try:
        sizes = json.loads((checkpoint / SEAL).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "it was cut short while it was written"
    found = _sizes(checkpoint)
    short = sorted(name for name in sizes if found.get(name) != sizes[name])
    return f"{short[0]} is not the file that was written" if short else None


def latest(folder: Path, say: Callable[[str], None] | None = None) -> Path | None:
    """The newest checkpoint that is whole; what is newer and is not is named and removed."""
    found = sorted(folder.glob("checkpoint-*"), key=step_of, reverse=True)
    for checkpoint in found:
        reason = broken(checkpoint)
        if reason is None:
            return checkpoint
        if say:
            say(f"warning: {checkpoint} is passed over ({reason}); the checkpoint before it is taken, if there is one")
        shutil.rmtree(checkpoint, ignore_errors=True)
    return None


def step_of(checkpoint: Path) -> int:
    """The number of steps behind a checkpoint, by its name."""
    return int(checkpoint.name.rpartition("-")[2])


def forget(models_dir: Path, model_id: str) -> None:
    """Remove the checkpoints of a model that is finished."""
    for strategy in get_args(Strategy):
        shutil.rmtree(checkpoints_folder(models_dir, model_id, strategy), ignore_errors=True)
    folder = models_dir / FOLDER
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _sizes(checkpoint: Path) -> dict[str, int]:
    files = [path for path in sorted(checkpoint.rglob("*")) if path.is_file() and path.name != SEAL]
    return {str(path.relative_to(checkpoint)): path.stat().st_size for path in files}

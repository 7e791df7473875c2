"""The course of a training: what its loop has seen so far, in memory and in a checkpoint."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

COURSE, BEST = "course.json", "best.safetensors"


@dataclass
class Course:
    """What a training found so far.

    history: one entry a look: step, loss (mean since the last look), validation_accuracy (None without validation).
    best_state: the weights of best_step; None where the last state is the one to keep. losses: of the steps since the
    last look. seen: without validation, the comparisons of the steps since margins were looked at: how many, the sums
    of their margins and of the squares, how many were right (equal rewards count half). widest: the largest standard
    deviation of margins. warnings: by kind, see `trouble`. order: see `graph.order_version`.
    """

    history: list[dict[str, float | None]] = field(default_factory=list)
    best_step: int = 0
    best_accuracy: float | None = None
    best_state: dict[str, torch.Tensor] | None = None
    losses: list[float] = field(default_factory=list)
    seen: list[float] = field(default_factory=lambda: [0.0] * 4)
    widest: float = 0.0
    warnings: dict[str, str] = field(default_factory=dict)
    order: int | None = None


def save_course(course: Course, folder: Path) -> None:
    """Write it beside what the Trainer writes of a checkpoint."""
    facts = {name: value for name, value in vars(course).items() if name != "best_state"}
    if course.order is None:  # as it was before there were versions
        del facts["order"]
    (folder / COURSE).write_text(json.dumps(facts), encoding="utf-8")
    if course.best_state is not None:
        save_file(course.best_state, folder / BEST)


def load_course(folder: Path, *, best: bool = True) -> Course:
    """Read what `save_course` wrote. best: the best state too."""
    course = Course(**json.loads((folder / COURSE).read_text(encoding="utf-8")))
    if best and (folder / BEST).is_file():
        course.best_state = load_file(folder / BEST)
    return course

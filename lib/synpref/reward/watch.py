"""What looks on while a model is trained: loss, validation, the best state, signs of trouble, checkpoints."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from synpref.reward.accuracy import accuracy_of
from synpref.reward.checkpoints import seal
from synpref.reward.course import Course, save_course
from synpref.reward.trouble import Look, Margins, broken_off, signs

Validated = Callable[[], NDArray[np.float32] | None]
State = Callable[[], dict[str, torch.Tensor] | None]
# Takes an entry of the history and the signs of trouble so far; gives back what went wrong, if anything did.
Follow = Callable[[Mapping[str, float | None], Sequence[str]], str | None]


class Watch(TrainerCallback):
    """Looks at loss and validation every so many steps, keeps the best state, and stops what went wrong."""

    def __init__(
        self,
        course: Course,
        margins: Validated,
        state: State,
        *,
        sound: Callable[[], bool],
        gather: Callable[[], None],
        together: Callable[[], None],
        say: Callable[[str], None],
        follow: Follow | None = None,
    ) -> None:
        """margins: of the validation comparisons, computed now. state: a copy of the trained weights; None in
        a process that does not write the model.

        sound: whether all trained weights are numbers. gather: readies the optimiser for being saved. together: waits
        for the other processes; all of them call all of these at the same steps. say: takes a line for people.
        follow: takes each look.
        """
        self.course = course
        self.saving = False  # between the last look of a step and its whole checkpoint
        self._margins = margins
        self.state = state
        self._sound = sound
        self._gather = gather
        self._together = together
        self._say = say
        self._follow = follow

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> TrainerControl:
        """Ask for a look after the last step too, wherever it falls; the model itself is saved then, no checkpoint.

        Raises EngineError instead of letting weights that are no numbers be saved: every run again would begin there.
        """
        del args
        last = state.global_step >= state.max_steps
        control.should_log = control.should_log or last
        control.should_save = control.should_save and not last
        self.saving = control.should_save and not control.should_log
        if control.should_save:
            if not self._sound():
                raise broken_off(state.global_step, "its gradient left weights that are no numbers")
            self._gather()
        return control

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, float] | None = None,
        **_: object,
    ) -> None:
        """Take the mean loss since the last look; evaluate. Raises EngineError where the gradient is no number."""
        if not logs or "loss" not in logs:
            return
        course, step = self.course, state.global_step
        loss, gradient = float(np.mean(course.losses)), logs.get("grad_norm")
        course.losses = []
        if not math.isfinite(gradient or 0.0):
            raise broken_off(step, f"its gradient has the norm {gradient}")
        margins = self._margins()
        score = None if margins is None else accuracy_of(margins)
        course.history.append({"step": step, "loss": loss, "validation_accuracy": score})
        self._keep_best(step, score)
        told = "" if score is None else f", validation accuracy {score:.3f}"
        self._say(f"step {step} of {state.max_steps}: loss {loss:.3f}{told}")
        self._warn(Look(step, state.max_steps, int(args.warmup_steps), gradient, self._looked_at(margins)))
        lost = self._follow(course.history[-1], [*course.warnings.values()]) if self._follow else None
        if lost is not None:
            self._say(f"warning: {lost}")
        self.saving = control.should_save

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object) -> None:
        """Add the course to what the Trainer wrote, and say that the checkpoint is whole."""
        del control
        self._together()
        if state.is_world_process_zero:
            checkpoint = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
            save_course(self.course, checkpoint)
            seal(checkpoint)
        self.saving = False

    def _keep_best(self, step: int, score: float | None) -> None:
        course = self.course
        if course.best_accuracy is None or (score is not None and score > course.best_accuracy):
            course.best_step, course.best_accuracy = step, score
            if score is not None:
                course.best_state = self.state()

    def _looked_at(self, validated: NDArray[np.float32] | None) -> Margins | None:
        if validated is not None:
            return Margins.of_validation(validated) if len(validated) else None
        found = Margins.of_training(self.course.seen)
        if found is not None:
            self.course.seen = [0.0] * 4
        return found

    def _warn(self, look: Look) -> None:
        for kind, told in signs(look, self.course.widest).items():
            if kind not in self.course.warnings:
                self.course.warnings[kind] = f"step {look.step}: {told}"
                self._say(f"warning: step {look.step}: {told}")
        if look.margins is not None:
            self.course.widest = max(self.course.widest, look.margins.spread)

"""The training loop: transformers' Trainer over steps of a comparison graph."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from synpref.errors import InputError
from synpref.reward.checkpoints import latest, step_of
from synpref.reward.course import Course, load_course
from synpref.reward.features import FeatureStore
from synpref.reward.graph import Limits, order_version
from synpref.reward.passes import Stored, score
from synpref.reward.plan import Layout, TrainingPlan
from synpref.reward.rows import Comparisons
from synpref.reward.steps import Step, count_steps, share_of, steps
from synpref.reward.trainer import StepDataset, StepTrainer, training_arguments
from synpref.reward.upper import PairwiseLoss, Upper, packing
from synpref.reward.watch import Follow, Watch

Say = Callable[[str], None]


class Ground(NamedTuple):
    """What a training stands on: rows, and the store with their responses."""

    training: Comparisons
    validation: Comparisons | None
    store: FeatureStore


def fit(
    upper: Upper,
    ground: Ground,
    plan: TrainingPlan,
    *,
    checkpoints: Path | None = None,
    layout: Layout = Layout(),  # noqa: B008 - frozen
    progress: Say | None = None,
    follow: Follow | None = None,
) -> Course:
    """Train `upper` in place for the steps or epochs of the plan; the course holds its best state.

    The best is the first with the highest validation accuracy; without validation, the last. Of several processes only
    the first keeps its state. checkpoints: a folder that takes checkpoints, and to go on from where it holds a whole
    one. follow: takes each look, from the first process alone. Raises EngineError where the loss is not finite,
    InputError where a checkpoint cannot be written.
    """
    say = progress or _silent
    limits = limits_of(ground, plan)
    training = ground.training
    count = plan.steps or count_steps(training, limits, plan.seed, plan.pairs_per_step, plan.epochs or 0)
    with tempfile.TemporaryDirectory() as own:
        folder = checkpoints or Path(own)
        arguments = training_arguments(plan, count, folder, layout, upper.layers())
        rank, processes = arguments.process_index, arguments.world_size
        with arguments.main_process_first(local=False):
            found = latest(folder, say)
        order = order_version(training)
        course = load_course(found, best=rank == 0) if found else Course(order=order)
        if found and course.order != order:
            raise InputError(_misfit(found, "another order of the prompts"))

        def mine() -> Iterator[Step]:
            endless = steps(training, limits, plan.seed, plan.pairs_per_step)
            return (share_of(step, rank, processes) for step in itertools.islice(endless, count))

        with packing(upper, arguments.device, bfloat16=plan.dtype == "bfloat16"):
            trainer = StepTrainer(
                StepDataset(mine),
                Stored.of(ground.store, training.response_ids),
                course,
                layout.strategy if processes > 1 else "ddp",
                model=PairwiseLoss(upper, bfloat16=plan.dtype == "bfloat16"),
                args=arguments,
                margins=ground.validation is None,
            )
            watch = _watch(trainer, course, ground, say, follow)
            trainer.add_callback(watch)
            torch.manual_seed(plan.seed + rank)  # dropout: processes must not drop the same
            if found:
                _check_fits(found, trainer)
                say(f"training goes on from the checkpoint of step {step_of(found)}, {found}")
            _run(trainer, watch, found)
        if course.best_accuracy is None:  # in all processes or in none: they gather the state together
            course.best_step, course.best_state = count, watch.state()
    return course


def limits_of(ground: Ground, plan: TrainingPlan) -> Limits:
    """What a micro-batch may hold."""
    lengths = ground.store.lengths(ground.training.response_ids)
    return Limits(plan.responses_per_step, plan.tokens_per_step, lengths)


def _watch(trainer: StepTrainer, course: Course, ground: Ground, say: Say, follow: Follow | None) -> Watch:
    """Look on from this process; what is looked at is computed by all of them."""
    validation, together = ground.validation, trainer.accelerator
    rank, processes = trainer.args.process_index, trainer.args.world_size
    stored = Stored.of(ground.store, validation.response_ids) if validation else None

    whole: Any = trainer.model

    def margins() -> NDArray[np.float32] | None:
        if validation is None or stored is None:
            return None
        share = torch.from_numpy(score(whole, stored, rank, processes)).to(trainer.args.device)
        rewards = together.reduce(share, "sum").cpu().numpy()
        found: NDArray[np.float32] = rewards[validation.chosen] - rewards[validation.rejected]
        return found

    def state() -> dict[str, torch.Tensor] | None:
        tensors = together.get_state_dict(trainer.model_wrapped)
        if rank:
            return None
        return {name.removeprefix("upper."): tensor.detach().cpu().clone() for name, tensor in tensors.items()}

    def sound() -> bool:
        broken = torch.stack([(~torch.isfinite(_own(weight))).any() for weight in whole.parameters()]).any()
        return not together.reduce(broken.float(), "sum").item()

    told, follows = (say, follow) if rank == 0 else (_silent, None)
    wait = together.wait_for_everyone
    return Watch(course, margins, state, sound=sound, gather=trainer.gather, together=wait, say=told, follow=follows)


def _own(weight: torch.Tensor) -> torch.Tensor:
    """What this process holds of a weight, which fsdp shards."""
    sharded: Any = weight
    return sharded.to_local() if hasattr(weight, "to_local") else weight


def _check_fits(checkpoint: Path, trainer: StepTrainer) -> None:
    """Raise InputError for a checkpoint of other weights than are trained now: one that another version began."""
    weights = checkpoint / "model.safetensors"
    if not weights.exists():  # sharded: fsdp looks at it itself
        return
    model: Any = trainer.model
    with safe_open(weights, framework="pt") as file:
        other = set(file.keys()) ^ set(model.state_dict())
    if other:
        raise InputError(_misfit(checkpoint, f"other weights, {min(other)} first"))


def _misfit(checkpoint: Path, why: str) -> str:
    return f"{checkpoint}: begun by another version of this package ({why}); remove {checkpoint.parent} to begin anew"


def _run(trainer: StepTrainer, watch: Watch, found: Path | None) -> None:
    try:
        trainer.train(resume_from_checkpoint=str(found) if found else None)
    except ValueError as error:
        if found is None or "optimizer" not in str(error):
            raise
        raise InputError(_misfit(found, " ".join(str(error).split())[:200])) from error
    except (OSError, RuntimeError, SafetensorError) as error:
        if not watch.saving:
            raise
        folder = Path(str(trainer.args.output_dir))
        at = trainer.state.global_step
        raise InputError(_unwritten(folder / f"checkpoint-{at}", error)) from error


def _unwritten(checkpoint: Path, error: Exception) -> str:
    before = latest(checkpoint.parent)
    left = f"from the checkpoint of step {step_of(before)}" if before else "from the beginning"
    return (
        f"{checkpoint}: the checkpoint could not be written ({' '.join(str(error).split())[:300]}). Make room on that"
        f" disk, or set train.checkpoint_every to null; the same training run again goes on {left}"
    )


def _silent(line: str) -> None:
    del line

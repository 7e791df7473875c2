"""transformers' Trainer, where an item is an optimiser step of several micro-batches."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader, IterableDataset
from transformers import PrinterCallback, Trainer, TrainingArguments

from synpref.errors import SettingsError
from synpref.reward.course import Course
from synpref.reward.passes import Stored, load_batch
from synpref.reward.plan import Layout, Strategy, TrainingPlan
from synpref.reward.steps import Step
from synpref.reward.trouble import broken_off
from synpref.reward.upper import PairwiseLoss

Item = dict[str, Step]

# They are part of what a model is: named here, so that other defaults of the Trainer change none.
_OPTIMIZER: dict[str, Any] = {
    "optim": "adamw_torch_fused",
    "adam_beta1": 0.9,
    "adam_beta2": 0.999,
    "adam_epsilon": 1e-8,
    "max_grad_norm": 1.0,
}


class StepDataset(IterableDataset[Step]):
    """One item a step, in order, made as it is asked for."""

    def __init__(self, make: Callable[[], Iterator[Step]]) -> None:
        self._make = make

    def __iter__(self) -> Iterator[Step]:
        return self._make()


class StepArguments(TrainingArguments):
    """A process computes on one GPU, whatever it sees: torch's DataParallel would scatter the rows of a batch."""

    @property
    def n_gpu(self) -> int:
        """At most 1; transformers' own counts all that one process alone sees."""
        return min(int(super().n_gpu), 1)


class StepTrainer(Trainer):
    """A Trainer over steps. Texts are read micro-batch by micro-batch; an item holds numbers only."""

    def __init__(
        self,
        data: StepDataset,
        stored: Stored,
        course: Course,
        strategy: Strategy,
        *,
        model: PairwiseLoss,
        args: TrainingArguments,
        margins: bool = False,
    ) -> None:
        """data: what this process computes of each step. course: takes the loss of each step; margins: theirs too."""
        super().__init__(model=model, args=args)
        self.remove_callback(PrinterCallback)
        self._data = data
        self._stored = stored
        self._course = course
        self._strategy = strategy
        self._upper = model.upper
        self._margins = margins

    def get_train_dataloader(self) -> DataLoader[Step]:
        """The steps as they are: they are shared out among the processes already."""
        return DataLoader(self._data, batch_size=1, collate_fn=_item)

    def create_optimizer(self, model: nn.Module | None = None) -> Optimizer:
        """AdamW; with `zero1` each process keeps the state of a part of the parameters."""
        plain: Optimizer = super().create_optimizer(model)
        if self._strategy == "zero1":
            from synpref.reward.shared_optimizer import SharedOptimizer  # its imports warn where nothing needs them

            kind, options = self.get_optimizer_cls_and_kwargs(self.args)
            groups = [
                {"params": group["params"], "weight_decay": group["weight_decay"]} for group in plain.param_groups
            ]
            plain = self.optimizer = SharedOptimizer(groups, optimizer_class=kind, **options)
        return plain

    def gather(self) -> None:
        """Bring the optimiser's state to the process that saves it, where it is shared out."""
        if self._strategy == "zero1":
            wrapped: Any = self.optimizer  # by accelerate
            wrapped.optimizer.gather()

    def training_step(
        self, model: nn.Module, inputs: dict[str, Any], num_items_in_batch: torch.Tensor | int | None = None
    ) -> torch.Tensor:
        """Add up the gradients of the micro-batches to that of the mean loss over all comparisons of the step.

        Raises EngineError where that loss is no number.
        """
        del num_items_in_batch
        step: Step = inputs["step"]
        model.train()
        weight = self.args.world_size / step.comparisons  # the processes take the mean of their gradients
        total = torch.zeros((), device=self.args.device)
        seen = torch.zeros(4, dtype=torch.float64, device=self.args.device)
        for index, part in enumerate(step.parts):
            # meanwhile fsdp would keep gradients whole, 4 bytes a trained weight on every GPU: it shares out each one
            now = self._strategy == "fsdp" or index == len(step.parts) - 1
            with contextlib.nullcontext() if now else self.accelerator.no_sync(model):
                rows = load_batch(self._stored, part, self._upper, self.args.device, at_once=self._strategy == "fsdp")
                found = model(**rows)
                loss = found["total"] * weight
                self.accelerator.backward(loss)
            total += loss.detach()
            if self._margins:
                rewards = found["rewards"].detach()
                seen += _sums(rewards[rows["chosen"]] - rewards[rows["rejected"]])
        whole: torch.Tensor = self.accelerator.reduce(total, "mean")
        self._course.losses.append(whole.item())  # of all processes, which break off together
        if not math.isfinite(self._course.losses[-1]):
            raise broken_off(self.state.global_step + 1, f"its loss is {self._course.losses[-1]}")
        if self._margins:
            more = self.accelerator.reduce(seen, "sum").tolist()
            self._course.seen = [old + new for old, new in zip(self._course.seen, more, strict=True)]
        return whole


def _sums(margins: torch.Tensor) -> torch.Tensor:
    """What Course.seen adds up."""
    exact = margins.double()
    right = (exact > 0).double() + 0.5 * (exact == 0).double()
    return torch.stack([torch.ones_like(exact), exact, exact.square(), right]).sum(dim=1)


def _item(items: list[Step]) -> Item:
    (step,) = items
    return {"step": step}


def training_arguments(
    plan: TrainingPlan, steps: int, folder: Path, layout: Layout, layers: Sequence[str] = ()
) -> StepArguments:
    """The plan in the Trainer's words; `folder` takes checkpoints, where the plan wants any. Nothing is reported.

    layers: names of the layers' classes, which fsdp shards one by one. Raises SettingsError for fsdp without GPUs.
    """
    on_gpu = torch.cuda.is_available()
    sharded = layout.processes > 1 and layout.strategy == "fsdp"
    if sharded and not on_gpu:
        raise SettingsError("training: strategy is fsdp, which accelerate has for GPUs only; set ddp or zero1")
    return StepArguments(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=1,  # an item is a whole step
        learning_rate=plan.learning_rate,
        warmup_steps=round(plan.warmup_share * steps),
        lr_scheduler_type="linear" if plan.schedule == "linear" else "constant_with_warmup",
        weight_decay=plan.weight_decay,
        seed=plan.seed,
        logging_steps=plan.evaluate_every,
        logging_nan_inf_filter=False,
        save_strategy="steps" if plan.checkpoint_every else "no",
        save_steps=plan.checkpoint_every or steps,
        save_total_limit=2,
        report_to="none",
        disable_tqdm=True,
        log_level="error",
        remove_unused_columns=False,
        use_cpu=not on_gpu,
        ddp_find_unused_parameters=False,
        ddp_backend=("nccl" if on_gpu else "gloo") if layout.processes > 1 else None,
        **_OPTIMIZER,
        **(sharding(layers) if sharded else {}),
    )


def sharding(layers: Sequence[str]) -> dict[str, Any]:
    """fsdp in the Trainer's words: torch's second one, which shares out weights, gradients and moments by layers."""
    return {"fsdp": True, "fsdp_config": {"version": 2, "transformer_layer_cls_to_wrap": list(layers)}}

"""The training loop: transformers' Trainer over batches of a comparison graph."""

from __future__ import annotations

import copy
import itertools
import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset
from transformers import (
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from synpref.engines.batching import token_budget_batches
from synpref.errors import EngineError
from synpref.reward.accuracy import accuracy_of
from synpref.reward.features import FeatureStore
from synpref.reward.graph import Batch, Limits, batches
from synpref.reward.plan import TrainingPlan
from synpref.reward.rows import Comparisons
from synpref.reward.upper import PairwiseLoss, Upper

SCORING_TOKENS = 16_384  # padded tokens of one pass without gradients

Evaluate = Callable[[], float | None]


@dataclass
class Fit:
    """What training found. best_state is None where the last state is the one to keep."""

    history: list[dict[str, float | None]] = field(default_factory=list)
    best_step: int = 0
    best_accuracy: float | None = None
    best_state: dict[str, torch.Tensor] | None = None


class StepDataset(Dataset[Batch]):
    """One item a step, in order."""

    def __init__(self, steps: Sequence[Batch]) -> None:
        self._steps = steps

    def __len__(self) -> int:
        return len(self._steps)

    def __getitem__(self, index: int) -> Batch:
        return self._steps[index]


class Watch(TrainerCallback):
    """Looks at loss and validation every so many steps, keeps the best state, and stops what went wrong."""

    def __init__(self, upper: Upper, evaluate: Evaluate, every: int, progress: Callable[[str], None] | None) -> None:
        self.fit = Fit()
        self._upper = upper
        self._evaluate = evaluate
        self._every = every
        self._progress = progress

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> TrainerControl:
        """Ask for a look after the last step too, wherever it falls."""
        del args
        control.should_log = control.should_log or state.global_step >= state.max_steps
        return control

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, float] | None = None,
        **_: object,
    ) -> None:
        """Take the mean loss since the last look; evaluate. Raises EngineError where the loss is no number."""
        del args, control
        if not logs or "loss" not in logs:
            return
        if not math.isfinite(logs["loss"]) or not math.isfinite(logs.get("grad_norm", 0.0)):
            raise EngineError(
                f"training broke off at step {state.global_step}: loss {logs['loss']}, gradient norm "
                f"{logs.get('grad_norm')}; lower train.learning_rate, or look for broken weights in the backbone"
            )
        score = self._evaluate()
        entry = {"step": state.global_step, "loss": logs["loss"], "validation_accuracy": score}
        self.fit.history.append(entry)
        better = self.fit.best_accuracy is None or (score is not None and score > self.fit.best_accuracy)
        if better:
            self.fit.best_step, self.fit.best_accuracy = state.global_step, score
            if score is not None:
                self.fit.best_state = copy.deepcopy(self._upper.state_dict())
        if self._progress:
            told = "" if score is None else f", validation accuracy {score:.3f}"
            self._progress(f"step {state.global_step} of {state.max_steps}: loss {logs['loss']:.3f}{told}")


def fit(
    upper: Upper,
    training: Comparisons,
    validation: Comparisons | None,
    store: FeatureStore,
    plan: TrainingPlan,
    *,
    progress: Callable[[str], None] | None = None,
) -> Fit:
    """Train `upper` in place for plan.steps steps and leave the best checkpoint in it.

    The best is the first with the highest validation accuracy; without validation, the last. Raises EngineError where
    the loss is not finite.
    """
    limits = Limits(plan.responses_per_step, plan.tokens_per_step, store.lengths(training.response_ids))
    steps = list(itertools.islice(batches(training, limits, plan.seed), plan.steps))

    def evaluate() -> float | None:
        if validation is None:
            return None
        rewards = score_rows(upper, store, validation.response_ids)
        return accuracy_of(rewards[validation.chosen] - rewards[validation.rejected])

    def collate(items: list[Batch]) -> dict[str, torch.Tensor]:
        (batch,) = items
        rows, mask = pad_rows(store, [training.response_ids[index] for index in batch.responses])
        chosen, rejected = torch.from_numpy(batch.chosen), torch.from_numpy(batch.rejected)
        return {"rows": rows, "mask": mask, "chosen": chosen, "rejected": rejected}

    watch = Watch(upper, evaluate, plan.evaluate_every, progress)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model=PairwiseLoss(upper),
            args=training_arguments(plan, folder),
            data_collator=collate,
            train_dataset=StepDataset(steps),
            callbacks=[watch],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    if watch.fit.best_state is not None:
        upper.load_state_dict(watch.fit.best_state)
    else:
        watch.fit.best_step = plan.steps
    upper.eval()
    return watch.fit


def training_arguments(plan: TrainingPlan, folder: str) -> TrainingArguments:
    """The plan in the Trainer's words. Nothing is saved or reported by the Trainer itself."""
    return TrainingArguments(
        output_dir=folder,
        max_steps=plan.steps,
        per_device_train_batch_size=1,  # an item is a whole batch
        train_sampling_strategy="sequential",
        learning_rate=plan.learning_rate,
        warmup_steps=round(plan.warmup_share * plan.steps),
        lr_scheduler_type="linear" if plan.schedule == "linear" else "constant_with_warmup",
        weight_decay=plan.weight_decay,
        seed=plan.seed,
        logging_steps=plan.evaluate_every,
        logging_nan_inf_filter=False,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        log_level="error",
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
    )


def score_rows(upper: Upper, store: FeatureStore, response_ids: Sequence[str]) -> NDArray[np.float32]:
    """Rewards of responses that the store holds, in their order; the mode of `upper` stays as it was."""
    device = next(upper.parameters()).device
    rewards = np.empty(len(response_ids), dtype=np.float32)
    lengths = store.lengths(response_ids).tolist()
    training = upper.training
    upper.eval()
    with torch.inference_mode():
        for indices in token_budget_batches(lengths, SCORING_TOKENS, len(lengths) or 1):
            rows, mask = pad_rows(store, [response_ids[index] for index in indices])
            rewards[indices] = upper(rows.to(device), mask.to(device)).cpu().numpy()
    upper.train(training)
    return rewards


def pad_rows(store: FeatureStore, response_ids: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of a store as one tensor [responses, longest, width], zeros behind, and its mask [responses, longest]."""
    found = [torch.from_numpy(np.array(store.read(name))) for name in response_ids]
    rows = torch.nn.utils.rnn.pad_sequence(found, batch_first=True)
    lengths = torch.tensor([len(row) for row in found])
    return rows, (torch.arange(rows.shape[1])[None, :] < lengths[:, None]).long()

"""The typed settings of training: the loop, pairs of files or of a table, what a dry run assumes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from synpref.section import PartialShare, Positive, Responses, Seconds, Section, Seed, Share
from synpref.settings_inputs import Input
from synpref.settings_presets import Recipe, TrainValues


class Estimate(Section):
    """What a dry run assumes."""

    pairs: Positive
    response_tokens: Positive
    gpus: Annotated[list[Positive], Field(min_length=1)]
    peak_tflops: Seconds
    mfu: Annotated[Share, Field(gt=0)]
    sample_pairs: Positive


class TrainData(Section):
    """Pairs that `synpref train` takes instead of a campaign's decisions."""

    pairs: list[Input]
    table: str | None
    where: str | None
    validation: list[Input]
    validation_share: PartialShare
    max_validation: Positive
    decontaminate: list[str]

    @property
    def given(self) -> bool:
        """Whether there is anything to train on."""
        return bool(self.pairs) or self.table is not None

    @model_validator(mode="after")
    def _one_place(self) -> TrainData:
        if self.pairs and self.table is not None:
            raise ValueError("train.data: name pairs (files) or a table, not both")
        if self.validation and not self.given:
            raise ValueError("train.data: validation alone trains nothing; name pairs or a table too")
        if self.where is not None and self.table is None:
            raise ValueError("train.data.where selects rows of train.data.table, which is null")
        if any(one.use == "test" for one in self.pairs):
            raise ValueError(
                "train.data.pairs: a file with use: test is not trained on; name it in train.data.validation"
            )
        return self


# Of a campaign's models where dtype is null: none hangs on a measurement
CAMPAIGN_DTYPE: Literal["float32"] = "float32"
# How a model is trained, not which: no part of a campaign
TRAIN_RUNTIME = ("gradient_checkpointing", "checkpoint_every", "processes", "strategy", "on_cluster")
# Settings later than the first campaigns: at these values a campaign keeps the id that it had
TRAIN_ADDED = {
    "epochs": None, "tokens_per_step": 16_384, "pairs_per_step": None, "dtype": CAMPAIGN_DTYPE, "dropout": True,
}  # fmt: skip


class Train(Section):
    """Bradley-Terry training. final: what differs of it in the final models."""

    backbone: str
    steps: Positive | None
    epochs: Annotated[float, Field(gt=0)] | None
    responses_per_step: Responses
    tokens_per_step: Positive
    pairs_per_step: Positive | None
    learning_rate: Seconds
    schedule: Literal["linear", "constant"]
    warmup_share: PartialShare
    weight_decay: Annotated[float, Field(ge=0)]
    dropout: bool
    trainable_layers: Positive | None
    max_tokens: Positive
    evaluate_every: Positive
    dtype: Literal["float32", "bfloat16"] | None
    gradient_checkpointing: bool
    checkpoint_every: Positive | None
    processes: Positive
    strategy: Literal["ddp", "fsdp", "zero1"]
    on_cluster: bool
    seed: Seed | None
    final_seeds: Positive
    min_comparisons: Positive
    preset: str | None
    recipe: Recipe
    final: TrainValues
    data: TrainData
    dry_run: bool
    estimate: Estimate

    @model_validator(mode="after")
    def _one_length(self) -> Train:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("train: set either steps or epochs, and the other to null")
        if self.final.steps is not None and self.final.epochs is not None:
            raise ValueError("train.final: set steps or epochs, not both")
        if self.on_cluster and (self.final.dtype or self.dtype) is None and self.data.given:
            raise ValueError(
                "train.dtype: name it (float32 or bfloat16), the workers of train.on_cluster are not measured from here"
            )
        return self

    def of_final_models(self) -> Train:
        """The same with the values of `final` in their places: how `synpref train` trains."""
        given = {name: value for name, value in self.final if value is not None}
        length = {"steps": None, "epochs": None} if {"steps", "epochs"} & set(given) else {}
        recipe = "final" if self.recipe == "both" else self.recipe
        return self.model_copy(update={**length, **given, "final": TrainValues(), "recipe": recipe})

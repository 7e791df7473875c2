"""Presets of backbones (conf/models): the architecture, and the values of `train` for both of the paper's recipes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from synpref.section import PartialShare, Positive, Responses, Seconds, Section

Recipe = Literal["development", "final", "both"]


class TrainValues(Section):
    """Values of settings in `train`; what is not set stays as it is."""

    steps: Positive | None = None
    epochs: Seconds | None = None
    pairs_per_step: Positive | None = None
    responses_per_step: Responses | None = None
    tokens_per_step: Positive | None = None
    learning_rate: Seconds | None = None
    schedule: Literal["linear", "constant"] | None = None
    warmup_share: PartialShare | None = None
    weight_decay: Annotated[float, Field(ge=0)] | None = None
    trainable_layers: Positive | None = None
    max_tokens: Positive | None = None
    dtype: Literal["float32", "bfloat16"] | None = None
    gradient_checkpointing: bool | None = None
    evaluate_every: Positive | None = None
    checkpoint_every: Positive | None = None


class Recipes(Section):
    """The two ways of paper.md §4: development runs of Stage 1, and the final run. Both name the same settings."""

    development: TrainValues
    final: TrainValues


class Preset(Section):
    """One backbone. name: of the public model. released_as: the paper's reward model from it; null: none.

    backbone: folder where it is looked for. architecture: keys of its config.json. pairs: that a dry run assumes where
    it was trained on another number than train.estimate says.
    """

    name: str
    released_as: str | None
    backbone: str
    pairs: Positive | None = None
    architecture: dict[str, Any]
    train: TrainValues
    recipes: Recipes

    def values(self, recipe: Recipe) -> dict[str, Any]:
        """Settings of `train`, backbone among them; of steps and epochs the one that is not given is null.

        Of both recipes those of development, with the final one under `final`.
        With the number of pairs, where it has one, that train.estimate assumes.
        """
        chosen = self.recipes.final if recipe == "final" else self.recipes.development
        given = {**self.train.model_dump(exclude_unset=True), **chosen.model_dump(exclude_unset=True)}
        length = {"steps": None, "epochs": None} if {"steps", "epochs"} & set(given) else {}
        assumed = {"estimate": {"pairs": self.pairs}} if self.pairs else {}
        final = {"final": self.recipes.final.model_dump(exclude_unset=True)} if recipe == "both" else {}
        return {"backbone": self.backbone, **length, **given, **assumed, **final}

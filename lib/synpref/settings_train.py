"""The typed settings of training from files or a table, without the rest of the pipeline."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from synpref.section import Positive, Seconds, Section, Share


class Input(Section):
    """One file, folder or pattern of preference pairs."""

    path: str
    source: str
    shape: str = "auto"
    format: Literal["auto", "parquet", "jsonl"] = "auto"
    use: Literal["pool", "test"] = "pool"
    label_origin: str | None = None


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
    validation_share: Annotated[float, Field(ge=0, lt=1)]
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

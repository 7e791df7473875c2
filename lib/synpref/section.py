"""What the typed settings are made of: the base of every section, and the kinds of numbers and words in them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from synpref.masking import holds_secret

Share = Annotated[float, Field(ge=0, le=1)]
PartialShare = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(gt=0)]
# What every generator of random numbers takes, also with the number of a sample or of a final model added to it.
Seed = Annotated[int, Field(ge=0, lt=2**62)]
Responses = Annotated[int, Field(ge=2)]  # a comparison has two


def _no_secret(url: str) -> str:
    if holds_secret(url):
        raise ValueError("the address holds a password or key; name the variable of the environment that holds it")
    return url


Url = Annotated[str, AfterValidator(_no_secret)]
# As CUDA_VISIBLE_DEVICES takes it; unquoted, YAML reads a number.
GpuAddress = Annotated[
    str,
    BeforeValidator(lambda given: str(given) if type(given) is int else given),
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9/_-]*$"),
]
# Unquoted, YAML reads the word off as a truth value.
AutoOrOff = Annotated[Literal["auto", "off"], BeforeValidator(lambda given: "off" if given is False else given)]
NumberFormat = Literal["float32", "bfloat16", "float16"]


class Section(BaseModel):
    """A part of the settings; unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

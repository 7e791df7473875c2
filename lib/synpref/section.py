"""What the typed settings are made of: the base of every section, and the kinds of numbers and words in them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(gt=0)]
# Unquoted, YAML reads the word off as a truth value.
AutoOrOff = Annotated[Literal["auto", "off"], BeforeValidator(lambda given: "off" if given is False else given)]
NumberFormat = Literal["float32", "bfloat16", "float16"]


class Section(BaseModel):
    """A part of the settings; unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

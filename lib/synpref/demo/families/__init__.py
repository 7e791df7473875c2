"""Task families of the generated pool, one file each."""

from __future__ import annotations

from collections.abc import Callable

from synpref.demo.draw import Draw
from synpref.demo.families import arithmetic, conversation, facts, instructions, reasoning, rewriting, safety
from synpref.demo.task import Task

FAMILIES: tuple[Callable[[Draw], Task], ...] = (
    instructions.make, facts.make, arithmetic.make, rewriting.make, safety.make, conversation.make, reasoning.make,
)  # fmt: skip

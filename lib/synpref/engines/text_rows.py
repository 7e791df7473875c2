"""Texts to the token rows that an embedder reads: the prompt stays whole, a long text loses its beginning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synpref.engines.chat_template import control_tokens
from synpref.engines.distinct import distinct
from synpref.engines.hostile import neutralise_tokens
from synpref.engines.tokenise import Encoded, Overlong
from synpref.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class TextRows:
    """Distinct texts as tokens; index: of each asked text among them."""

    encoded: list[Encoded]
    index: list[int]

    @property
    def runs(self) -> list[int]:
        """Places of the rows that are run: those refused as too long are not."""
        return [place for place, item in enumerate(self.encoded) if not item.refused]


@dataclass(frozen=True)
class TextTokeniser:
    """Tokenises `prompt` + text. alone: the tokens of the prompt without a text, special tokens included."""

    tokenizer: PreTrainedTokenizerBase
    prompt: str
    max_tokens: int
    overlong: Overlong
    alone: list[int]
    hidden: tuple[str, ...]

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase, prompt: str, max_tokens: int, overlong: Overlong) -> TextTokeniser:
        """Raises InputError where the tokenizer is not a fast one, or the prompt leaves no room for text."""
        if not getattr(tokenizer, "is_fast", False):
            raise InputError(f"{tokenizer.name_or_path}: the embedder has no tokenizer.json; convert it to a fast one")
        alone = list(tokenizer(prompt)["input_ids"])
        if len(alone) >= max_tokens:
            raise InputError(f"the prompt has {len(alone)} tokens, max_tokens {max_tokens} leaves no room for text")
        return cls(tokenizer, prompt, max_tokens, overlong, alone, control_tokens(tokenizer))

    @property
    def prompt_tokens(self) -> int:
        """Tokens that the prompt begins every row with, special tokens before it included; 0 without a prompt."""
        if not self.prompt:
            return 0
        return len(self.alone) - (self.alone[-1] in self.tokenizer.all_special_ids)

    def rows(self, texts: Sequence[str]) -> TextRows:
        """Tokenise each distinct text once, on its own; control tokens in it stay text."""
        unique, index = distinct(texts)
        if not unique:
            return TextRows([], [])
        given = self.tokenizer(
            [self.prompt + neutralise_tokens(text, self.hidden) for text in unique],
            padding=False,
            truncation=False,
            return_attention_mask=False,
            verbose=False,  # the warning about a text above the model's maximum is ours to act on
        )
        ids = given["input_ids"]
        types = given.get("token_type_ids") or [None] * len(ids)
        return TextRows([self._fitted(*row) for row in zip(ids, types, strict=True)], index)

    def _fitted(self, ids: list[int], types: list[int] | None) -> Encoded:
        if len(ids) <= self.max_tokens:
            return Encoded(ids, types, truncated=False)
        if self.overlong == "refuse":
            return Encoded(ids, types, truncated=False, refused=True)
        # What the row shares with the prompt alone stays; so do special tokens at its end.
        head = next(place for place, token in enumerate([*self.alone, -1]) if token != ids[place])
        rest = len(ids) - (self.max_tokens - head)
        kept = None if types is None else types[:head] + types[rest:]
        return Encoded(ids[:head] + ids[rest:], kept, truncated=True)

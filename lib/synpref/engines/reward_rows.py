"""Conversations to distinct token rows and their logits back to rewards: what all backends of the scorer share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from synpref.engines.distinct import distinct
from synpref.engines.failure import Failure
from synpref.engines.tokenise import Conversation, Encoded, Overlong, encode_conversations
from synpref.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Turns: TypeAlias = tuple[tuple[str, str], ...]


class Reward(NamedTuple):
    """reward: the logit, NaN where refused as too long; tokens: scored (or counted, where refused)."""

    reward: float
    tokens: int
    truncated: bool


@dataclass(frozen=True)
class RewardRows:
    """Distinct conversations as tokens. prompts: the turns of each; index: of each asked conversation among them."""

    prompts: list[Turns]
    encoded: list[Encoded]
    index: list[int]

    @classmethod
    def of(
        cls,
        tokenizer: PreTrainedTokenizerBase,
        conversations: Sequence[Conversation],
        max_tokens: int,
        overlong: Overlong,
    ) -> RewardRows:
        """Tokenise each distinct conversation once; raises as encode_conversations does."""
        unique, index = distinct([_key(conversation) for conversation in conversations])
        whole = [_conversation(key) for key in unique]
        return cls([turns for turns, _ in unique], encode_conversations(tokenizer, whole, max_tokens, overlong), index)

    @property
    def runs(self) -> list[int]:
        """Places of the rows that are run: those refused as too long are not."""
        return [place for place, item in enumerate(self.encoded) if not item.refused]

    def failing(self, logits: Sequence[float | Failure]) -> list[Reward | Failure]:
        """A reward or the Failure of each asked conversation. logits: of `runs`, in their order."""
        given = dict(zip(self.runs, logits, strict=True))
        found = [self._result(place, given.get(place, float("nan"))) for place in range(len(self.encoded))]
        return [found[place] for place in self.index]

    def rewards(self, logits: Sequence[float]) -> list[Reward]:
        """As `failing`, of a backend whose rows all have a logit."""
        return [result for result in self.failing(logits) if isinstance(result, Reward)]

    def _result(self, place: int, logit: float | Failure) -> Reward | Failure:
        if isinstance(logit, Failure):
            return logit
        item = self.encoded[place]
        return Reward(logit, len(item.input_ids), item.truncated)


def check_sendable(where: str, tokenizer: PreTrainedTokenizerBase) -> None:
    """Raise InputError for a tokenizer whose rows are more than token ids: two segments, which servers take as text."""
    if not tokenizer.chat_template:
        raise InputError(
            f"{where}: without a chat template a conversation is two segments with special tokens, which this backend "
            "cannot be told exactly; set scorer.backend to transformers"
        )


def _key(conversation: Conversation) -> tuple[Turns, str]:
    return tuple((turn["role"], turn["content"]) for turn in conversation.messages), conversation.response


def _conversation(key: tuple[Turns, str]) -> Conversation:
    return Conversation([{"role": role, "content": content} for role, content in key[0]], key[1])

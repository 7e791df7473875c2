"""Easy comparisons whose better answer is known, scored by every reward model when it is loaded."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from synpref.engines.canaries import CANARIES
from synpref.engines.tokenise import Conversation, Encoded, encode_conversations
from synpref.errors import EngineError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# The better answer, then the worse one, of each.
TALKS = tuple(
    Conversation(one.item.messages, answer)
    for one in CANARIES
    for answer in (one.item.response_a, one.item.response_b)[:: 1 if one.label == "a" else -1]
)


class KnownOrder(NamedTuple):
    """right: comparisons whose better answer has the higher reward; pairs: of so many; margin: the mean of the better
    answer's reward minus the worse one's, in the model's own unit.
    """

    right: int
    pairs: int
    margin: float

    @property
    def by_chance(self) -> bool:
        """Whether a coin does as well on average: half of them right, or fewer."""
        return 2 * self.right <= self.pairs


def known_order(
    where: str,
    tokenizer: PreTrainedTokenizerBase,
    max_tokens: int,
    logits: Callable[[list[Encoded]], Sequence[float]],
) -> KnownOrder:
    """Score the easy comparisons; raises as `checked_order`. logits: the reward of each row."""
    rows = encode_conversations(tokenizer, TALKS, max_tokens, "truncate_left")
    return checked_order(where, [row.input_ids for row in rows], logits(rows))


def checked_order(where: str, rows: Sequence[list[int]], rewards: Sequence[float]) -> KnownOrder:
    """How a model ordered them. rows, rewards: the tokens and the reward of each of TALKS.

    A wrong order is no error: nobody says what a reward model must prefer, and a small or young one may err honestly.
    Raises EngineError where a reward is no number, or where all are exactly equal though the rows differ: no trained
    head reads nothing off its text.
    """
    if not all(map(math.isfinite, rewards)):
        raise EngineError(f"{where}: the rewards of short conversations are {rewards}; use another dtype or model")
    if len(set(rewards)) == 1 and len(set(map(tuple, rows))) > 1:
        raise EngineError(
            f"{where}: {len(rewards)} answers, good and bad, all have the reward {rewards[0]:g}: its reward head was "
            "not trained, or its weights are lost, so this model cannot score"
        )
    margins = [better - worse for better, worse in zip(rewards[::2], rewards[1::2], strict=True)]
    return KnownOrder(sum(margin > 0 for margin in margins), len(margins), math.fsum(margins) / len(margins))

"""Two short conversations that every backend of the scorer must answer sanely before it answers others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from synpref.engines.classifier import Classifier
from synpref.engines.shared_prefix import common_prefix
from synpref.engines.shared_prompt import Shared, prompt_batches
from synpref.engines.tokenise import Conversation, encode_conversations
from synpref.errors import EngineError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_QUESTION = ({"role": "user", "content": "Name a planet."},)
# Of different lengths, so that the shorter is padded beside the longer.
CANARIES = (
    Conversation(_QUESTION, "Mars."),
    Conversation(_QUESTION, "One of them is Neptune, the planet farthest from the sun."),
)


def check_canaries(where: str, rewards: list[float], again: list[float], tolerance: float) -> None:
    """Raise EngineError where a canary's reward is no number, or two computations of it differ beyond the tolerance.

    An order of the two is not asked for: nobody says what a reward model must prefer.
    """
    if not all(map(math.isfinite, [*rewards, *again])):
        raise EngineError(f"{where}: the reward of a short conversation is {rewards}; use another dtype or model")
    if not alike(rewards, again, tolerance):
        raise EngineError(
            f"{where}: the rewards of two conversations are {rewards} alone and {again} together, more than "
            f"{tolerance:g} apart: they depend on their batch, so this model cannot score"
        )


def alike(rewards: list[float], others: list[float], tolerance: float) -> bool:
    """Whether |a - b| <= tolerance x max(1, |a|) for each."""
    return all(abs(a - b) <= tolerance * max(1.0, abs(a)) for a, b in zip(rewards, others, strict=True))


def check_classifier(
    where: str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, max_tokens: int, tolerance: float
) -> bool:
    """Run the canaries through a loaded classifier, alone and together; raises as check_canaries.

    Returns whether the model may share a prompt's pass: its cache allows it, and the canaries' rewards stay the same.
    """
    rows = encode_conversations(tokenizer, CANARIES, max_tokens, "truncate_left")
    classifier = Classifier(model, tokenizer.pad_token_id, sum(2 * len(row.input_ids) for row in rows))
    alone = [classifier.logits([row])[0] for row in rows]
    check_canaries(where, alone, classifier.logits(rows), tolerance)
    prompt = Shared((0, 1), common_prefix([row.input_ids for row in rows]))
    if not prompt.tokens or not classifier.can_share(rows[0]):
        return False
    shared = [float("nan")] * len(rows)
    for plan in prompt_batches([prompt], [len(row.input_ids) for row in rows], classifier.token_budget):
        classifier.continue_prompts(plan, rows, shared)
    return alike(alone, shared, tolerance)

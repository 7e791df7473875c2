"""Short conversations that every backend of the scorer must answer sanely before it answers others."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any

from synpref.engines.classifier import Classifier
from synpref.engines.shared_prefix import common_prefix
from synpref.engines.shared_prompt import Shared, prompt_batches
from synpref.engines.tokenise import Conversation, encode_conversations
from synpref.errors import EngineError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_LOG = logging.getLogger(__name__)
_LONG = 512  # tokens of a canary that is long
_QUESTION = ({"role": "user", "content": "Name a planet."},)
# Of different lengths, so that the shorter is padded beside the longer.
CANARIES = (
    Conversation(_QUESTION, "Mars."),
    Conversation(_QUESTION, "One of them is Neptune, the planet farthest from the sun."),
)
_DIALOGUE = (
    {"role": "user", "content": "I have three apples and eat one. How many are left, and how did you find out?"},
    {"role": "assistant", "content": "Two: three minus one."},
    {"role": "user", "content": "And if I buy two?"},
)
# Prompts of different lengths, which share one pass, and answers that are continued beside longer ones.
_SHARED = (
    (_QUESTION, tuple(one.response for one in CANARIES)),
    (_DIALOGUE, ("Four.", "Then there are four: the two that were left, and the two that you bought.", "5")),
    (({"role": "user", "content": "Say yes."},), ("Yes.", "No, I would rather say something else.")),
)


def check_canaries(where: str, rewards: list[float], again: list[float], tolerance: float) -> None:
    """Raise EngineError where a canary's reward is no number, or two computations of it differ beyond the tolerance.

    An order of the two is not asked for; that of known_order is.
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

    Returns whether the model may share a prompt's pass: its cache allows it, and the rewards of several answers to
    several prompts, whose passes are shared side by side, are those of whole rows.
    """
    rows = encode_conversations(tokenizer, CANARIES, max_tokens, "truncate_left")
    classifier = Classifier(model, tokenizer.pad_token_id, sum(2 * len(row.input_ids) for row in rows))
    alone = [classifier.logits([row])[0] for row in rows]
    check_canaries(where, alone, classifier.logits(rows), tolerance)
    return classifier.can_share(rows[0]) and _shares_alike(model, tokenizer, max_tokens, tolerance)


def packs_alike(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, max_tokens: int, tolerance: float) -> bool:
    """Whether a model that `packing.use_packing` prepared gives packed rows the rewards of padded ones.

    A kernel that this device cannot run is a warning; memory and files that lack are raised.
    """
    import torch

    talks = [Conversation(messages, response) for messages, responses in _SHARED for response in responses]
    rows = encode_conversations(tokenizer, talks, max_tokens, "truncate_left")
    budget = len(rows) * max(len(row.input_ids) for row in rows)  # all in one batch
    padded, packed = (Classifier(model, tokenizer.pad_token_id, budget, packs=packs) for packs in (False, True))
    plain = padded.logits(rows)
    try:
        return alike(plain, packed.logits(rows), tolerance)
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, TypeError, ValueError) as error:
        told = "attention over rows without padding fails on this device (%s: %s); batches are padded instead"
        _LOG.warning(told, type(error).__name__, str(error))
        return False


def read_first_token_alone(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, max_tokens: int, tolerance: float
) -> None:
    """Let an encoder compute its last layer for the first token alone, where rewards stay what they are."""
    from synpref.engines.first_token import first_token_alone, reads_first_token  # torch, which servers need not load

    if not reads_first_token(model):
        return
    longest = Conversation(_QUESTION, " ".join([CANARIES[1].response] * max_tokens))
    rows = encode_conversations(tokenizer, [*CANARIES, longest], min(max_tokens, _LONG), "truncate_left")
    classifier = Classifier(model, tokenizer.pad_token_id, len(rows) * max(len(row.input_ids) for row in rows))
    encoder: Any = model.base_model.encoder
    whole, layers = classifier.logits(rows), encoder.layer
    encoder.layer = first_token_alone(layers)
    if not alike(whole, classifier.logits(rows), tolerance):
        encoder.layer = layers


def _shares_alike(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, max_tokens: int, tolerance: float
) -> bool:
    """Whether rewards by shared passes are those of whole rows; False where all canaries are longer than max_tokens."""
    talks = [Conversation(messages, response) for messages, responses in _SHARED for response in responses]
    rows = encode_conversations(tokenizer, talks, max_tokens, "truncate_left")
    # A row that lost its beginning no longer begins as its neighbours do.
    places = [[place for place, talk in enumerate(talks) if talk.messages is messages] for messages, _ in _SHARED]
    whole = [mine for mine in places if not any(rows[place].truncated for place in mine)]
    begun = [Shared(tuple(mine), common_prefix([rows[place].input_ids for place in mine])) for mine in whole]
    prompts = [one for one in begun if one.tokens]
    lengths = [len(row.input_ids) for row in rows]
    classifier = Classifier(model, tokenizer.pad_token_id, 2 * len(rows) * max(lengths))  # all in one batch
    plain, shared = classifier.logits(rows), [float("nan")] * len(rows)
    for plan in prompt_batches(prompts, lengths, classifier.token_budget):
        classifier.continue_prompts(plan, rows, shared)
    checked = [place for one in prompts for place in one.rows]
    return bool(checked) and alike([plain[place] for place in checked], [shared[place] for place in checked], tolerance)

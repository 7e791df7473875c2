"""Rewards of (conversation, response), through a sequence classifier with one logit (paper.md §4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from synpref.engines.batching import token_budget_batches
from synpref.engines.device import default_device
from synpref.engines.distinct import distinct
from synpref.engines.model_folder import check_max_tokens, check_model_folder, loading, read_config
from synpref.engines.padding import pad_batch
from synpref.engines.tokenise import Conversation, Encoded, Overlong, encode_conversations
from synpref.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# How far a reward may move with the batch it is computed in: |a - b| <= tolerance x max(1, |a|). Sums of padded rows
# round differently; half precision keeps 8 (bfloat16) or 11 (float16) bits.
BATCH_TOLERANCE = {"float32": 1e-4, "bfloat16": 0.1, "float16": 0.02}
_PROBE = Conversation(({"role": "user", "content": "a"},), "b")


class Reward(NamedTuple):
    """reward: the logit, NaN where refused as too long; tokens: scored (or counted, where refused)."""

    reward: float
    tokens: int
    truncated: bool


@dataclass(frozen=True)
class RewardScorer:
    """A loaded reward model."""

    model: Any
    tokenizer: PreTrainedTokenizerBase
    max_tokens: int
    overlong: Overlong
    token_budget: int

    @classmethod
    def load(
        cls,
        model_path: str,
        *,
        dtype: str,
        max_tokens: int,
        overlong: Overlong,
        token_budget: int,
        device: str | None = None,
    ) -> RewardScorer:
        """Load a folder that `save_pretrained` of a sequence classifier with one label wrote.

        Raises InputError where it is unreadable, not safetensors or needs code of its own; has no reward head, an
        untrained one or more than one label; or where padding would be mistaken for text or text for padding.
        """
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        folder = check_model_folder(model_path)
        _check_head(folder)
        with loading(folder):
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            model, report = AutoModelForSequenceClassification.from_pretrained(
                folder,
                dtype=getattr(torch, dtype),
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
        lacking = sorted(report["missing_keys"])
        if lacking:
            raise InputError(f"{folder}: the weights lack {', '.join(lacking[:3])}: the reward head was never trained")
        check_max_tokens(folder, model.config, max_tokens)
        check_padding(str(folder), model.config.pad_token_id, tokenizer)
        model = model.to(device or default_device()).eval()
        return cls(model, tokenizer, max_tokens, overlong, token_budget)

    def score(self, conversations: Sequence[Conversation]) -> list[Reward]:
        """Score each conversation; equal ones are computed once.

        A reward does not depend on what else is in the list beyond BATCH_TOLERANCE. Under the policy `refuse` a too
        long conversation is not run: its reward is NaN.
        """
        unique, index = distinct([_key(conversation) for conversation in conversations])
        whole = [_conversation(key) for key in unique]
        encoded = encode_conversations(self.tokenizer, whole, self.max_tokens, self.overlong)
        runs = [place for place, item in enumerate(encoded) if not item.refused]
        lengths = [len(encoded[place].input_ids) for place in runs]
        logits = [float("nan")] * len(encoded)
        for batch in token_budget_batches(lengths, self.token_budget, window=max(len(lengths), 1)):
            places = [runs[position] for position in batch]
            for place, logit in zip(places, self._logits([encoded[place] for place in places]), strict=True):
                logits[place] = logit
        rewards = [
            Reward(logit, len(item.input_ids), item.truncated) for logit, item in zip(logits, encoded, strict=True)
        ]
        return [rewards[place] for place in index]

    def _logits(self, batch: list[Encoded]) -> list[float]:
        import torch

        inputs = pad_batch(batch, self.tokenizer.pad_token_id)
        with torch.inference_mode():
            out = self.model(**{name: value.to(self.model.device) for name, value in inputs.items()})
        return [float(value) for value in out.logits.float().squeeze(-1).tolist()]


def _key(conversation: Conversation) -> tuple[tuple[tuple[str, str], ...], str]:
    return tuple((turn["role"], turn["content"]) for turn in conversation.messages), conversation.response


def _conversation(key: tuple[tuple[tuple[str, str], ...], str]) -> Conversation:
    return Conversation([{"role": role, "content": content} for role, content in key[0]], key[1])


def check_padding(where: str, pad_token_id: int | None, tokenizer: PreTrainedTokenizerBase) -> None:
    """Raise InputError where a padded batch could be misread.

    pad_token_id is that of the model's configuration: a decoder takes its reward at the last token that is not it, so
    it must be the tokenizer's, and no conversation may end in it.
    """
    if tokenizer.pad_token_id is None or pad_token_id is None:
        place = "tokenizer" if tokenizer.pad_token_id is None else "config.json"
        raise InputError(f"{where}: the {place} names no pad token; set one and save the model again")
    if tokenizer.pad_token_id != pad_token_id:
        both = f"{tokenizer.pad_token_id} in the tokenizer, {pad_token_id} in config.json"
        raise InputError(f"{where}: two pad tokens: {both}; set both to the one it was trained with")
    probe = encode_conversations(tokenizer, [_PROBE], 64, "truncate_left")[0]
    if probe.input_ids[-1] == pad_token_id:
        raise InputError(f"{where}: conversations end in the pad token {tokenizer.pad_token!r}; set another pad token")


def _check_head(folder: Path) -> None:
    """Refuse before the weights are read what the configuration already tells."""
    config = read_config(folder)
    architectures = config.get("architectures") or []
    if not any(str(name).endswith("ForSequenceClassification") for name in architectures):
        found = ", ".join(map(str, architectures)) or "no architecture"
        raise InputError(f"{folder}: no reward head ({found}); train one, or name a sequence classifier with one label")
    labels = config.get("num_labels", len(config.get("id2label", {0: "", 1: ""})))
    if labels != 1:
        raise InputError(f"{folder}: a classifier of {labels} labels is no reward model; it needs one")

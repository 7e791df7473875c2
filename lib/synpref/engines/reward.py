"""Rewards of (conversation, response), through a sequence classifier with one logit (paper.md §4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from synpref.engines.classifier import Classifier
from synpref.engines.device import default_device
from synpref.engines.known_order import KnownOrder, known_order
from synpref.engines.load_checks import check_vocabulary, check_whole
from synpref.engines.model_folder import check_max_tokens, check_model_folder, loading, read_config
from synpref.engines.packing import can_pack, use_packing
from synpref.engines.passed import Passed
from synpref.engines.reward_canary import check_classifier, packs_alike, read_first_token_alone
from synpref.engines.reward_rows import Reward, RewardRows
from synpref.engines.shared_prompt import MEASURED_ON
from synpref.engines.token_budget import measured_token_budget
from synpref.engines.tokenise import Conversation, Encoded, Overlong, encode_conversations
from synpref.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

# How far a reward may move with the batch it is computed in: |a - b| <= tolerance x max(1, |a|). Sums of padded rows
# round differently; half precision keeps 8 (bfloat16) or 11 (float16) bits.
BATCH_TOLERANCE = {"float32": 1e-4, "bfloat16": 0.1, "float16": 0.02}
SharedPrompt: TypeAlias = Literal["auto", "off"]
_PROBE = Conversation(({"role": "user", "content": "a"},), "b")


@dataclass(frozen=True)
class RewardScorer:
    """A loaded reward model.

    shares_prompt: responses to one prompt may be scored with the prompt computed once. packs: rows lie end to end in a
    batch, without padding (packing.can_pack). order: how it ordered comparisons with a known better answer at `load`.
    """

    model: Any
    tokenizer: PreTrainedTokenizerBase
    max_tokens: int
    overlong: Overlong
    token_budget: int
    shares_prompt: bool = False
    packs: bool = False
    passed: Passed = field(default_factory=Passed, compare=False)
    tokenising: Lock = field(default_factory=Lock, compare=False, repr=False)  # a tokenizer serves one thread at a time
    order: KnownOrder | None = field(default=None, compare=False)

    @classmethod
    def load(
        cls,
        model_path: str,
        *,
        dtype: str,
        max_tokens: int,
        overlong: Overlong,
        token_budget: int | None,
        device: str | None = None,
        shared_prompt: SharedPrompt = "auto",
    ) -> RewardScorer:
        """Load a folder that `save_pretrained` of a sequence classifier with one label wrote.

        Raises InputError where it is unreadable, not safetensors or needs code of its own; has no reward head, an
        untrained one or more than one label; whose tokenizer has ids without an embedding; or where padding would be
        mistaken for text or text for padding. EngineError where the rewards of short conversations are no numbers, all
        the same, or depend on their batch. token_budget: of a batch; None: by a measurement of a second or two.
        shared_prompt: `auto` shares a prompt's pass where the model allows it and it pays, on processors (see
        engines.shared_prompt).
        """
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        folder = check_model_folder(model_path)
        check_head(folder)
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
        check_whole(str(folder), report["missing_keys"], "the reward head was never trained")
        check_max_tokens(folder, model.config, max_tokens)
        check_vocabulary(str(folder), model.get_input_embeddings().weight.shape[0], tokenizer)
        model.config.pad_token_id = pad_token(str(folder), model.config.pad_token_id, tokenizer)
        model.config.use_cache = False  # whole rows are read once: keys and values of all layers would only take memory
        model = model.to(device or default_device()).eval()
        tolerance, packs = BATCH_TOLERANCE[dtype], can_pack(model)
        if packs:
            use_packing(model)
        read_first_token_alone(model, tokenizer, max_tokens, tolerance)
        can_share = check_classifier(str(folder), model, tokenizer, max_tokens, tolerance)
        shares = can_share and shared_prompt == "auto" and model.device.type in MEASURED_ON
        packs = packs and packs_alike(model, tokenizer, max_tokens, tolerance)
        token_budget = token_budget or _measured_budget(model, tokenizer, max_tokens, packs)
        classifier = Classifier(model, tokenizer.pad_token_id, token_budget, packs=packs)
        order = known_order(str(folder), tokenizer, max_tokens, classifier.logits)
        return replace(cls(model, tokenizer, max_tokens, overlong, token_budget, shares, packs), order=order)

    def score(self, conversations: Sequence[Conversation]) -> list[Reward]:
        """Score each conversation; equal ones are computed once, and so is the prompt of several where that pays.

        A reward does not depend on what else is in the list beyond BATCH_TOLERANCE. Under the policy `refuse` a too
        long conversation is not run: its reward is NaN.
        """
        return self.score_rows(self.prepare(conversations))

    def prepare(self, conversations: Sequence[Conversation]) -> RewardRows:
        """The part of `score` that needs no model: tokens."""
        with self.tokenising:
            return RewardRows.of(self.tokenizer, conversations, self.max_tokens, self.overlong)

    def score_rows(self, rows: RewardRows) -> list[Reward]:
        """The rest of `score`."""
        classifier = Classifier(self.model, self.tokenizer.pad_token_id, self.token_budget, self.passed, self.packs)
        runs = [rows.encoded[place] for place in rows.runs]
        # A row that lost its beginning no longer begins as its neighbours do.
        prompts = [None if rows.encoded[place].truncated else rows.prompts[place] for place in rows.runs]
        logits = classifier.logits(runs, prompts if self.shares_prompt else None)
        self.passed.add(0, sum(row.truncated for row in runs))
        return rows.rewards(logits)


def pad_token(where: str, configured: int | None, tokenizer: PreTrainedTokenizerBase) -> int:
    """The id that rows are padded with. Raises InputError where a padded batch could be misread.

    configured: that of the model's configuration. A decoder takes its reward at the last token that is not it, so it
    must be the tokenizer's, and no conversation may end in it. Where config.json names none the tokenizer's counts: a
    model without one reads the last token of a row, which is then the last before the padding.
    """
    pad: int | None = tokenizer.pad_token_id
    if pad is None:
        raise InputError(f"{where}: the tokenizer names no pad token; set one and save the model again")
    if configured not in (None, pad):
        both = f"{pad} in the tokenizer, {configured} in config.json"
        raise InputError(f"{where}: two pad tokens: {both}; set both to the one it was trained with")
    probe = encode_conversations(tokenizer, [_PROBE], 64, "truncate_left")[0]
    if probe.input_ids[-1] == pad:
        raise InputError(f"{where}: conversations end in the pad token {tokenizer.pad_token!r}; set another pad token")
    return pad


def _measured_budget(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, max_tokens: int, packs: bool) -> int:
    probe = encode_conversations(tokenizer, [_PROBE], 64, "truncate_left")[0].input_ids

    def run(budget: int, tokens: int) -> None:
        rows = [Encoded((probe * tokens)[-tokens:], None, truncated=False)] * max(1, budget // tokens)
        Classifier(model, int(tokenizer.pad_token_id or 0), len(rows) * tokens, packs=packs).logits(rows)

    shape = (type(model), model.num_parameters(), str(model.dtype), packs)
    return measured_token_budget(run, max_tokens, str(model.device), shape)


def check_head(folder: Path) -> None:
    """Raise InputError, before the weights are read, for a configuration without a reward head of one label."""
    config = read_config(folder)
    architectures = config.get("architectures") or []
    if not any(str(name).endswith("ForSequenceClassification") for name in architectures):
        found = ", ".join(map(str, architectures)) or "no architecture"
        raise InputError(f"{folder}: no reward head ({found}); train one, or name a sequence classifier with one label")
    labels = config.get("num_labels", len(config.get("id2label", {0: "", 1: ""})))
    if labels != 1:
        raise InputError(f"{folder}: a classifier of {labels} labels is no reward model; it needs one")

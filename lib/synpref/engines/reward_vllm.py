"""Rewards through vLLM in this process: for backbones of billions of parameters on a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

from synpref.engines.known_order import KnownOrder, known_order
from synpref.engines.load_checks import check_told_vocabulary
from synpref.engines.model_folder import check_max_tokens, check_model_folder, loading
from synpref.engines.passed import Passed
from synpref.engines.reward import BATCH_TOLERANCE, check_head
from synpref.engines.reward_canary import CANARIES, check_canaries
from synpref.engines.reward_rows import Reward, RewardRows, check_sendable
from synpref.engines.tokenise import Conversation, Overlong
from synpref.engines.vllm_library import imported

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class VllmScorer:
    """A loaded reward model. What responses share of a prompt, vLLM's prefix cache computes once by itself.

    order: how it ordered comparisons with a known better answer at `load`.
    """

    engine: Any
    raw: Any
    tokenizer: PreTrainedTokenizerBase
    max_tokens: int
    overlong: Overlong
    passed: Passed = field(default_factory=Passed, compare=False)
    tokenising: Lock = field(default_factory=Lock, compare=False, repr=False)  # a tokenizer serves one thread at a time
    order: KnownOrder | None = field(default=None, compare=False)

    @classmethod
    def load(cls, model_path: str, *, dtype: str, max_tokens: int, overlong: Overlong, gpu_memory: float) -> VllmScorer:
        """Load a folder as RewardScorer.load takes it, with a chat template, into the share `gpu_memory` of the GPU.

        Raises InputError where vLLM is not installed, or as RewardScorer.load does before it reads weights; EngineError
        where the rewards of short conversations are no numbers, all the same, or depend on their batch.
        """
        vllm = imported("vllm")
        from transformers import AutoConfig, AutoTokenizer

        folder = check_model_folder(model_path)
        check_head(folder)
        with loading(folder):
            config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        check_max_tokens(folder, config, max_tokens)
        check_told_vocabulary(folder, tokenizer)
        check_sendable(str(folder), tokenizer)
        with loading(folder):
            engine = vllm.LLM(
                model=str(folder), runner="pooling", dtype=dtype, max_model_len=max_tokens, load_format="safetensors",
                gpu_memory_utilization=gpu_memory, trust_remote_code=False, enable_prefix_caching=True,
                disable_log_stats=True,
            )  # fmt: skip
        # By default a classifier's output of one label passes a sigmoid.
        scorer = cls(engine, vllm.PoolingParams(use_activation=False), tokenizer, max_tokens, overlong)
        scorer._check(str(folder), BATCH_TOLERANCE[dtype])
        order = known_order(
            str(folder), tokenizer, max_tokens, lambda rows: scorer._logits([row.input_ids for row in rows])
        )
        return replace(scorer, order=order)

    def score(self, conversations: Sequence[Conversation]) -> list[Reward]:
        """The reward of each conversation; equal ones are computed once. As RewardScorer.score."""
        return self.score_rows(self.prepare(conversations))

    def prepare(self, conversations: Sequence[Conversation]) -> RewardRows:
        """The part of `score` that needs no model: tokens."""
        with self.tokenising:
            return RewardRows.of(self.tokenizer, conversations, self.max_tokens, self.overlong)

    def score_rows(self, rows: RewardRows) -> list[Reward]:
        """The rest of `score`."""
        runs = [rows.encoded[place] for place in rows.runs]
        logits = self._logits([row.input_ids for row in runs])
        self.passed.add(sum(len(row.input_ids) for row in runs), sum(row.truncated for row in runs))
        return rows.rewards(logits)

    def _logits(self, rows: Sequence[list[int]]) -> list[float]:
        if not rows:
            return []
        prompts = [{"prompt_token_ids": row} for row in rows]
        found = self.engine.classify(prompts, pooling_params=self.raw, use_tqdm=False)
        return [float(logit) for (logit,) in (answer.outputs.probs for answer in found)]

    def _check(self, where: str, tolerance: float) -> None:
        rows = RewardRows.of(self.tokenizer, CANARIES, self.max_tokens, "truncate_left")
        ids = [item.input_ids for item in rows.encoded]
        check_canaries(where, [self._logits([row])[0] for row in ids], self._logits(ids), tolerance)

"""Logits of token rows through a sequence classifier: row by row whole, or with a prompt's pass shared."""

from __future__ import annotations

import inspect
from collections.abc import Hashable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from synpref.engines.batching import token_budget_batches
from synpref.engines.causal import is_causal
from synpref.engines.packing import packed_batches, packed_logits
from synpref.engines.padding import pad_batch
from synpref.engines.passed import Passed
from synpref.engines.shared_prefix import plain_cache
from synpref.engines.shared_prompt import PromptBatch, worth_sharing
from synpref.engines.tokenise import Encoded

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Classifier:
    """A sequence classifier of one label. Its backbone has no language-model head, so none is computed.

    token_budget: padded tokens of a batch; real ones where it packs rows end to end (packing.use_packing prepared it).
    """

    model: Any
    pad_token_id: int
    token_budget: int
    passed: Passed = field(default_factory=Passed, compare=False)
    packs: bool = False

    def logits(self, rows: Sequence[Encoded], prompts: Sequence[Hashable | None] | None = None) -> list[float]:
        """The logit of each row.

        prompts: what tells the rows' prompts apart (shared_prompt.worth_sharing), for a model that `can_share`; None:
        every row is computed whole.
        """
        found = [float("nan")] * len(rows)
        plan = self._shared(rows, prompts)
        for prompt_batch in plan:
            self.continue_prompts(prompt_batch, rows, found)
        planned = {row for one in plan for batch in one.batches for _, row in batch}
        rest = [place for place in range(len(rows)) if place not in planned]
        lengths = [len(rows[place].input_ids) for place in rest]
        for batch in self._batches(lengths):
            places = [rest[position] for position in batch]
            self.passed.add(sum(lengths[position] for position in batch))
            if self.packs:
                self._put_packed(found, places, [rows[place] for place in places])
            else:
                self._put(found, places, self._padded([rows[place] for place in places]))
        return found

    def _shared(self, rows: Sequence[Encoded], prompts: Sequence[Hashable | None] | None) -> list[PromptBatch]:
        if prompts is None:
            return []
        return worth_sharing([row.input_ids for row in rows], prompts, self.token_budget, packed=self.packs)

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        if self.packs:
            return packed_batches(lengths, self.token_budget)
        return token_budget_batches(lengths, self.token_budget, window=max(len(lengths), 1))

    def can_share(self, row: Encoded) -> bool:
        """Whether rows such as this may be continued from a cached beginning: a causal decoder with a plain cache.

        A sliding window would count the padding between beginning and rest, a recurrent state cannot skip it, and an
        encoder's first tokens see the last ones.
        """
        config = self.model.config.get_text_config()
        takes = inspect.signature(self.model.forward).parameters.keys()
        if not is_causal(config) or not {"past_key_values", "position_ids", "use_cache"} <= takes:
            return False
        return plain_cache(self._begun([row.input_ids]).cache)

    def continue_prompts(self, plan: PromptBatch, rows: Sequence[Encoded], found: list[float]) -> None:
        """Compute the beginnings of the plan's prompts once, then its rows from there; puts their logits in found."""
        import torch

        begun = self._begun([rows[one.rows[0]].input_ids[: one.tokens] for one in plan.prompts])
        self.passed.add(sum(one.tokens for one in plan.prompts))
        for batch in plan.batches:
            rests = [rows[row].input_ids[plan.prompts[place].tokens :] for place, row in batch]
            self.passed.add(sum(map(len, rests)))
            places = torch.tensor([place for place, _ in batch], device=self.model.device)
            inputs = begun.continued(self._padded([_plain(rest) for rest in rests]), places)
            self._put(found, [row for _, row in batch], inputs)

    def _begun(self, beginnings: Sequence[list[int]]) -> _Begun:
        import torch

        inputs = self._padded([_plain(beginning) for beginning in beginnings])
        with torch.inference_mode():
            out = self.model.base_model(**inputs, use_cache=True)
        return _Begun(out.past_key_values, inputs["attention_mask"])

    def _padded(self, rows: Sequence[Encoded]) -> dict[str, Tensor]:
        return {name: value.to(self.model.device) for name, value in pad_batch(rows, self.pad_token_id).items()}

    def _put(self, found: list[float], places: Sequence[int], inputs: dict[str, Any]) -> None:
        import torch

        with torch.inference_mode():
            # Pooled at the last token of input_ids that is not the pad token, which no row ends in (reward.pad_token).
            out = self.model(**inputs).logits.float().squeeze(-1).tolist()
        for place, logit in zip(places, out, strict=True):
            found[place] = float(logit)

    def _put_packed(self, found: list[float], places: Sequence[int], rows: Sequence[Encoded]) -> None:
        import torch

        with torch.inference_mode():
            out = packed_logits(self.model, rows).tolist()
        for place, logit in zip(places, out, strict=True):
            found[place] = float(logit)


@dataclass(frozen=True)
class _Begun:
    """Keys and values of prompts' beginnings, one row a prompt; mask: 1 where a token is, of shape (prompts, width)."""

    cache: Any
    mask: Tensor

    def continued(self, rest: dict[str, Tensor], places: Tensor) -> dict[str, Any]:
        """The model's inputs for the right-padded `rest`, row i of which continues prompt places[i]."""
        import torch

        cache = copy(self.cache)
        cache.layers = [copy(layer) for layer in self.cache.layers]  # a layer replaces its tensors, never writes them
        cache.batch_select_indices(places)
        seen = self.mask[places]
        # Padding stands between beginning and rest: positions go on from the beginning's own length. Those of the
        # padding behind the rest stay at its last, within the model's positions.
        positions = seen.sum(dim=1, keepdim=True) + (rest["attention_mask"].cumsum(dim=1) - 1)
        return {
            **rest,
            "attention_mask": torch.cat([seen, rest["attention_mask"]], dim=1),
            "position_ids": positions,
            "past_key_values": cache,
            "use_cache": True,
        }


def _plain(ids: list[int]) -> Encoded:
    return Encoded(ids, None, truncated=False)

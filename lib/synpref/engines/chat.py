"""A chat model through transformers: the verdict by the probabilities of two choices, and free text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from synpref.engines.batching import token_budget_batches
from synpref.engines.chat_template import ChatTemplate
from synpref.engines.choice import Choice, Choices
from synpref.engines.device import default_device
from synpref.engines.distinct import distinct
from synpref.engines.load_checks import check_vocabulary, check_whole
from synpref.engines.model_folder import check_max_tokens, check_model_folder, loading
from synpref.engines.padding import pad_batch
from synpref.engines.passed import Passed
from synpref.engines.prompt_window import load_template, prompt_ids
from synpref.engines.rationale import INSTRUCTION, OPENING_TOKENS, instructed, opening_ids, said_with
from synpref.engines.shared_prefix import SharedPrefix, shared_prefix
from synpref.engines.tokenise import Encoded, plain_ids
from synpref.engines.transcript import Messages
from synpref.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import GenerationConfig


class Generation(NamedTuple):
    """What the model wrote; empty, of 0 tokens, where the prompt was too long."""

    text: str
    tokens_in: int
    tokens_out: int


@dataclass(frozen=True)
class PromptRows:
    """Distinct prompts as tokens; index: of each asked prompt among them."""

    encoded: list[Encoded]
    index: list[int]


@dataclass(frozen=True)
class ChatModel:
    """A loaded chat model. A prompt above max_tokens is not run: nothing of it is cut silently.

    rationale_tokens: of the sentence that is written behind a choice, at most; 0: none is.
    """

    model: Any
    template: ChatTemplate
    max_tokens: int
    token_budget: int
    rationale_tokens: int = 0
    passed: Passed = field(default_factory=Passed, compare=False)
    tokenising: Lock = field(default_factory=Lock, compare=False, repr=False)  # a tokenizer serves one thread at a time

    @classmethod
    def load(
        cls,
        model_path: str,
        *,
        dtype: str,
        max_tokens: int,
        token_budget: int,
        device: str | None = None,
        rationale_tokens: int = 0,
    ) -> ChatModel:
        """Load a folder. Raises InputError where it cannot be used, lacks weights (tied ones are not missed),
        or its tokenizer has no chat template or ids without an embedding.
        """
        import torch
        from transformers import AutoModelForCausalLM

        folder = check_model_folder(model_path)
        template = load_template(folder)
        with loading(folder):
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=getattr(torch, dtype),
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
        model, report = loaded
        check_whole(str(folder), report["missing_keys"], "it would answer by chance; save the whole model")
        check_vocabulary(str(folder), model.get_input_embeddings().weight.shape[0], template.tokenizer)
        behind = rationale_tokens and rationale_tokens + OPENING_TOKENS
        check_max_tokens(folder, model.config, max_tokens, behind)
        model = model.to(device or default_device()).eval()
        return cls(model, template, max_tokens, token_budget, rationale_tokens)

    def choose(self, prompts: Sequence[Messages], choices: Choices) -> list[Choice]:
        """Compare how likely each choice begins the answer, by one forward pass and its last position.

        `raw` is the single token that the model finds likeliest, which may be neither choice. Equal prompts are
        computed once, and so is what all begin with; probabilities then differ by the order of sums only. With a
        rationale, it is the likelier choice and the sentence that the model, greedy, writes behind it; none behind two
        choices of equal probability. It costs another pass over the prompt.
        Raises InputError where both choices begin with one token.
        """
        return self.choose_rows(self.prepare(prompts), choices)

    def prepare(self, prompts: Sequence[Messages]) -> PromptRows:
        """The part of `choose` that needs no model: tokens."""
        asked = [instructed(prompt, INSTRUCTION) for prompt in prompts] if self.rationale_tokens else prompts
        with self.tokenising:
            ids = prompt_ids(self.template, asked)
        rows, index = distinct([tuple(one) for one in ids])
        return PromptRows([self._encoded(list(one)) for one in rows], index)

    def choose_rows(self, rows: PromptRows, choices: Choices) -> list[Choice]:
        """The rest of `choose`."""
        answers = self._choices(rows.encoded, self._first_tokens(choices))
        if self.rationale_tokens:
            answers = self._with_rationales(rows.encoded, answers, choices)
        return [answers[place] for place in rows.index]

    def _with_rationales(self, encoded: Sequence[Encoded], answers: Sequence[Choice], choices: Choices) -> list[Choice]:
        openings = opening_ids(self.template, choices)
        told = list(answers)
        # neither where the prompt was too long (not a number) nor where no choice is the likelier one
        chosen = [(place, int(p < 0.5)) for place, (p, *_) in enumerate(answers) if p < 0.5 or p > 0.5]
        opened = [Encoded(encoded[place].input_ids + openings[which], None, truncated=False) for place, which in chosen]
        written = self._written(opened, self._generation(self.rationale_tokens, temperature=0.0, top_p=1.0))
        for (place, which), rationale in zip(chosen, written, strict=True):
            tokens = len(openings[which]) + rationale.tokens_out
            raw = said_with(choices[which], rationale.text)
            told[place] = answers[place]._replace(raw=raw, tokens_out=tokens)
        return told

    def _choices(self, encoded: Sequence[Encoded], first_tokens: tuple[int, int]) -> list[Choice]:
        import torch

        first, second = first_tokens
        answers = [Choice(float("nan"), "", len(item.input_ids), 0) for item in encoded]
        prefix = shared_prefix(self.model, [item.input_ids for item in encoded if not item.refused])
        self.passed.add(0 if prefix is None else prefix.tokens)
        for batch in self._batches(encoded, extra=0):
            inputs = self._continuing(prefix, [encoded[place] for place in batch])
            before = 0 if prefix is None else prefix.tokens
            self.passed.add(sum(len(encoded[place].input_ids) - before for place in batch))
            with torch.inference_mode():
                logits = self.model(**inputs, logits_to_keep=1).logits[:, -1, :].float()
            p_first = torch.sigmoid(logits[:, first] - logits[:, second]).tolist()
            said = logits.argmax(dim=-1).tolist()
            for place, probability, token in zip(batch, p_first, said, strict=True):
                raw = str(self.template.tokenizer.decode([token]))
                answers[place] = Choice(float(probability), raw, len(encoded[place].input_ids), 1)
        return answers

    def generate(
        self, prompts: Sequence[Messages], *, max_new_tokens: int, temperature: float, top_p: float, seed: int
    ) -> list[Generation]:
        """Write an answer to each prompt: greedy at temperature 0, else sampled.

        Equal calls give equal texts; a sampled text also depends on the batch, and so on the whole list.
        """
        import torch

        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return self._written(self._encode(prompts), self._generation(max_new_tokens, temperature, top_p))

    def _written(self, encoded: Sequence[Encoded], settings: GenerationConfig) -> list[Generation]:
        import torch

        answers = [Generation("", len(item.input_ids), 0) for item in encoded]
        with torch.inference_mode():
            for batch in self._batches(encoded, extra=settings.max_new_tokens or 0):
                inputs = self._padded([encoded[place] for place in batch])
                inputs.pop("position_ids")  # generate counts them itself, growing
                written = self.model.generate(**inputs, generation_config=settings)[:, inputs["input_ids"].shape[1] :]
                for place, ids in zip(batch, written.tolist(), strict=True):
                    answers[place] = self._generation_of(ids, settings.eos_token_id, answers[place].tokens_in)
                    self.passed.add(answers[place].tokens_in + answers[place].tokens_out)
        return answers

    def _encode(self, prompts: Sequence[Messages]) -> list[Encoded]:
        with self.tokenising:
            return [self._encoded(ids) for ids in prompt_ids(self.template, prompts)]

    def _encoded(self, ids: list[int]) -> Encoded:
        return Encoded(ids, None, truncated=False, refused=len(ids) > self.max_tokens)

    def _batches(self, encoded: Sequence[Encoded], *, extra: int) -> Iterator[list[int]]:
        runs = [place for place, item in enumerate(encoded) if not item.refused]
        lengths = [len(encoded[place].input_ids) + extra for place in runs]
        for batch in token_budget_batches(lengths, self.token_budget, window=max(len(lengths), 1)):
            yield [runs[position] for position in batch]

    def _padded(self, batch: Sequence[Encoded]) -> dict[str, Tensor]:
        inputs = pad_batch(batch, self._pad_token_id, side="left")
        return {name: value.to(self.model.device) for name, value in inputs.items()}

    def _continuing(self, prefix: SharedPrefix | None, batch: Sequence[Encoded]) -> dict[str, Any]:
        if prefix is None:
            return {**self._padded(batch), "use_cache": False}
        return prefix.continued(
            self._padded([item._replace(input_ids=item.input_ids[prefix.tokens :]) for item in batch])
        )

    @property
    def _pad_token_id(self) -> int:
        pad = self.template.tokenizer.pad_token_id
        return 0 if pad is None else int(pad)  # any id serves: the attention mask hides it

    def _first_tokens(self, choices: Choices) -> tuple[int, int]:
        # in the mode of prompt_ids: another would be another for the thread that prepares the next prompts too
        first, second = (ids[0] for ids in plain_ids(self.template.tokenizer, list(choices), split_special=False))
        if first == second:
            raise InputError(f"choices {choices} begin with one token of this model; name others")
        return first, second

    def _generation(self, max_new_tokens: int, temperature: float, top_p: float) -> GenerationConfig:
        from transformers import GenerationConfig

        sampled = temperature > 0
        eos = self.model.generation_config.eos_token_id
        return GenerationConfig(  # type: ignore[no-untyped-call]  # transformers leaves this constructor untyped
            max_new_tokens=max_new_tokens,
            do_sample=sampled,
            temperature=temperature if sampled else None,
            top_p=top_p if sampled else None,
            top_k=0 if sampled else None,
            pad_token_id=self._pad_token_id,
            eos_token_id=self.template.tokenizer.eos_token_id if eos is None else eos,
        )

    def _generation_of(self, ids: list[int], eos: int | list[int], tokens_in: int) -> Generation:
        stops = {eos} if isinstance(eos, int) else set(eos)
        end = next((place + 1 for place, token in enumerate(ids) if token in stops), len(ids))
        text = self.template.tokenizer.decode(ids[:end], skip_special_tokens=True)
        return Generation(str(text), tokens_in, end)

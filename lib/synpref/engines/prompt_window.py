"""How long a chat model's prompts are, known from its tokenizer alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from synpref.engines.chat_template import ChatTemplate
from synpref.engines.model_folder import check_model_folder, loading
from synpref.engines.rationale import instructed
from synpref.engines.tokenise import plain_ids
from synpref.engines.transcript import Messages
from synpref.errors import InputError

# Whether each of these prompts fits into a window.
Fits = Callable[[Sequence[Messages]], list[bool]]


@dataclass(frozen=True)
class PromptWindow:
    """The folder of a chat model, and how many tokens of prompt it is given at most.

    further: what the engine says behind each prompt (rationale.instructed).
    """

    model_path: str
    max_tokens: int
    further: str = ""

    def measure(self) -> Fits:
        """Load the tokenizer. Raises InputError where the folder cannot be used or has no chat template."""
        template = load_template(check_model_folder(self.model_path))

        def fits(prompts: Sequence[Messages]) -> list[bool]:
            asked = [instructed(prompt, self.further) for prompt in prompts]
            return [len(ids) <= self.max_tokens for ids in prompt_ids(template, asked)]

        return fits


def load_template(folder: Path) -> ChatTemplate:
    """The chat template of a checked model folder. Raises InputError where it has none or cannot be read."""
    from transformers import AutoTokenizer

    with loading(folder):
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if not tokenizer.chat_template:
        raise InputError(f"{folder}: no chat template; a judge must be a chat model, not a base model")
    return ChatTemplate.of(tokenizer)


def prompt_ids(template: ChatTemplate, prompts: Sequence[Messages]) -> list[list[int]]:
    """Token ids of each prompt with the header of the answer, nothing cut."""
    texts = [template.render(prompt, open_answer=True) for prompt in prompts]
    return plain_ids(template.tokenizer, texts, split_special=False) if texts else []

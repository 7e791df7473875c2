"""Rendering through a tokenizer's chat template, without what templates add on their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinja2.exceptions import TemplateError

from synpref.engines.hostile import neutralise_tokens
from synpref.engines.transcript import Messages
from synpref.errors import RowError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Templates of the Llama 3 family print today's date unless given one; this is their own fallback.
_DATE = "26 Jul 2024"
_USER, _ASSISTANT = "Ua7", "Ab9"  # probe texts that stand in no template


@dataclass(frozen=True)
class ChatTemplate:
    """A tokenizer's template, with what must be known to render it cleanly.

    bos: the beginning-of-sequence text where it stands apart from the first turn's header, else empty.
    default_system: the block that the template inserts where no system message is given, else empty.
    control_tokens: texts that would become control tokens.
    """

    tokenizer: PreTrainedTokenizerBase
    bos: str
    default_system: str
    control_tokens: tuple[str, ...]

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase) -> ChatTemplate:
        """Probe the template of a tokenizer that has one."""
        bos, default_system = _leading(tokenizer)
        return cls(tokenizer, bos, default_system, control_tokens(tokenizer))

    def render(self, messages: Messages, *, open_answer: bool) -> str:
        """Render turns as text: contents neutralised, no system prompt added, no doubled beginning token.

        open_answer: end with the header of the assistant's turn. Raises RowError where the template refuses the
        conversation even with its system message folded into the first turn and neighbours of one role joined.
        """
        hidden = self.control_tokens
        clean = [{"role": turn["role"], "content": neutralise_tokens(turn["content"], hidden)} for turn in messages]
        try:
            text = _apply(self.tokenizer, clean, open_answer)
        except TemplateError:
            clean = _folded(clean)
            try:
                text = _apply(self.tokenizer, clean, open_answer)
            except TemplateError as error:
                roles = [turn["role"] for turn in messages]
                raise RowError(f"the model's chat template refuses the roles {roles}: {error}") from None
        while self.bos and text.startswith(self.bos * 2):
            text = text.removeprefix(self.bos)
        if clean[0]["role"] != "system" and self.default_system:
            text = self.bos + text.removeprefix(self.bos).removeprefix(self.default_system)
        return text


def control_tokens(tokenizer: PreTrainedTokenizerBase) -> tuple[str, ...]:
    """Texts that steer a model: special tokens, and added tokens that its chat template writes (`<think>`)."""
    template = tokenizer.chat_template if isinstance(tokenizer.chat_template, str) else ""
    added = tokenizer.added_tokens_decoder.values()
    texts = {token.content for token in added if token.special or token.content in template}
    return tuple(sorted(text for text in texts | set(tokenizer.all_special_tokens) if text.strip()))


def _apply(tokenizer: PreTrainedTokenizerBase, messages: Messages, open_answer: bool) -> str:
    return str(
        tokenizer.apply_chat_template(
            [dict(message) for message in messages],
            tokenize=False,
            add_generation_prompt=open_answer,
            date_string=_DATE,
            enable_thinking=False,
        )
    )


def _leading(tokenizer: PreTrainedTokenizerBase) -> tuple[str, str]:
    """What stands before the first user turn: (beginning token, inserted system block).

    The header of a user turn is read off a later turn, where nothing is inserted before it.
    """
    user, assistant = {"role": "user", "content": _USER}, {"role": "assistant", "content": _ASSISTANT}
    one = _apply(tokenizer, [user, assistant], False)
    two = _apply(tokenizer, [user, assistant, user], False)
    before = one.partition(_USER)[0]
    closing = one.rpartition(_ASSISTANT)[2]
    between = two.partition(_ASSISTANT)[2].partition(_USER)[0]
    header = between.removeprefix(closing)
    if not between.startswith(closing) or not header or not before.endswith(header):
        return "", ""  # a template of no turns; what it inserts cannot be told apart, and none is known that does
    leading = before.removesuffix(header)
    bos = tokenizer.bos_token or ""
    if not bos or not leading.startswith(bos) or header.startswith(bos):
        bos = ""
    while bos and leading.startswith(bos):
        leading = leading.removeprefix(bos)
    return bos, leading


def _folded(messages: Messages) -> list[dict[str, str]]:
    """Give templates of strict alternation what they accept: system into the next turn, neighbours of a role joined."""
    turns: list[dict[str, str]] = []
    for message in messages:
        role = "assistant" if message["role"] == "assistant" else "user"
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += "\n\n" + message["content"]
        else:
            turns.append({"role": role, "content": message["content"]})
    return turns

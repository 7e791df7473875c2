"""Neutralising what text could say to a model: control tokens of chat templates and delimiters of our prompts."""

from __future__ import annotations

import re
from collections.abc import Iterable

# Turn markers of the common chat families, for prompts that are rendered before their model is known. `<|x|>` needs
# both ends and no space inside, so that the pipe operators of R, F# and Elixir stay as they are.
_CHAT_MARKERS = re.compile(
    r"<(?=[|\uff5c][^|\uff5c<>\s]{1,60}[|\uff5c]>|/?s>|<?/?SYS>|(?:start|end)_of_turn>|[be]os>)|\[(?=/?(?:INST|SYSTEM_PROMPT)\])",
    re.IGNORECASE,
)


def neutralise_tokens(text: str, tokens: Iterable[str]) -> str:
    """Break every occurrence of the control tokens with a space after its first character; other text is unchanged."""
    known = sorted((token for token in tokens if len(token) > 1), key=len, reverse=True)
    if not known:
        return text
    pattern = re.compile("|".join(re.escape(token) for token in known))
    while pattern.search(text):  # breaking one token can leave another that overlapped it
        text = pattern.sub(lambda match: f"{match[0][0]} {match[0][1:]}", text)
    return text


def neutralise_markers(text: str) -> str:
    """Break the turn markers of the common chat families with a space; other text is unchanged."""
    return _CHAT_MARKERS.sub(lambda match: f"{match[0]} ", text)


def escape_tags(text: str, tags: Iterable[str]) -> str:
    """Write `<` as `&lt;` where it opens or closes one of `tags`, in any case and spacing; other text is unchanged."""
    names = "|".join(re.escape(tag) for tag in tags)
    return re.sub(rf"<(?=\s*/?\s*(?:{names})\b)", "&lt;", text, flags=re.IGNORECASE)

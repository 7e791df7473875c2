"""The four standard roles, and the names that public formats give them."""

from __future__ import annotations

ROLES = ("system", "user", "assistant", "tool")

ALIASES = {
    **{role: role for role in ROLES},
    "human": "user",
    "prompter": "user",
    "gpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "chatbot": "assistant",
    "ai": "assistant",
    "developer": "system",
    "function": "tool",
    "observation": "tool",
    "ipython": "tool",
}


def standard_role(name: str) -> str | None:
    """Map a role's name, in any case and with spaces around it, to a standard role; None where it is unknown."""
    return ALIASES.get(name.strip(" ").lower())

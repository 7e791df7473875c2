"""Secrets that settings may hold, hidden before the settings are written down or shown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

HIDDEN = "***"
FREE = frozenset({"conf"})  # settings that are maps with names of others
# Names of free-form settings (spark.conf) and of parameters in addresses
_WORDS = r"secret|password|passwd|credential|account\.?key|access[._-]?key|api[._-]?key|token|\bsig\b|signature"
_NAME = re.compile(_WORDS, re.IGNORECASE)
# user:password@ of an address; a container@account of abfss:// has no colon
_USER = re.compile(r"(?<=://)[^/@\s:]*:[^/@\s]+(?=@)")
_PARAMETER = re.compile(rf"([?&;][^=&;\s]*(?:{_WORDS})[^=&;\s]*=)[^&;\s]+", re.IGNORECASE)


def masked_text(text: str) -> str:
    """The text without the passwords and keys of addresses in it."""
    return _PARAMETER.sub(rf"\g<1>{HIDDEN}", _USER.sub(HIDDEN, text))


def masked(value: object, *, free: bool = False) -> object:
    """Plain values (as of JSON) with secrets hidden: in addresses anywhere, and by name within maps of FREE.

    free: whether the names are a user's own, as of Spark's settings; our own names hold no secrets.
    """
    if isinstance(value, str):
        return masked_text(value)
    if isinstance(value, Mapping):
        return {
            name: HIDDEN if free and _NAME.search(str(name)) else masked(each, free=free or name in FREE)
            for name, each in value.items()
        }
    return [masked(each, free=free) for each in value] if isinstance(value, list | tuple) else value


def names_secret(where: Sequence[str]) -> bool:
    """Whether a setting, by the names on the way to it, holds a secret."""
    return any(name in FREE for name in where[:-1]) and _NAME.search(where[-1]) is not None


def holds_secret(url: str) -> bool:
    """Whether an address carries a password or a key."""
    return masked_text(url) != url

"""Identity of prompts, responses, comparisons and oriented pairs. `columns` holds the Spark twins, tested equal."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

DIGITS = 32  # 128 bits as hex: no collision to fear at 40 million rows, half the space of the full digest


def hash128(*parts: str) -> str:
    """Hash text parts, in order, to 32 hex characters.

    Every part stands behind its length in bytes, so that ("ab", "c") and ("a", "bc") differ.
    Raises UnicodeEncodeError where a part holds a lone surrogate, which no UTF-8 file can.
    """
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode("utf-8")
        digest.update(b"%d:" % len(encoded))
        digest.update(encoded)
    return digest.hexdigest()[:DIGITS]


def prompt_id(messages: Sequence[Mapping[str, str]]) -> str:
    """Identify a conversation by its roles (standard ones, see `roles`) and contents, unchanged and in order."""
    return hash128(*(part for message in messages for part in (message["role"], message["content"])))


def response_id(prompt: str, text: str) -> str:
    """Identify an answer by its prompt's id and its unchanged text."""
    return hash128(prompt, text)


def orient(response_1: str, response_2: str) -> tuple[str, str]:
    """Order two response ids canonically: (response_a, response_b), the smaller first. The order means nothing else."""
    return (response_1, response_2) if response_1 <= response_2 else (response_2, response_1)


def comparison_id(response_1: str, response_2: str) -> str:
    """Identify the comparison of two response ids, whichever comes first."""
    return hash128(*orient(response_1, response_2))


def pair_id(chosen: str, rejected: str) -> str:
    """Identify a comparison with an orientation, by the response ids of both sides."""
    return hash128(chosen, rejected)

"""Words and n-grams of a text, as decontamination compares them. Plain Python."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"\w+")


def words(text: str) -> list[str]:
    r"""Words of a text: the runs of `\w` (letters, digits, underscore of any script) after NFKC and lower-casing.

    NFKC runs again after lower-casing, so that the words of joined words are the same words. paper.md §10.15 leaves the
    tokenisation open; unlike the public script this one keeps words of one letter.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())
    return _WORD.findall(folded)


def ngram_keys(tokens: list[str], n: int) -> list[str]:
    """The n-grams of the words, joined by one space, in order; a text of fewer than n words is one key as a whole.

    No words, no keys. Two keys are equal only if they have equally many words, so a short text never matches a part of
    a longer one.
    """
    if not tokens:
        return []
    return [" ".join(tokens[start : start + n]) for start in range(max(len(tokens) - n + 1, 1))]

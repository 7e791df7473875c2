"""The vocabulary of a model, for attacks by random tokens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from synpref.benchmarks.attacks import WORDS, Vocabulary

_NO_CHARACTER = "\ufffd"  # what a part of a character is decoded to


def vocabulary_of(folder: Path) -> Vocabulary:
    """The tokens of the tokenizer in a model's folder, but for its control tokens; common words where there is none."""
    if not (folder / "tokenizer.json").is_file():
        return WORDS
    from synpref.reward.backbones import load_tokenizer  # torch: only where something is measured

    tokenizer = load_tokenizer(folder)
    ids = sorted(set(tokenizer.get_vocab().values()) - set(tokenizer.added_tokens_decoder))
    if not ids:
        return WORDS

    def text(numbers: Sequence[int]) -> str:
        return "".join(filter(_is_text, str(tokenizer.decode([ids[number] for number in numbers]))))

    return Vocabulary(len(ids), text)


def _is_text(character: str) -> bool:
    return character == "\n" or (character.isprintable() and character != _NO_CHARACTER)

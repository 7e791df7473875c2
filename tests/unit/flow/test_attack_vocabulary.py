"""Random tokens come from the tokenizer of the model that is attacked."""

from __future__ import annotations

from pathlib import Path

from synpref.benchmarks.attacks import WORDS, vocabulary
from synpref.flow.attack_vocabulary import vocabulary_of
from tests.bench.texts import MINILM, needs_model
from tests.unit.reward.conftest import BAD, FILLER, GOOD, tiny_bert_in


def test_its_own_words_and_no_control_tokens(tmp_path: Path) -> None:
    own = vocabulary_of(tiny_bert_in(tmp_path))
    assert own.size == len([*GOOD, *BAD, *FILLER]) + 2  # of a decoder's control tokens, which this one has as words
    made = vocabulary("an answer that is bad" * 20, own).split()
    assert len(set(made)) > 8
    assert set(made[:-1]) <= {*GOOD, *BAD, *FILLER, "<s>", "</s>"}


@needs_model
def test_pieces_of_words_are_decoded_together() -> None:
    own = vocabulary_of(MINILM)
    assert 29_000 < own.size < 30_522
    made = vocabulary("an answer that is bad" * 20, own)
    assert len(made) > 200
    assert "[PAD]" not in made
    assert "##" not in made[2:]
    assert made.isprintable()


def test_words_of_ours_where_there_is_no_tokenizer(tmp_path: Path) -> None:
    assert vocabulary_of(tmp_path) is WORDS

"""What must hold between a loaded model, its weights on disk and its tokenizer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synpref.engines.model_folder import read_config
from synpref.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def check_whole(where: str, missing: Iterable[str], consequence: str) -> None:
    """Raise InputError where weights of the model stand in no file of its folder: the library draws them by chance.

    missing: `missing_keys` of transformers' loading report, which leaves tied weights out.
    """
    lacking = sorted(missing)
    if lacking:
        raise InputError(f"{where}: the weights lack {', '.join(lacking[:3])}: {consequence}")


def check_vocabulary(where: str, embedded: int, tokenizer: PreTrainedTokenizerBase) -> None:
    """Raise InputError where the tokenizer has ids above the rows of the model's embedding."""
    ids = max(tokenizer.get_vocab().values()) + 1
    if ids > embedded:
        raise InputError(
            f"{where}: the tokenizer has ids for {ids} tokens, the embedding has {embedded} rows; save the model with "
            "the tokenizer that it was trained with"
        )


def check_told_vocabulary(folder: Path, tokenizer: PreTrainedTokenizerBase) -> None:
    """As check_vocabulary, before another library loads the weights: by config.json, where that names the rows."""
    config = read_config(folder)
    rows = config.get("vocab_size") or _mapping(config.get("text_config")).get("vocab_size")
    if isinstance(rows, int):
        check_vocabulary(str(folder), rows, tokenizer)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}

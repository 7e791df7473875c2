"""How many tokens a model can read, from its folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from synpref.inference.spec import EngineSpec

_FILES = (("config.json", "max_position_embeddings"), ("tokenizer_config.json", "model_max_length"))


def fitted(spec: EngineSpec) -> EngineSpec:
    """A reward spec with max_tokens lowered to what its model's positions allow; every other spec as it is.

    The setting is the recipe's 16,384 (paper.md §4); a small backbone has fewer positions. Longer conversations follow
    the policy `overlong`, so nothing is cut that the row does not tell.
    """
    if spec.kind != "reward" or spec.model_path is None:
        return spec
    asked = spec.integer("max_tokens", 0)
    return spec.having(max_tokens=min([asked, *limits(Path(spec.model_path))]))


def limits(folder: Path) -> list[int]:
    """The limits that the folder's files name; none where they are silent or cannot be read (loading tells why)."""
    return [int(value) for file, key in _FILES if (value := _read(folder / file).get(key))]


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}

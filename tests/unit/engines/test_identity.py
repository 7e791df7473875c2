from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from synpref.engines.cards import attributes_card, embedder_card, judge_card, reward_card
from synpref.engines.identity import EngineCard, hashed_part, model_fingerprint, tokenizer_fingerprint
from synpref.errors import InputError

CARD = EngineCard("reward", "best", False, "float32", {"model": "abc", "max_tokens": 48})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "model"
    (root / "1_Pooling").mkdir(parents=True)
    (root / "model.safetensors").write_bytes(b"weights")
    (root / "config.json").write_text("{}")
    (root / "tokenizer.json").write_text("{}")
    (root / "1_Pooling" / "config.json").write_text("{}")
    (root / "README.md").write_text("a card")
    return root


def test_the_id_does_not_depend_on_the_order_of_details() -> None:
    assert replace(CARD, details={"max_tokens": 48, "model": "abc"}).engine_id == CARD.engine_id
    assert len(CARD.engine_id) == 32


@pytest.mark.parametrize(
    "other",
    [
        replace(CARD, dtype="bfloat16"),
        replace(CARD, kind="embedder"),
        replace(CARD, simulated=True),
        replace(CARD, details={"model": "abc", "max_tokens": 49}),
        replace(CARD, details={"model": "abc", "max_tokens": "48"}),
    ],
)
def test_whatever_changes_the_output_changes_the_id(other: EngineCard) -> None:
    assert other.engine_id != CARD.engine_id


def test_the_name_counts_only_where_an_engine_is_simulated() -> None:
    assert replace(CARD, name="other").engine_id == CARD.engine_id
    simulated = replace(CARD, simulated=True)
    assert replace(simulated, name="other").engine_id != simulated.engine_id


def test_the_details_are_what_the_id_is_the_hash_of() -> None:
    facts = {"kind": "reward", "simulated": False, "dtype": "float32", "model": "abc", "max_tokens": 48}
    assert json.loads(CARD.canonical_json) == facts


def test_details_that_repeat_a_field_are_an_error() -> None:
    with pytest.raises(ValueError, match="repeat"):
        _ = replace(CARD, details={"dtype": "float16"}).engine_id


@pytest.mark.parametrize("part", ["model.safetensors", "config.json", "tokenizer.json", "1_Pooling/config.json"])
def test_a_changed_part_changes_the_fingerprint(folder: Path, part: str) -> None:
    before = model_fingerprint(folder)
    (folder / part).write_text("changed")
    assert model_fingerprint(folder) != before


def test_place_cards_and_training_records_do_not_change_the_fingerprint(folder: Path, tmp_path: Path) -> None:
    before = model_fingerprint(folder)
    (folder / "README.md").write_text("another card")
    (folder / "model.json").write_text('{"seconds": 12.5}')
    assert model_fingerprint(folder) == before
    assert model_fingerprint(str(shutil.copytree(folder, tmp_path / "copy"))) == before


def test_a_file_is_read_again_only_where_size_or_time_changed(folder: Path) -> None:
    before = model_fingerprint(folder)
    weights = folder / "model.safetensors"
    times = weights.stat().st_atime_ns, weights.stat().st_mtime_ns
    weights.write_bytes(b"WEIGHTS")
    os.utime(weights, ns=times)
    assert model_fingerprint(folder) == before  # same size and time: the digest in memory serves
    os.utime(weights, ns=(times[0], times[1] + 1))
    assert model_fingerprint(folder) != before


@pytest.mark.parametrize("made", [True, False])
def test_a_folder_without_a_model_is_an_error(tmp_path: Path, made: bool) -> None:
    root = tmp_path / "nothing here"
    if made:
        root.mkdir()
    with pytest.raises(InputError, match="nothing here"):
        model_fingerprint(root)


def test_cards_of_the_engines_differ_where_their_settings_do(folder: Path) -> None:
    path = str(folder)
    sampling: dict[str, Any] = {"dtype": "float32", "max_tokens": 64, "max_new_tokens": 9, "top_p": 0.9}
    cards = [
        embedder_card("e", path, dtype="float32", max_tokens=64, dimensions=None),
        embedder_card("e", path, dtype="float32", max_tokens=64, dimensions=32),
        embedder_card("e", path, dtype="float32", max_tokens=64, dimensions=None, overlong="refuse"),
        embedder_card("e", path, dtype="float32", max_tokens=64, dimensions=None, prompt="query"),
        embedder_card("e", path, dtype="float32", max_tokens=64, dimensions=None, prompt_name="query"),
        reward_card("r", path, dtype="float32", max_tokens=64, overlong="refuse"),
        reward_card("r", path, dtype="float32", max_tokens=64, overlong="truncate_left"),
        judge_card("j", path, dtype="float32", max_tokens=64),
        judge_card("j", path, dtype="bfloat16", max_tokens=64),
        attributes_card("a", path, temperature=0.0, **sampling),
        attributes_card("a", path, temperature=0.6, **sampling),
    ]
    assert len({card.engine_id for card in cards}) == len(cards)


def test_what_is_told_besides_is_recorded_and_changes_no_id() -> None:
    more = replace(CARD, told={"torch": "2.13.0"})
    assert more.engine_id == CARD.engine_id == "23a73a24311f9fc8ccbedfe2725953ed"
    assert json.loads(more.record) == {**json.loads(CARD.record), "told": {"torch": "2.13.0"}}
    assert hashed_part(more.record) == hashed_part(CARD.record) == json.loads(CARD.canonical_json)


def test_a_card_tells_torch_the_tokenizer_and_how_far_answers_repeat(folder: Path) -> None:
    sampling: dict[str, Any] = {"dtype": "float32", "max_tokens": 64, "max_new_tokens": 9, "top_p": 0.9}
    card = reward_card("r", str(folder), dtype="float32", max_tokens=64, overlong="refuse")
    assert card.told == {
        "torch": version("torch"),
        "tokenizer": tokenizer_fingerprint(folder),
        "deterministic_algorithms": False,
        "sampling": "none",
    }
    assert attributes_card("a", str(folder), temperature=0.6, **sampling).told["sampling"] == "seeded"
    assert attributes_card("a", str(folder), temperature=0.0, **sampling).told["sampling"] == "none"


def test_a_tokenizer_has_a_fingerprint_of_its_own(folder: Path) -> None:
    before = tokenizer_fingerprint(folder)
    (folder / "model.safetensors").write_bytes(b"other weights")
    assert tokenizer_fingerprint(folder) == before
    (folder / "tokenizer.json").write_text("[]")
    assert tokenizer_fingerprint(folder) not in {before, None}
    (folder / "tokenizer.json").unlink()
    assert tokenizer_fingerprint(folder) is None

"""Where tokens are counted, conversations that a chat template refuses are set aside with their reason."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from synpref.config import load_settings
from synpref.engines.tokenise import Conversation
from synpref.errors import InputError
from synpref.flow.dry_run import _tokens
from synpref.flow.final_models import tokens_of
from synpref.quality.gate import Gate
from synpref.stage import Stage
from synpref.store.warehouse import Warehouse
from tests.unit.reward.conftest import assistant_begins, tiny_bert_in, with_strict_roles, write_snapshot

BEGUN = Conversation([{"role": "assistant", "content": "tell me"}, {"role": "user", "content": "what"}], "kind")
ASKED = Conversation([{"role": "user", "content": "what"}], "kind")


@pytest.fixture
def strict(tmp_path: Path) -> Path:
    (tmp_path / "bert").mkdir()
    return with_strict_roles(tiny_bert_in(tmp_path / "bert"), tmp_path / "models" / "strict")


def test_a_dry_run_counts_the_others(strict: Path) -> None:
    sizes, how = _tokens(strict, [ASKED, BEGUN, ASKED], 32)
    assert sizes == [2, 2]
    assert how == "counted, without 1 responses of roles that the chat template refuses,"
    with pytest.raises(InputError, match="refuses the roles of all pairs"):
        _tokens(strict, [BEGUN], 32)


def test_tests_are_refused_with_their_reason(strict: Path, tmp_path: Path) -> None:
    rows = [("what", "clear", "rude " * 40), ("say", "kind", "odd")]
    folder = assistant_begins(write_snapshot(tmp_path / "d", rows), "say")
    settings = load_settings(["local"], ["train.max_tokens=32", "scorer.overlong=refuse", f"run.dir={tmp_path}"])
    stage = Stage("evaluate", "run", settings, cast("Warehouse", None), Gate())
    tokens, refused = tokens_of(stage, {"filtered": [{"model_id": strict.name}]}, folder)
    assert list(tokens.values()) == [(2, False)]
    assert sorted(refused.values()) == ["overlong", "row_refused", "row_refused"]

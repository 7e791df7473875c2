from __future__ import annotations

import json
from pathlib import Path

import pytest

from synpref.cli import main

PAIR = {"chosen": "yes", "rejected": "no"}


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_first_user_turns_of_all_that_is_named_stand_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    talk = [{"role": "user", "content": "first"}, {"role": "assistant", "content": "a"}]
    talk.append({"role": "user", "content": "second"})
    pairs = write(
        tmp_path / "pairs.jsonl",
        [{"prompt": "plain", **PAIR}, {"prompt": talk, **PAIR}, {"prompt": "plain", "chosen": "x", "rejected": "y"}],
    )
    one = {"text": "t", "true_score": 1.0}
    lists = write(
        tmp_path / "lists.jsonl", [{"prompt_id": "1", "prompt": "listed", "candidates": [one, one | {"text": "u"}]}]
    )
    file = tmp_path / "prompts.jsonl"
    words = [f"evaluate.benchmarks={{user_pairs: ['{pairs}']}}", f"evaluate.best_of_n=['{lists}']"]
    assert main(["benchmark-prompts", str(file), *words]) == 0
    assert [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] == [
        {"benchmark": "user_pairs", "prompt": "plain"},
        {"benchmark": "user_pairs", "prompt": "first"},
        {"benchmark": "best_of_n", "prompt": "listed"},
    ]
    assert "3 prompts" in capsys.readouterr().err


def test_refused_rows_of_pairs_are_told_and_the_others_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = write(tmp_path / "pairs.jsonl", [{"prompt": "p", **PAIR}, {"prompt": "q", "chosen": "yes"}])
    file, word = tmp_path / "prompts.jsonl", f"evaluate.benchmarks={{user_pairs: ['{pairs}']}}"
    assert main(["benchmark-prompts", str(file), word]) == 0
    assert json.loads(file.read_text()) == {"benchmark": "user_pairs", "prompt": "p"}
    assert "1 rows are refused: missing_response 1 (line 2 of pairs.jsonl)" in capsys.readouterr().err


def test_what_cannot_be_listed_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark-prompts", str(tmp_path / "prompts.jsonl")]) == 2
    assert "no benchmark is named" in capsys.readouterr().err
    assert main(["benchmark-prompts", str(tmp_path / "prompts.jsonl"), "evaluate.table=curated"]) == 2
    assert "evaluate.table is not read here" in capsys.readouterr().err
    missing = f"evaluate.benchmarks={{user_pairs: ['{tmp_path}/none.jsonl']}}"
    assert main(["benchmark-prompts", str(tmp_path / "prompts.jsonl"), missing]) == 2
    assert "none.jsonl" in capsys.readouterr().err
    pairs = write(tmp_path / "pairs.jsonl", [{"prompt": "p", **PAIR}])
    assert main(["benchmark-prompts", str(pairs), f"evaluate.benchmarks={{user_pairs: ['{pairs}']}}"]) == 2
    assert "stands already and is not overwritten" in capsys.readouterr().err
    answers = write(tmp_path / "answers.jsonl", [{"prompt": [{"role": "system", "content": "a"}], **PAIR}])
    words = [str(tmp_path / "new" / "prompts.jsonl"), f"evaluate.benchmarks={{user_pairs: ['{answers}']}}"]
    assert main(["benchmark-prompts", *words]) == 2
    assert "user_pairs: no item has a user turn" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()

"""What is read to be measured on: items, and the canaries that are drawn from them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from pyspark.sql import SparkSession

from synpref.config import load_settings
from synpref.errors import InputError
from synpref.flow.benchmark_files import Material, read_material
from synpref.quality.gate import Gate
from synpref.stage import Stage
from synpref.store.names import Location
from synpref.store.warehouse import Warehouse

NONE_ATTACKED = "robustness: no item has a better and a worse answer"


def read(folder: Path, *words: str) -> Material:
    nothing = Warehouse(cast("SparkSession", None), Location(path=str(folder)))
    return read_material(Stage("evaluate", "run", load_settings(["local"], list(words)), nothing, Gate()))


def written(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def lists(folder: Path, *truths: float | None) -> str:
    candidates = [{"text": f"answer {n}", "true_score": truth} for n, truth in enumerate(truths)]
    rows = [{"prompt_id": str(n), "prompt": f"prompt {n}", "candidates": candidates} for n in range(3)]
    return f"evaluate.best_of_n=['{written(folder / 'lists.jsonl', rows)}']"


def test_lists_alone_have_canaries_and_reward_bench_2_alone_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    of_lists = read(tmp_path, lists(tmp_path, 0.2, None, 0.7, 0.5), "evaluate.robustness=2")
    assert [(one.better.text, one.worse.text) for one in of_lists.canaries] == [("answer 2", "answer 0")] * 2
    row = {"id": "1", "subset": "Math", "prompt": "p", "chosen": ["good"], "rejected": ["a", "b", "c"]}
    file = written(tmp_path / "rb2.jsonl", [row])
    of_rb2 = read(tmp_path, f"evaluate.benchmarks={{reward_bench_2: ['{file}']}}")
    assert [one.better.text for one in of_rb2.canaries] == ["good"]
    assert NONE_ATTACKED not in capsys.readouterr().err


def test_where_no_canary_can_be_drawn_the_run_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    word = lists(tmp_path, 0.5, None, 0.5)
    assert read(tmp_path, word).canaries == ()
    assert NONE_ATTACKED in capsys.readouterr().err
    read(tmp_path, word, "evaluate.robustness=0")
    read(tmp_path)
    assert NONE_ATTACKED not in capsys.readouterr().err


def pairs(folder: Path, bad: int, good: int) -> str:
    messages = [{"role": "user", "content": "p"}]
    rows = [
        {"prompt": messages, "chosen": f"good {n}", "rejected": f"good {n}" if n < bad else "bad"}
        for n in range(bad + good)
    ]
    return f"evaluate.benchmarks={{user_pairs: ['{written(folder / 'pairs.jsonl', rows)}']}}"


def test_refused_rows_of_a_users_pairs_are_counted_named_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = read(tmp_path, pairs(tmp_path, bad=2, good=18))
    assert [(one.name, len(one.items), one.refused) for one in found.benchmarks] == [("user_pairs", 18, 2)]
    assert [one.reason for one in found.refused] == ["identical_responses"] * 2
    told = "user_pairs: 2 rows are refused: identical_responses 2 (line 1, line 2 of pairs.jsonl)"
    assert told in capsys.readouterr().err
    with pytest.raises(
        InputError, match=r"2 of 19 rows are refused, more than evaluate\.max_refused_share=0\.1 allows"
    ):
        read(tmp_path, pairs(tmp_path, bad=2, good=17))
    assert len(read(tmp_path, pairs(tmp_path, bad=2, good=1), "evaluate.max_refused_share=1").refused) == 2
    with pytest.raises(InputError, match="no row is left to measure on"):
        read(tmp_path, pairs(tmp_path, bad=2, good=0), "evaluate.max_refused_share=1")


def test_the_items_of_lists_are_there_whole_for_scores_made_elsewhere(tmp_path: Path) -> None:
    found = read(tmp_path, lists(tmp_path, 0.0, 1.0), "evaluate.sample=2")
    assert (len(found.lists.items), len(found.files["best_of_n"])) == (2, 3)

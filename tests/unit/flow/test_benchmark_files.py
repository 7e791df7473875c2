"""What is read to be measured on: items, and the canaries that are drawn from them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from pyspark.sql import SparkSession

from synpref.config import load_settings
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


def test_the_items_of_lists_are_there_whole_for_scores_made_elsewhere(tmp_path: Path) -> None:
    found = read(tmp_path, lists(tmp_path, 0.0, 1.0), "evaluate.sample=2")
    assert (len(found.lists.items), len(found.files["best_of_n"])) == (2, 3)

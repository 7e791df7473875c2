"""What every model folder must be before anything of it is loaded: readable, safetensors, no code of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synpref.engines.quiet import quiet_transformers
from synpref.errors import InputError

if TYPE_CHECKING:
    from transformers import PretrainedConfig

_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


def check_model_folder(model_path: str | Path) -> Path:
    """Return the folder. Raises InputError where it is missing, has no readable config.json, code or no safetensors."""
    folder = Path(model_path)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such model folder")
    if "auto_map" in read_config(folder):
        raise InputError(f"{folder}: this model brings code of its own, which is never run; use a port to transformers")
    if not any(folder.glob("*.safetensors")):
        pickled = sorted(path.name for path in folder.iterdir() if path.suffix in _PICKLES)
        found = f"only {', '.join(pickled)}, which could run code when read" if pickled else "no weights"
        raise InputError(f"{folder}: {found}; save the model as safetensors")
    return folder


def check_modules(folder: Path) -> None:
    """Raise InputError where a further module of an embedder (a folder that modules.json names) has weights as pickle
    only: a library would read them, and they would be no part of the engine's identity.
    """
    listed = folder / "modules.json"
    if not listed.is_file():
        return
    try:
        modules = [str(module["path"]) for module in json.loads(listed.read_text(encoding="utf-8"))]
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{listed} cannot be read as a list of modules; the model folder is damaged") from None
    for path in filter(None, modules):
        files = [*(folder / path).glob("*")]
        pickled = sorted(file.name for file in files if file.suffix in _PICKLES)
        if pickled and not any(file.suffix == ".safetensors" for file in files):
            raise InputError(
                f"{folder / path}: only {', '.join(pickled)}, which could run code when read; save the model as "
                "safetensors"
            )


def read_config(folder: Path) -> dict[str, Any]:
    """The folder's config.json. Raises InputError where it is missing or no JSON object."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{folder}/config.json cannot be read: {error.strerror}; is this a model folder?") from None
    except ValueError:
        raise InputError(f"{folder}/config.json is not JSON; the model folder is damaged") from None
    if not isinstance(config, dict):
        raise InputError(f"{folder}/config.json is not a JSON object; the model folder is damaged")
    return config


@contextmanager
def loading(folder: Path) -> Iterator[None]:
    """Turn what a library raises while it reads a model folder into one InputError that names the folder; no bars."""
    try:
        with quiet_transformers():
            yield
    except InputError:
        raise
    except Exception as error:  # transformers, tokenizers and safetensors raise unrelated families
        reason = " ".join(str(error).split())[:300]
        raise InputError(f"{folder}: the model cannot be loaded: {reason}") from error


def check_max_tokens(folder: Path, config: PretrainedConfig | None, max_tokens: int, behind: int = 0) -> None:
    """Raise InputError where max_tokens, and as many tokens `behind` them, exceed the positions that the model has."""
    limit = getattr(config, "max_position_embeddings", None)
    if limit is None:
        return
    if limit % 64 == 2:  # the family of RoBERTa counts positions from behind its pad token: 514 hold 512
        limit -= 2
    if max_tokens + behind > limit:
        more = f" with {behind} tokens of a rationale behind them" if behind else ""
        raise InputError(
            f"{folder}: max_tokens {max_tokens}{more} exceeds the model's {limit} positions; lower the setting"
        )

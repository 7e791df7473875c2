"""What an engine's answers depend on, as one id (design.md, Identity)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

from synpref.errors import InputError

EngineKind: TypeAlias = Literal["embedder", "reward", "judge", "attributes"]

_DIGITS = 32
_CHUNK = 1 << 20
# What decides a model's output. Cards, checkpoints of optimisers and other files beside it do not.
_PARTS = {".safetensors", ".gguf", ".json", ".txt", ".model", ".jinja", ".tiktoken"}
# model.json is the record that our own training leaves: its seconds differ where the model does not.
_ASIDE = {"model.json", "trainer_state.json", "data_config.json", "requirements.txt", "LICENSE.txt"}

_TOKENIZER = {
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
    "vocab.txt", "merges.txt", "chat_template.json",
}  # fmt: skip
_TOKENIZER_PARTS = {".model", ".tiktoken", ".jinja"}
TOLD = "told"


@dataclass(frozen=True)
class EngineCard:
    """An engine and all that its output depends on.

    name: for people; it is part of the id only where the engine is simulated and has nothing else to be told by.
    details: JSON values: fingerprint of the model, backend and version, lengths, sampling parameters, prompt template.
    told: JSON values that are written down beside and not hashed: what was there at the engine's first answer, and
    either changes none beyond the tolerance or stands in the details by another name.
    """

    kind: EngineKind
    name: str
    simulated: bool
    dtype: str | None
    details: Mapping[str, Any] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def canonical_json(self) -> str:
        """The JSON object that the id is the hash of. Raises ValueError for what JSON cannot say."""
        facts: dict[str, Any] = {"kind": self.kind, "simulated": self.simulated, "dtype": self.dtype}
        if self.simulated:
            facts["name"] = self.name
        twice = {*facts, TOLD} & self.details.keys()
        if twice:
            raise ValueError(f"details of engine {self.name} repeat {sorted(twice)}")
        return _json(facts | dict(self.details))

    @property
    def record(self) -> str:
        """What the table `engines` holds of it: the object of canonical_json, with what is told besides in one field.

        hashed_part takes it out again.
        """
        return _json({**json.loads(self.canonical_json), TOLD: dict(self.told)}) if self.told else self.canonical_json

    @property
    def engine_id(self) -> str:
        """32 hex characters over canonical_json."""
        return hashlib.sha256(self.canonical_json.encode()).hexdigest()[:_DIGITS]


def hashed_part(record: str) -> dict[str, Any]:
    """The facts that the id of EngineCard.record is the hash of."""
    facts: dict[str, Any] = json.loads(record)
    facts.pop(TOLD, None)
    return facts


def model_fingerprint(folder: str | Path) -> str:
    """Hash a model folder's weights, tokenizer, template and configuration: 32 hex characters.

    The folder's own name and place do not count. A file is read again only where its size or time changed. Raises
    InputError where the folder is missing, unreadable or holds no such file.
    """
    root = Path(folder)
    found = _fingerprint(root, Path.is_file)
    if found is None:
        raise InputError(f"{root}: no model there (no weights, tokenizer or configuration); check the path")
    return found


def tokenizer_fingerprint(folder: str | Path) -> str | None:
    """As model_fingerprint, over the tokenizer and chat template alone; None where the folder holds neither."""
    return _fingerprint(Path(folder), lambda path: path.name in _TOKENIZER or path.suffix in _TOKENIZER_PARTS)


def _fingerprint(root: Path, chosen: Callable[[Path], bool]) -> str | None:
    try:
        parts = sorted(path for path in root.rglob("*") if _counts(path, root) and chosen(path))
        digest = hashlib.sha256()
        for path in parts:
            status = path.stat()
            content = _file_digest(str(path.resolve()), status.st_size, status.st_mtime_ns)
            digest.update(f"{path.relative_to(root).as_posix()}\n{content}\n".encode())
    except OSError as error:
        raise InputError(f"{root}: the model folder cannot be read: {error.strerror}") from None
    return digest.hexdigest()[:_DIGITS] if parts else None


def file_fingerprint(file: str | Path) -> str:
    """Hash a file's content: 32 hex characters. Raises InputError where it cannot be read."""
    path = Path(file)
    try:
        status = path.stat()
        return _file_digest(str(path.resolve()), status.st_size, status.st_mtime_ns)[:_DIGITS]
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None


def _json(facts: Mapping[str, Any]) -> str:
    return json.dumps(facts, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _counts(path: Path, root: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
    return path.suffix in _PARTS and path.name not in _ASIDE and not hidden and path.is_file()


@lru_cache(maxsize=4096)
def _file_digest(path: str, size: int, modified_ns: int) -> str:  # noqa: ARG001 - size and time are the cache's key
    with Path(path).open("rb") as stream:
        digest = hashlib.sha256()
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()

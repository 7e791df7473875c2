"""Whether a local file is what its name says, by its first and last bytes."""

from __future__ import annotations

from pathlib import Path

from pyarrow import ArrowInvalid
from pyarrow.parquet import read_metadata

from synpref.errors import InputError

DAMAGED = "the file is damaged: it begins like what it is, but cannot be read to its end. Fetch or write it again."
ABSENT = "the file is listed, as by the log of a Delta table, but is not there. Restore it, or write the data again."
_PARQUET_MAGIC, _GZIP_MAGIC = b"PAR1", b"\x1f\x8b"
_BLANK = b"\xef\xbb\xbf \t\r\n"  # a byte order mark or white space may stand before a JSON text


def check_readable(path: str) -> None:
    """Raise InputError where a local file or folder exists and may not be read."""
    local = Path(path)
    try:
        if local.is_file():
            local.open("rb").close()
        elif local.is_dir():
            next(local.iterdir(), None)
    except PermissionError as error:
        raise InputError(f"{path}: no permission to read it. Change its rights, or run as a user who may.") from error


def check_not_empty(path: str, endings: tuple[str, ...]) -> None:
    """Raise InputError where a local file, or one with such an ending in a local folder, has no bytes.

    Spark lists no empty file, so it would be passed over in silence.
    """
    local = Path(path)
    for file in [local] if local.is_file() else sorted(local.rglob("*")) if local.is_dir() else []:
        hidden = file.name.startswith(("_", "."))
        counts = file == local or (file.name.endswith(endings) and not hidden)
        if counts and file.is_file() and file.stat().st_size == 0:
            raise InputError(f"{file}: the file is empty (0 bytes).")


def check_content(path: str, kind: str) -> None:
    """Raise InputError where a local file may not be read, is empty, or is not of its format (parquet or jsonl)."""
    check_readable(path)
    with Path(path).open("rb") as opened:
        head = opened.read(64)
        opened.seek(max(0, opened.seek(0, 2) - 4))
        tail = opened.read(4)
    wrong = mismatch(path, head, tail, kind)
    if wrong:
        raise InputError(f"{path}: {wrong}")
    if kind == "parquet":
        _check_footer(path)


def _check_footer(path: str) -> None:
    # Spark reads it too, but Spark 4.0 does not say which file's it could not read
    try:
        read_metadata(path)
    except (ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: {DAMAGED}") from error


def mismatch(name: str, head: bytes, tail: bytes, kind: str) -> str | None:
    """Say what is wrong with a file of this name, first and last bytes, where it is read as `kind`; None if nothing."""
    if not head:
        return "the file is empty (0 bytes)."
    if kind == "parquet":
        whole = head.startswith(_PARQUET_MAGIC) and tail == _PARQUET_MAGIC
        return None if whole else "not a parquet file: its first or last four bytes are not PAR1. Cut off, or renamed?"
    if name.endswith(".gz") != head.startswith(_GZIP_MAGIC):
        told = "is not gzip" if name.endswith(".gz") else "is gzip"
        return f"the content {told}, unlike what the name says. Give the file its right ending."
    if head.startswith(_PARQUET_MAGIC):
        return "a parquet file, read as JSON Lines. Set format: parquet, or rename it."
    if head.lstrip(_BLANK).startswith(b"["):
        return "a JSON array, not JSON Lines. Write each of its elements on a line of its own."
    return None

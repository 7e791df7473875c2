"""A new file of lines, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from synpref.errors import InputError


def write_new(path: Path, lines: Iterable[str]) -> int:
    """Write lines (without their ends) to a file that does not stand yet; returns how many.

    Folders are made where missing. Raises InputError where the file stands or cannot be made.
    """
    if path.exists():
        raise InputError(f"{path}: stands already and is not overwritten; name a new file")
    beside = path.with_name(f".{path.name}.unfinished")
    count = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("w", encoding="utf-8") as opened:
            for line in lines:
                opened.write(f"{line}\n")
                count += 1
        beside.rename(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); name a file that you may write") from None
    finally:
        if beside.is_file():
            beside.unlink()
    return count

"""Where tables live: a folder of Delta tables, or a schema of a catalog. Names are validated, then quoted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from synpref.errors import SettingsError

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,254}")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")


def checked_name(name: str, what: str) -> str:
    """Return `name` if it holds letters, digits, _ and - only; else (a backtick, a dot, ...) raises SettingsError."""
    if not _NAME.fullmatch(name):
        raise SettingsError(f"{what} {name!r} cannot be an identifier: use letters, digits, '_' and '-' only")
    return name


def local_folder(path: str) -> Path | None:
    """Return the folder of this machine that `path` means, or None where it lies in an object store (s3://, dbfs:/)."""
    local = path.removeprefix("file://").removeprefix("file:")
    return None if _URI.match(local) else Path(local)


@dataclass(frozen=True)
class Location:
    """Either `path` (a folder, local or of an object store) or `catalog` and `schema` (catalog may be absent).

    Raises SettingsError where neither or both are given, or a name is no identifier.
    """

    path: str | None = None
    catalog: str | None = None
    schema: str | None = None

    def __post_init__(self) -> None:
        if (self.path is None) == (self.schema is None):
            raise SettingsError("warehouse: give either a path, or a schema (with or without a catalog)")
        if self.path is not None and (self.catalog is not None or not self.path.strip() or "`" in self.path):
            raise SettingsError(f"warehouse.path {self.path!r}: must not be empty, hold a backtick, or join a catalog")
        for what, name in (("warehouse.catalog", self.catalog), ("warehouse.schema", self.schema)):
            if name is not None:
                checked_name(name, what)

    def folder(self, table: str) -> str:
        """Return the folder of `table` in path mode; raises SettingsError in catalog mode or for a bad name."""
        if self.path is None:
            raise SettingsError(f"table {table!r} lives in a catalog and has no folder of ours")
        # Delta takes a relative path for a table's name, so a local one is made absolute here.
        root = self.path if _URI.match(self.path) else str(Path(self.path).absolute())
        return f"{root.rstrip('/')}/{checked_name(table, 'table')}"

    def identifier(self, table: str) -> str:
        """Return what stands for `table` in SQL: "delta.`/path/rewards`" or "`cat`.`schema`.`rewards`"."""
        if self.path is not None:
            return f"delta.`{self.folder(table)}`"
        return f"{self.namespace()}.`{checked_name(table, 'table')}`"

    def namespace(self) -> str:
        """Return the schema as it stands in SQL, "`cat`.`schema`"; raises SettingsError in path mode."""
        if self.schema is None:
            raise SettingsError(f"warehouse.path {self.path!r} is a folder and has no schema")
        return ".".join(f"`{part}`" for part in (self.catalog, self.schema) if part is not None)
